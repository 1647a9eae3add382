//! The local side of an upload: what there is, read and summed up once for all hosts.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::trouble::local;
use crate::error::Error;

/// A folder with more files is not what this is for.
const MOST_FILES: usize = 100_000;

/// What is to be sent.
#[derive(Debug)]
pub(super) struct Source {
    /// Whether the path is a folder, whose files are sent.
    pub(super) is_folder: bool,
    /// The files, by name.
    pub(super) files: Vec<SourceFile>,
    /// The folders below it, parents first.
    pub(super) folders: Vec<String>,
}

/// A local file.
#[derive(Debug)]
pub(super) struct SourceFile {
    pub(super) path: PathBuf,
    /// Its path below the folder; empty for a single file.
    pub(super) relative: String,
    pub(super) size: u64,
    pub(super) sha256: String,
    /// Its permission bits.
    pub(super) mode: u32,
}

// === impl Source ===

impl Source {
    /// Reads a file, or all files of a folder.
    pub(super) fn read(path: &Path, recursive: bool) -> Result<Self, Error> {
        let about = fs::metadata(path).map_err(|error| local(path, error.to_string()))?;
        let mut source = Self { is_folder: about.is_dir(), files: Vec::new(), folders: Vec::new() };
        if !source.is_folder {
            source.files.push(SourceFile::read(path.to_owned(), String::new(), &about)?);
        } else if recursive {
            source.walk(path)?;
        } else {
            return Err(local(path, "it is a folder, and the transfer is not recursive"));
        }
        Ok(source)
    }

    fn walk(&mut self, root: &Path) -> Result<(), Error> {
        let mut open = vec![(root.to_owned(), String::new())];
        while let Some((folder, relative)) = open.pop() {
            let complain = |error: io::Error| local(&folder, error.to_string());
            let mut entries: Vec<_> = fs::read_dir(&folder).and_then(Iterator::collect).map_err(complain)?;
            entries.sort_by_key(|entry: &fs::DirEntry| std::cmp::Reverse(entry.file_name()));
            for entry in entries {
                let path = entry.path();
                let name = entry.file_name().into_string().map_err(|_| local(&path, "its name is not UTF-8"))?;
                let relative = if relative.is_empty() { name } else { format!("{relative}/{name}") };
                let is_link = entry.file_type().map_err(complain)?.is_symlink();
                let about = fs::metadata(&path).map_err(|error| local(&path, error.to_string()))?;
                if about.is_dir() && is_link {
                    return Err(local(&path, "it is a link to a folder, which is not sent"));
                } else if about.is_dir() {
                    self.folders.push(relative.clone());
                    open.push((path, relative));
                } else {
                    self.files.push(SourceFile::read(path, relative, &about)?);
                }
                if self.files.len() > MOST_FILES {
                    return Err(local(root, "it holds more than 100,000 files"));
                }
            }
        }
        self.files.sort_by(|a, b| a.relative.cmp(&b.relative));
        self.folders.sort();
        Ok(())
    }
}

// === impl SourceFile ===

impl SourceFile {
    fn read(path: PathBuf, relative: String, about: &Metadata) -> Result<Self, Error> {
        if !about.is_file() {
            return Err(local(&path, "it is neither a file nor a folder"));
        }
        let (size, sha256) = sum(&path).map_err(|error| local(&path, error.to_string()))?;
        Ok(Self { path, relative, size, sha256, mode: about.permissions().mode() & 0o7777 })
    }
}

/// Size and SHA-256 of a local file.
pub(super) fn sum(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut size = 0;
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => return Ok((size, hex(hash))),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        size += count as u64;
        hash.update(&buffer[..count]);
    }
}

/// The digest as `sha256sum` prints it.
pub(super) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
