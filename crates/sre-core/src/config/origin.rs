//! Where a value came from.
//!
//! ```
//! use sre_core::config::{Layered, Origin};
//! let timeout = Layered { value: 30, origin: Origin::Flag("--timeout".into()) };
//! assert_eq!(format!("{} ({})", timeout.value, timeout.origin), "30 (flag --timeout)");
//! ```

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The layer that set a value, and the place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody said anything: the tool's own default.
    Default,
    /// A file. Lines and columns count from 1; 0 means the file as a whole.
    File {
        /// The file, as it was named.
        path: Arc<Path>,
        /// Line of the value, or of its key where the value has no single place.
        line: usize,
        /// Column in characters.
        column: usize,
    },
    /// The environment variable of this name.
    Env(Arc<str>),
    /// The command-line flag of this name, such as `--timeout`.
    Flag(Arc<str>),
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layered<T> {
    /// The value itself.
    pub value: T,
    /// Who set it.
    pub origin: Origin,
}

// === impl Origin ===

impl Origin {
    /// `default`, `file`, `environment` or `flag`.
    #[must_use]
    pub fn layer(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::Env(_) => "environment",
            Self::Flag(_) => "flag",
        }
    }

    /// A file as a whole.
    pub(super) fn whole_file(path: &Path) -> Self {
        Self::File { path: path.into(), line: 0, column: 0 }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: 0, .. } => write!(f, "{}", path.display()),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}
