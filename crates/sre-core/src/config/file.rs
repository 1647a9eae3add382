//! Configuration files: read whole, within limits, with errors that say which of the many reasons it was.

use std::fs::File;
use std::io::{ErrorKind as IoKind, Read as _};
use std::path::Path;

use serde::de::DeserializeOwned;

use super::error::{Error, ErrorKind};
use super::node::Node;
use super::origin::Origin;
use super::yaml::{self, Limits};
use super::{de, suggest};

/// Reads a file of several documents, each into a `T` of its own.
///
/// ```
/// # #[derive(serde::Deserialize)] struct Check { name: String }
/// # let dir = tempfile::tempdir()?; let path = dir.path().join("checks.yaml");
/// std::fs::write(&path, "name: disk\n---\nname: load\n")?;
/// let checks: Vec<Check> = sre_core::config::read_documents(&path, Default::default())?;
/// assert_eq!(checks[1].name, "load");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`Layers::file`](super::Layers::file), and those of a wrong value.
pub fn read_documents<T: DeserializeOwned>(path: &Path, limits: Limits) -> Result<Vec<T>, Error> {
    nodes(path, limits)?.iter().map(de::read).collect()
}

/// The documents of a file.
pub(super) fn nodes(path: &Path, limits: Limits) -> Result<Vec<Node>, Error> {
    yaml::documents(path, &text(path, limits)?, limits)
}

fn text(path: &Path, limits: Limits) -> Result<String, Error> {
    let whole = Origin::whole_file(path);
    let file = File::open(path).map_err(|e| open_error(path, e))?;
    if file.metadata().is_ok_and(|meta| meta.is_dir()) {
        let error = Error::new(ErrorKind::Unreadable, "the configuration file is a directory");
        return Err(error.at(whole).help("name a file in it"));
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(limits.bytes).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes).map_err(|e| open_error(path, e))?;
    if bytes.len() > limits.bytes {
        let message = format!("the file is larger than {} bytes", limits.bytes);
        return Err(Error::new(ErrorKind::Limit, message).at(whole).help("is it a configuration file?"));
    }
    String::from_utf8(bytes).map_err(|e| not_utf8(path, e.as_bytes(), e.utf8_error().valid_up_to()))
}

fn not_utf8(path: &Path, bytes: &[u8], offset: usize) -> Error {
    let before = &bytes[..offset.min(bytes.len())];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
    let error = Error::new(ErrorKind::NotUtf8, "the text is not UTF-8");
    error.at(Origin::File { path: path.into(), line, column }).help("save the file as UTF-8")
}

fn open_error(path: &Path, e: std::io::Error) -> Error {
    let whole = Origin::whole_file(path);
    let error = match e.kind() {
        IoKind::NotFound => {
            let error = Error::new(ErrorKind::NotFound, "there is no such configuration file");
            match neighbour(path) {
                Some(name) => error.help(format!("did you mean `{name}`?")),
                None => error,
            }
        }
        IoKind::PermissionDenied => {
            Error::new(ErrorKind::Unreadable, "the configuration file may not be read by this user")
                .help(format!("see `ls -l {}`, and the same for its folders", path.display()))
        }
        IoKind::NotADirectory => {
            Error::new(ErrorKind::NotFound, "there is no such configuration file").help("a part of its path is a file")
        }
        _ => Error::new(ErrorKind::Unreadable, format!("the configuration file cannot be read: {e}")),
    };
    error.at(whole).source(e)
}

/// A file in the same folder with nearly the same name; only the first thousand are looked at.
fn neighbour(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .take(1000)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    suggest::nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}
