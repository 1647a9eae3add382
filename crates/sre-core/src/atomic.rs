//! Writes a file so that its name never shows half of it.
//!
//! The content goes to a temporary file in the same folder (`.NAME.XXXXXX.tmp`), is flushed to the disk, and takes the
//! name with `rename(2)`; then the folder is flushed too. A reader sees the old file or the new one, also after a
//! crash or with a full disk. A process that is killed in between may leave the temporary file behind, never a
//! damaged target.
//!
//! What is kept: the mode of a file that exists, and its owner and group as far as we may set them. A new file gets
//! `0666` less the umask, as any program's would. Extended attributes, ACLs and hard links to the old file are not
//! carried over.
//!
//! Symbolic links are followed by default, so that a link in a folder of dotfiles stays a link and the file behind it
//! changes; [`Symlinks::Refuse`] is for paths in folders that others may write to.
//!
//! ```
//! use sre_core::atomic;
//! let dir = tempfile::tempdir().unwrap();
//! let path = dir.path().join("report.json");
//! atomic::write(&path, b"{}").unwrap();
//! atomic::AtomicFile::new(&path).mode(0o600).write(b"{\"ok\":true}").unwrap();
//! assert_eq!(std::fs::read(&path).unwrap(), b"{\"ok\":true}");
//!
//! let e = atomic::write(dir.path().join("no/such/report.json"), b"").unwrap_err();
//! assert!(e.to_string().contains("mkdir -p"), "{e}");
//! ```

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use tempfile::NamedTempFile;

use crate::path_error::{PathError, PathErrorKind, parent};

/// What to do when the path is a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Symlinks {
    /// Replace the file that the link leads to; the link stays.
    #[default]
    Follow,
    /// Put the file in the place of the link.
    Replace,
    /// Fail with [`PathErrorKind::Symlink`].
    Refuse,
}

/// A file to be written in one step. Defaults: mode kept or `0666` less the umask, symbolic links followed.
#[derive(Debug, Clone)]
#[must_use]
pub struct AtomicFile {
    path: PathBuf,
    mode: Option<u32>,
    symlinks: Symlinks,
}

/// Writes `contents` to `path` with the defaults of [`AtomicFile`].
///
/// # Errors
/// When the folder is missing or may not be written to, when the disk is full, when `path` is a folder or a device.
pub fn write(path: impl AsRef<Path>, contents: &[u8]) -> Result<(), PathError> {
    AtomicFile::new(path).write(contents)
}

// === impl AtomicFile ===

impl AtomicFile {
    /// Nothing happens before [`write`](Self::write).
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), mode: None, symlinks: Symlinks::default() }
    }

    /// The exact mode of the file, as in `0o640`; the umask does not apply.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// What to do when the path is a symbolic link.
    pub fn symlinks(mut self, symlinks: Symlinks) -> Self {
        self.symlinks = symlinks;
        self
    }

    /// Writes `contents`.
    ///
    /// # Errors
    /// As [`write()`]; the file that was there is then untouched.
    pub fn write(&self, contents: &[u8]) -> Result<(), PathError> {
        self.write_with(|w| w.write_all(contents))
    }

    /// Writes what `fill` writes, without holding it all in memory. An error of `fill` leaves the old file in place.
    ///
    /// # Errors
    /// As [`write()`], and those of `fill`.
    pub fn write_with(&self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), PathError> {
        let fail = |e: io::Error| PathError::new("write", &self.path, e).advice_for_writing();
        let path = self.destination()?;
        let old = existing(&path).map_err(fail)?;
        if let Some(kind) = old.as_ref().and_then(not_a_file) {
            return Err(PathError::refused(kind, "write", &path).advice_for_writing());
        }
        let mut temp = self.temporary(&path, old.is_none()).map_err(fail)?;
        let mut out = BufWriter::new(temp.as_file_mut());
        fill(&mut out).and_then(|()| out.flush()).map_err(fail)?;
        drop(out);
        self.dress(temp.as_file(), old.as_ref()).map_err(fail)?;
        temp.as_file().sync_all().map_err(fail)?;
        temp.persist(&path).map_err(|e| fail(e.error))?;
        sync_dir(parent(&path)).map_err(fail)
    }

    /// The path whose name the new file takes.
    fn destination(&self) -> Result<PathBuf, PathError> {
        let fail = |e: io::Error| PathError::new("write", &self.path, e).advice_for_writing();
        let is_link = match fs::symlink_metadata(&self.path) {
            Ok(meta) => meta.is_symlink(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => false,
            Err(e) => return Err(fail(e)),
        };
        match self.symlinks {
            Symlinks::Follow if is_link => resolve(&self.path).map_err(fail),
            Symlinks::Refuse if is_link => Err(PathError::refused(PathErrorKind::Symlink, "write", &self.path)
                .advice("remove the link, or name the file that it leads to")),
            _ => Ok(self.path.clone()),
        }
    }

    fn temporary(&self, path: &Path, new: bool) -> io::Result<NamedTempFile> {
        let name = path.file_name().unwrap_or(OsStr::new("file")).to_string_lossy();
        // Cut so that prefix, name, random part and suffix stay within the 255 bytes that a name may have.
        let short: String = name.chars().take(48).collect();
        let mut builder = tempfile::Builder::new();
        let prefix = format!(".{short}.");
        builder.prefix(&prefix).suffix(".tmp");
        if new && self.mode.is_none() {
            builder.permissions(Permissions::from_mode(0o666));
        }
        builder.tempfile_in(parent(path))
    }

    /// Owner first: changing it clears the set-id bits of the mode.
    fn dress(&self, file: &File, old: Option<&Metadata>) -> io::Result<()> {
        if let Some(old) = old {
            let new = file.metadata()?;
            if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                match fchown(file, Some(old.uid()), Some(old.gid())) {
                    Err(e) if e.kind() != io::ErrorKind::PermissionDenied => return Err(e),
                    _ => {}
                }
            }
        }
        match self.mode.or_else(|| old.map(|m| m.mode() & 0o7777)) {
            Some(mode) => file.set_permissions(Permissions::from_mode(mode)),
            None => Ok(()),
        }
    }
}

