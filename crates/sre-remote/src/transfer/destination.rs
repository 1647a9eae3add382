//! The local side of a download: a file that appears whole, and never outside its folder.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use tempfile::NamedTempFile;

use super::trouble::{failed, local};
use crate::error::Error;

/// The path of something that a host names, below a local folder.
///
/// # Errors
/// When the name would lead out of it, or a link stands in the way.
pub(super) fn inside(root: &Path, relative: &str) -> Result<PathBuf, Error> {
    let mut path = root.to_owned();
    for component in Path::new(relative).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) => {
                if path != root && fs::symlink_metadata(&path).is_ok_and(|about| about.is_symlink()) {
                    return Err(local(&path, "it is a link: what a host sends does not go through it"));
                }
                path.push(name);
            }
            _ => return Err(failed(relative, "the host gave a name that leads out of the folder")),
        }
    }
    Ok(path)
}

/// An empty file beside the target, for us alone; it vanishes unless [`keep`] is called.
pub(super) fn temporary(target: &Path) -> Result<NamedTempFile, Error> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if target.is_dir() {
        return Err(local(target, "it is a folder"));
    }
    let make = || -> io::Result<NamedTempFile> {
        fs::create_dir_all(folder)?;
        tempfile::Builder::new().prefix(".sre-download.").tempfile_in(folder)
    };
    make().map_err(|error| local(folder, error.to_string()))
}

/// Gives a finished file its mode and its name.
pub(super) fn keep(file: NamedTempFile, target: &Path, mode: u32) -> Result<(), Error> {
    let complain = |error: io::Error| local(target, error.to_string());
    file.as_file().set_permissions(Permissions::from_mode(mode)).map_err(complain)?;
    file.persist(target).map(drop).map_err(|error| complain(error.error))
}

/// Gives a file that is there another mode; whether it had another one.
pub(super) fn mend(target: &Path, mode: Option<u32>) -> Result<bool, Error> {
    let complain = |error: io::Error| local(target, error.to_string());
    let Some(mode) = mode else { return Ok(false) };
    let now = fs::metadata(target).map_err(complain)?.permissions().mode() & 0o7777;
    if now == mode {
        return Ok(false);
    }
    fs::set_permissions(target, Permissions::from_mode(mode)).map_err(complain)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert_eq!(inside(root, "./a/b").unwrap(), root.join("a/b"));
        assert_eq!(inside(root, "./...").unwrap(), root.join("..."));
        for bad in ["../a", "./a/../../b", "/etc/passwd", "a/.."] {
            assert!(inside(root, bad).is_err(), "{bad}");
        }
        std::os::unix::fs::symlink("/tmp", root.join("link")).unwrap();
        assert!(inside(root, "./link/x").is_err());
        // The link itself may be replaced.
        assert!(inside(root, "./link").is_ok());
    }
}
