//! Where configuration files are read from.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A configuration beyond this is a mistake.
const LARGEST: u64 = 16 << 20;

/// Reads files and lists folders: the disk, or what a test hands in.
pub trait Files: fmt::Debug {
    /// The text of a file; `None` when there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read, or must not be trusted.
    fn read(&self, path: &Path) -> io::Result<Option<String>>;

    /// The names in a folder, in any order; none when there is no such folder.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
}

/// The disk of this machine. Blocks for the time that local files take.
///
/// As for `ssh`, a file that belongs to somebody else than root and us, or that others may write to, is refused: its
/// author could send us to another host.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

/// No files at all: for a text that stands alone.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Nothing;

// === impl Disk ===

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Option<String>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
            Err(e) => return Err(e),
        };
        let meta = file.metadata()?;
        let ours = meta.uid() == 0 || meta.uid() == nix::unistd::getuid().as_raw();
        if !ours || meta.mode() & 0o022 != 0 {
            let why = "it belongs to another user, or others may write to it: chmod go-w";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 16 MiB"));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            Err(e) => return Err(e),
        };
        // A name that is no UTF-8 fits no pattern that is.
        entries.filter_map(|entry| entry.map(|e| e.file_name().into_string().ok()).transpose()).collect()
    }
}

// === impl Nothing ===

impl Files for Nothing {
    fn read(&self, _path: &Path) -> io::Result<Option<String>> {
        Ok(None)
    }

    fn list(&self, _folder: &Path) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_may_write_to_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        assert_eq!(Disk.read(&path).unwrap(), None);
        fs::write(&path, "Port 22\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(Disk.read(&path).unwrap().as_deref(), Some("Port 22\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
        assert!(Disk.read(&path).unwrap_err().to_string().contains("chmod go-w"));
        assert_eq!(Disk.list(dir.path()).unwrap(), ["config"]);
        assert!(Disk.list(&path).unwrap().is_empty() && Disk.list(&path.join("x")).unwrap().is_empty());
    }
}