fn existing(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => Ok(None),
        Ok(meta) => Ok(Some(meta)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn not_a_file(meta: &Metadata) -> Option<PathErrorKind> {
    if meta.is_dir() {
        Some(PathErrorKind::IsADirectory)
    } else if meta.is_file() {
        None
    } else {
        Some(PathErrorKind::NotAFile)
    }
}

/// Follows links by hand, because the last one may lead to a file that does not exist yet.
fn resolve(link: &Path) -> io::Result<PathBuf> {
    /// Linux gives up after 40 links too (path_resolution(7)).
    const MAX_LINKS: usize = 40;
    let mut path = link.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = parent(&path).join(target),
            Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => return Ok(path),
            Err(e) => return Err(e),
        }
    }
    Err(Errno::LOOP.into())
}

/// Flushes the folder, so that the rename itself survives a power cut.
fn sync_dir(dir: &Path) -> io::Result<()> {
    match File::open(dir).and_then(|d| d.sync_all()) {
        // Some network filesystems do not know fsync on a folder, and one may write to a folder that one cannot open.
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(e) if e.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::Unsupported => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_file_that_exists_keeps_its_mode_and_a_given_mode_wins() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o741)).unwrap();
        write(&path, b"new").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("new", 0o741));
        AtomicFile::new(&path).mode(0o600).write(b"secret").unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_new_file_gets_what_the_umask_leaves() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("plain"), "").unwrap();
        write(dir.path().join("ours"), b"").unwrap();
        assert_eq!(mode(&dir.path().join("ours")), mode(&dir.path().join("plain")));
    }

    #[test]
    fn a_failing_writer_leaves_the_old_file_and_no_litter() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        write(&path, b"old").unwrap();
        let full = |w: &mut dyn Write| {
            w.write_all(&[b'x'; 100_000])?;
            Err(Errno::NOSPC.into())
        };
        let e = AtomicFile::new(&path).write_with(full).unwrap_err();
        assert_eq!(e.kind(), PathErrorKind::DiskFull);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn links_are_followed_replaced_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("real")).unwrap();
        symlink("real/file", at("link")).unwrap();
        symlink("link", at("link2")).unwrap();
        write(at("link2"), b"1").unwrap();
        assert_eq!(fs::read_to_string(at("real/file")).unwrap(), "1");
        assert!(at("link").is_symlink() && at("link2").is_symlink());

        let refuse = AtomicFile::new(at("link")).symlinks(Symlinks::Refuse);
        assert_eq!(refuse.write(b"2").unwrap_err().kind(), PathErrorKind::Symlink);
        AtomicFile::new(at("link")).symlinks(Symlinks::Replace).write(b"3").unwrap();
        assert!(!at("link").is_symlink());
        assert_eq!(fs::read_to_string(at("real/file")).unwrap(), "1");

        symlink("loop", at("loop")).unwrap();
        assert_eq!(write(at("loop"), b"").unwrap_err().kind(), PathErrorKind::Symlink);
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let e = write(dir.path(), b"").unwrap_err();
        assert_eq!(e.kind(), PathErrorKind::IsADirectory);
        let e = write("/dev/null", b"").unwrap_err();
        assert_eq!(e.kind(), PathErrorKind::NotAFile);
        let e = write(dir.path().join("no/f"), b"").unwrap_err();
        assert_eq!(e.kind(), PathErrorKind::NotFound);
        fs::write(dir.path().join("file"), "").unwrap();
        let e = write(dir.path().join("file/f"), b"").unwrap_err();
        assert_eq!(e.kind(), PathErrorKind::NotADirectory);
    }
}
