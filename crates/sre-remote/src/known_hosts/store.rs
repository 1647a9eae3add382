//! known_hosts files on the disk: reading them, and appending what `accept-new` accepted.
//!
//! These functions block, for the time that a local file takes: call them from a blocking thread where that matters.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use sre_core::path_error::PathError;

use super::{HostKey, KnownHosts, render_line};
use crate::problem::Problem;

/// A file beyond this is no known_hosts: 60,000 hosts with three keys each are about 50 MiB.
const LARGEST: u64 = 256 << 20;
/// Between two looks at a file that another process is appending to, and how many looks: five seconds in all.
const POLL: Duration = Duration::from_millis(10);
const LOOKS: usize = 500;

/// Reads files, in this order; one that does not exist has no lines. What cannot be read is a problem, never a reason
/// to know nothing of the other files.
pub fn load<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> (KnownHosts, Vec<Problem>) {
    let mut known = KnownHosts::default();
    let mut problems = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let name = path.display().to_string();
        match read(path) {
            Ok(Some(text)) => problems.extend(known.read(&text, &name)),
            Ok(None) => {}
            Err(e) => problems.push(Problem::new(name, 0, format!("cannot be read: {e}"))),
        }
    }
    (known, problems)
}

/// Appends the line of a host that was accepted, and makes it known. With `hashed`, its name is hashed with a salt of
/// its own.
///
/// The line is written whole and in one write, under a lock on the file that other runs of this toolkit respect, and on a
/// line of its own also after a file that lacks its last line break. Missing: the file is made with mode `0600`, its
/// folder with `0700`. A symbolic link is followed.
///
/// # Errors
/// When the file or its folder cannot be made or written, or another process holds the lock for five seconds. The
/// host is then not known.
pub fn accept(
    known: &mut KnownHosts,
    path: &Path,
    host: &str,
    port: u16,
    key: &HostKey,
    hashed: bool,
) -> Result<(), PathError> {
    let line = render_line(host, port, key, hashed.then(rand::random));
    append(path, &line).map_err(|e| PathError::new("append to", path, e))?;
    known.insert(host, port, key, &path.display().to_string());
    Ok(())
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 256 MiB"));
    }
    // Comments may be in any encoding; a name or key that is no UTF-8 matches nothing either way.
    Ok(Some(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())))
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    make_folder(path)?;
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    lock(&file)?;
    let mut text = String::with_capacity(line.len() + 2);
    if lacks_line_break(&mut file)? {
        text.push('\n');
    }
    text.push_str(line);
    text.push('\n');
    file.write_all(text.as_bytes())
    // Closing the file gives the lock back.
}

fn make_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !fs::exists(folder)? => {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)
        }
        _ => Ok(()),
    }
}

fn lock(file: &File) -> io::Result<()> {
    for _ in 0..LOOKS {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(POLL),
            // A device (/dev/null) or a filesystem without locks: one write in append mode has to do.
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => return Ok(()),
            Err(TryLockError::Error(e)) => return Err(e),
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process has locked it for five seconds"))
}

fn lacks_line_break(file: &mut File) -> io::Result<bool> {
    if !file.metadata()?.is_file() || file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::Verdict;
    use super::*;

    fn key() -> HostKey {
        HostKey::from_base64("AAAAC3NzaC1lZDI1NTE5AAAAIFrSvJOmZTAgpE9qSPS5wNKAlhKrcTEVYqFGSSMS9Xgh").unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_first_host_makes_folder_and_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".ssh/known_hosts");
        let (mut known, problems) = load([&path]);
        assert!(known.is_empty() && problems.is_empty());
        accept(&mut known, &path, "Web-1", 22, &key(), false).unwrap();
        accept(&mut known, &path, "web-2", 2222, &key(), true).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let (again, problems) = load([&path]);
        assert_eq!((again.len(), problems.len()), (2, 0));
        for (host, port) in [("web-1", 22), ("web-2", 2222)] {
            assert!(matches!(again.lookup(host, port, &key()), Verdict::Known { .. }));
            assert!(matches!(known.lookup(host, port, &key()), Verdict::Known { .. }));
        }
        assert!(!fs::read_to_string(&path).unwrap().contains("web-2"));
    }

    #[test]
    fn a_file_without_its_last_line_break_is_not_spoilt() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known_hosts");
        fs::write(&path, render_line("old", 22, &key(), None)).unwrap();
        accept(&mut KnownHosts::default(), &path, "new", 22, &key(), false).unwrap();
        let (known, problems) = load([&path]);
        assert_eq!((known.len(), problems.len()), (2, 0));
    }

    #[test]
    fn many_at_a_time_lose_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known_hosts");
        thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let mut known = KnownHosts::default();
                    for n in 0..20 {
                        accept(&mut known, path, &format!("host-{writer}-{n}"), 22, &key(), n % 2 == 0).unwrap();
                    }
                });
            }
        });
        let (known, problems) = load([&path]);
        assert_eq!((known.len(), problems.len()), (160, 0));
    }

    #[test]
    fn what_cannot_be_read_or_written_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let (_, problems) = load([dir.path()]);
        assert!(problems[0].to_string().contains("cannot be read"), "{problems:?}");
        let mut known = KnownHosts::default();
        let e = accept(&mut known, dir.path(), "web", 22, &key(), false).unwrap_err();
        assert!(e.to_string().contains("append to"), "{e}");
        assert!(known.is_empty(), "what is not on file is not known");
        accept(&mut known, Path::new("/dev/null"), "web", 22, &key(), false).unwrap();
    }
}
