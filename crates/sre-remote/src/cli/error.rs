//! What is wrong with what the flags name.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::Path;

use sre_core::config;

/// A mistake in a flag or in the file that it names. `Display` is what a person sees after `error: `.
#[derive(Debug)]
pub struct Error {
    message: String,
}

// === impl Error ===

impl Error {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// A file that a flag names cannot be read.
    pub(super) fn file(flag: &str, path: &Path, error: &io::Error) -> Self {
        let mut message = format!("cannot read {} ({flag}): {error}", path.display());
        let neighbour = (error.kind() == io::ErrorKind::NotFound).then(|| neighbour(path)).flatten();
        if let Some(name) = neighbour {
            message += &format!("\n   = did you mean `{name}`?");
        }
        Self { message }
    }
}

/// A file in the same folder with nearly the same name; only the first thousand are looked at.
fn neighbour(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let entries = std::fs::read_dir(folder).ok()?.take(1000);
    let names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    config::nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {}
