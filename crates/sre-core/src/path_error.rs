//! What went wrong with a file or folder: what was tried, on which path, and what to do about it.
//!
//! Every module that touches the filesystem fails with this one type, so that a message never lacks the path.
//!
//! ```
//! use std::io;
//! use std::path::Path;
//! use sre_core::path_error::{PathError, PathErrorKind};
//!
//! let e = PathError::new("read", Path::new("/etc/app.yaml"), io::Error::from(io::ErrorKind::PermissionDenied))
//!     .advice("run as a user that may read it");
//! assert_eq!(e.kind(), PathErrorKind::PermissionDenied);
//! assert_eq!(e.to_string(), "cannot read /etc/app.yaml: permission denied; run as a user that may read it");
//! ```

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Classify, Delivery, ErrorClass, RetryHint};

/// An operation on a path that failed. Opaque and one pointer wide.
///
/// `Display` says what was tried, the path, what happened and what to do; the system's own error is the
/// [source](StdError::source).
pub struct PathError {
    inner: Box<Inner>,
}

struct Inner {
    kind: PathErrorKind,
    action: &'static str,
    path: PathBuf,
    advice: String,
    source: Option<io::Error>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathErrorKind {
    /// The path, or a folder on the way to it, does not exist.
    NotFound,
    /// The user that we run as may not do this.
    PermissionDenied,
    /// The filesystem is mounted read-only.
    ReadOnly,
    /// No blocks or no inodes are left.
    DiskFull,
    /// The user's or project's quota is used up.
    Quota,
    /// The file is beyond what the filesystem or a limit of ours (`ulimit -f`) allows.
    TooLarge,
    /// A folder was expected and something else is there.
    NotADirectory,
    /// A folder is where something else was expected.
    IsADirectory,
    /// A device, socket or pipe is where a plain file was expected.
    NotAFile,
    /// A symbolic link is where none was expected.
    Symlink,
    /// Something exists already where nothing was expected.
    AlreadyExists,
    /// The name of a user or group is not known on this machine.
    UnknownOwner,
    /// What was handed in cannot be done: a line with a line break, a mode beyond `7777`.
    InvalidInput,
    /// It was done, and reading it back shows something else: another program writes there too.
    NotKept,
    /// Anything else that the system reports; the source says what.
    Other,
}

// === impl PathError ===

impl PathError {
    /// `action` is a verb that fits "cannot …": `read`, `write`, `create`. The kind follows from the source.
    #[must_use]
    pub fn new(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        let kind = PathErrorKind::of(&source);
        Self {
            inner: Box::new(Inner { kind, action, path: path.to_owned(), advice: String::new(), source: Some(source) }),
        }
    }

    /// A refusal of our own, with no system error underneath.
    #[must_use]
    pub fn refused(kind: PathErrorKind, action: &'static str, path: &Path) -> Self {
        Self { inner: Box::new(Inner { kind, action, path: path.to_owned(), advice: String::new(), source: None }) }
    }

    /// What to do about it, as a lower-case fragment.
    #[must_use]
    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.inner.advice = advice.into();
        self
    }

    /// Adds the advice that fits a failed write: which folder to look at, and with which command.
    #[must_use]
    pub(crate) fn advice_for_writing(self) -> Self {
        let path = self.inner.path.clone();
        let dir = parent(&path).display().to_string();
        let advice = match self.inner.kind {
            PathErrorKind::NotFound => format!("create the folder first: mkdir -p {dir}"),
            PathErrorKind::PermissionDenied => {
                format!("run as a user that may write to {dir}, or change its owner or mode")
            }
            PathErrorKind::ReadOnly => format!("{dir} is on a read-only filesystem; choose another place"),
            PathErrorKind::DiskFull => format!("make room: df -h {dir}; df -i {dir}"),
            PathErrorKind::Quota => "delete something, or ask for a larger quota".to_owned(),
            PathErrorKind::NotADirectory => format!("a part of {dir} is not a folder"),
            PathErrorKind::IsADirectory => "name a file, not a folder".to_owned(),
            PathErrorKind::NotAFile => "name a plain file: a device, socket or pipe cannot be replaced".to_owned(),
            _ => return self,
        };
        self.advice(advice)
    }

