//! What is at a path right now, without following a link.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::path_error::{PathError, PathErrorKind};

/// What is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
    Symlink,
    Other,
}

/// An existing path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// `None` when nothing is there, or not even the folder.
pub(crate) fn look(path: &Path) -> Result<Option<Entry>, PathError> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(PathError::new("look at", path, e)),
    };
    let t = meta.file_type();
    let kind = match () {
        () if t.is_dir() => Kind::Directory,
        () if t.is_file() => Kind::File,
        () if t.is_symlink() => Kind::Symlink,
        () => Kind::Other,
    };
    Ok(Some(Entry { kind, mode: meta.mode() & 0o7777, uid: meta.uid(), gid: meta.gid() }))
}

impl Entry {
    /// The error when something else was wanted here.
    pub(crate) fn is_not(self, wanted: Kind, action: &'static str, path: &Path) -> PathError {
        let (kind, advice) = match (self.kind, wanted) {
            (Kind::Symlink, _) => (PathErrorKind::Symlink, "remove the link, or name what it leads to"),
            (Kind::Directory, _) => (PathErrorKind::IsADirectory, "move the folder away first"),
            (_, Kind::Directory) => (PathErrorKind::NotADirectory, "move what is there away first"),
            (_, Kind::File) => (PathErrorKind::NotAFile, "name a plain file"),
            _ => (PathErrorKind::AlreadyExists, "move it away first: it is never overwritten"),
        };
        PathError::refused(kind, action, path).advice(advice)
    }
}