    /// What went wrong, as a value to match on.
    #[must_use]
    pub fn kind(&self) -> PathErrorKind {
        self.inner.kind
    }

    /// The path that it went wrong on.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }
}

/// The folder that holds `path`; `.` for a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if dir.as_os_str().is_empty() => Path::new("."),
        Some(dir) => dir,
        None => path,
    }
}

impl PathErrorKind {
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            io::ErrorKind::StorageFull => Self::DiskFull,
            io::ErrorKind::QuotaExceeded => Self::Quota,
            io::ErrorKind::FileTooLarge => Self::TooLarge,
            io::ErrorKind::NotADirectory => Self::NotADirectory,
            io::ErrorKind::IsADirectory => Self::IsADirectory,
            io::ErrorKind::AlreadyExists => Self::AlreadyExists,
            // ELOOP: what open(2) with O_NOFOLLOW says of a symbolic link. `ErrorKind::FilesystemLoop` is not stable.
            _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => Self::Symlink,
            _ => Self::Other,
        }
    }

    /// The lower-case words used in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "no such file or directory",
            Self::PermissionDenied => "permission denied",
            Self::ReadOnly => "read-only filesystem",
            Self::DiskFull => "no space left on the device",
            Self::Quota => "quota exceeded",
            Self::TooLarge => "file too large",
            Self::NotADirectory => "not a directory",
            Self::IsADirectory => "it is a directory",
            Self::NotAFile => "not a plain file",
            Self::Symlink => "it is a symbolic link",
            Self::AlreadyExists => "it exists already",
            Self::UnknownOwner => "no such user or group",
            Self::InvalidInput => "invalid input",
            Self::NotKept => "the change did not stay",
            Self::Other => "the system refused",
        }
    }
}

impl Classify for PathError {
    fn class(&self) -> ErrorClass {
        match self.inner.kind {
            PathErrorKind::PermissionDenied => ErrorClass::Auth,
            _ => ErrorClass::Application,
        }
    }

    fn delivery(&self) -> Delivery {
        match self.inner.kind {
            PathErrorKind::NotKept | PathErrorKind::Other => Delivery::MaybeSent,
            _ => Delivery::NotSent,
        }
    }

    fn retry_hint(&self) -> RetryHint {
        RetryHint::Never
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let i = &self.inner;
        write!(f, "cannot {} {}: {}", i.action, i.path.display(), i.kind.as_str())?;
        if !i.advice.is_empty() {
            write!(f, "; {}", i.advice)?;
        }
        Ok(())
    }
}

impl fmt::Debug for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let i = &self.inner;
        f.debug_struct("PathError")
            .field("kind", &i.kind)
            .field("action", &i.action)
            .field("path", &i.path)
            .field("advice", &i.advice)
            .field("source", &i.source)
            .finish()
    }
}

impl StdError for PathError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_ref().map(|s| s as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_errno_that_people_meet_has_its_kind() {
        use rustix::io::Errno;
        for (errno, kind) in [
            (Errno::NOENT, PathErrorKind::NotFound),
            (Errno::ACCESS, PathErrorKind::PermissionDenied),
            (Errno::PERM, PathErrorKind::PermissionDenied),
            (Errno::ROFS, PathErrorKind::ReadOnly),
            (Errno::NOSPC, PathErrorKind::DiskFull),
            (Errno::DQUOT, PathErrorKind::Quota),
            (Errno::FBIG, PathErrorKind::TooLarge),
            (Errno::NOTDIR, PathErrorKind::NotADirectory),
            (Errno::ISDIR, PathErrorKind::IsADirectory),
            (Errno::LOOP, PathErrorKind::Symlink),
            (Errno::IO, PathErrorKind::Other),
        ] {
            let e = PathError::new("write", Path::new("/x/y"), errno).advice_for_writing();
            assert_eq!(e.kind(), kind);
            assert!(e.to_string().starts_with("cannot write /x/y: "), "{e}");
        }
    }

    #[test]
    fn a_full_disk_names_the_folder_and_the_command() {
        let e = PathError::new("write", Path::new("report.json"), rustix::io::Errno::NOSPC).advice_for_writing();
        assert_eq!(e.to_string(), "cannot write report.json: no space left on the device; make room: df -h .; df -i .");
    }
}
