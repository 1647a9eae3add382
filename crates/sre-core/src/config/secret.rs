//! Secrets by reference: the file names the variable or the file that holds one, never the secret itself.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use sre_core::{Secret, config::{Layers, SecretRef, outside_files}};
//!
//! #[derive(Debug, Default, Serialize, Deserialize)]
//! #[serde(default)]
//! struct Slack {
//!     webhook_env: Option<String>,
//!     webhook_file: Option<std::path::PathBuf>,
//!     #[serde(deserialize_with = "outside_files")]
//!     webhook: Option<Secret>, // by flag or variable only
//! }
//!
//! let slack: Slack = Layers::new().text("c.yaml", "webhook_env: SLACK_WEBHOOK_URL")?.load()?.value;
//! let variables = |name: &str| (name == "SLACK_WEBHOOK_URL").then(|| "https://hooks.slack.com/services/x".into());
//! let secret = SecretRef::new("webhook", slack.webhook_env, slack.webhook_file).resolve(variables)?;
//! assert_eq!(secret.unwrap().expose(), "https://hooks.slack.com/services/x");
//!
//! let error = Layers::new().text("c.yaml", "webhook: https://hooks.slack.com/x")?.load::<Slack>().unwrap_err();
//! assert!(error.to_string().contains("`webhook_env: NAME_OF_A_VARIABLE`"), "{error}");
//! # Ok::<(), sre_core::config::Error>(())
//! ```

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, Visitor};

use super::error::{Error, ErrorKind};
use crate::secret::Secret;

/// The name by which the reader of files knows a field that no file may set.
pub(super) const MARK: &str = "sre_core::config::outside_files";

/// The largest file taken for a secret; a private key with its chain stays well below.
const MAX_FILE: u64 = 64 * 1024;

/// Where a secret is to be found: `KEY_env` or `KEY_file` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretRef {
    key: String,
    env: Option<String>,
    file: Option<PathBuf>,
}

// === impl SecretRef ===

impl SecretRef {
    /// The references found in the configuration for the secret `key` (dotted, without `_env` or `_file`).
    #[must_use]
    pub fn new(key: impl Into<String>, env: Option<String>, file: Option<PathBuf>) -> Self {
        Self { key: key.into(), env, file }
    }

    /// Whether anything is referred to.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.env.is_some() || self.file.is_some()
    }

    /// Fetches the secret; `None` when nothing is referred to. White space around it is dropped.
    ///
    /// `lookup` gives an environment variable, usually `std::env::var_os`. A file must not be writable by others than
    /// its owner; one that all users can read is logged as a warning (Kubernetes mounts secrets with mode 0644).
    ///
    /// # Errors
    /// [`ErrorKind::SecretUnavailable`] when the variable is not set or empty, or the file cannot be read, is empty, is
    /// larger than 64 KiB or is writable by others; [`ErrorKind::InlineSecret`] when `KEY_env` holds the secret and not
    /// a name; [`ErrorKind::InvalidValue`] when both are given. None of them shows the secret.
    pub fn resolve(&self, lookup: impl Fn(&str) -> Option<OsString>) -> Result<Option<Secret>, Error> {
        let text = match (&self.env, &self.file) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                let key = &self.key;
                let error = Error::new(ErrorKind::InvalidValue, format!("`{key}_env` and `{key}_file` are both set"));
                return Err(error.help("keep the one that holds the secret"));
            }
            (Some(name), None) => self.read_variable(name, lookup)?,
            (None, Some(path)) => self.read_file(path)?,
        };
        Ok(Some(Secret::new(text.trim())))
    }

    fn read_variable(&self, name: &str, lookup: impl Fn(&str) -> Option<OsString>) -> Result<String, Error> {
        let key = &self.key;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            let error =
                Error::new(ErrorKind::InlineSecret, format!("`{key}_env` does not hold the name of a variable"));
            return Err(error.help("put the secret into a variable and write the variable's name here"));
        }
        let unavailable = |why: &str| {
            let message = format!("environment variable {name}, named by `{key}_env`, {why}");
            Error::new(ErrorKind::SecretUnavailable, message)
        };
        match lookup(name).map(OsString::into_string) {
            None => Err(unavailable("is not set")),
            Some(Err(_)) => Err(unavailable("is not UTF-8")),
            Some(Ok(text)) if text.trim().is_empty() => Err(unavailable("is empty")),
            Some(Ok(text)) => Ok(text),
        }
    }

    fn read_file(&self, path: &Path) -> Result<String, Error> {
        let fail = |why: &str| {
            let message = format!("secret file {}, named by `{}_file`, {why}", path.display(), self.key);
            Error::new(ErrorKind::SecretUnavailable, message)
        };
        let io = |e: std::io::Error| fail(&format!("cannot be read: {e}")).source(e);
        let file = File::open(path).map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        if meta.is_dir() {
            return Err(fail("is a directory"));
        }
        let mode = meta.permissions().mode();
        if mode & 0o022 != 0 && meta.is_file() {
            let help = format!("run `chmod go-w {}`", path.display());
            return Err(fail("can be written by others").help(help));
        }
        if mode & 0o004 != 0 && meta.is_file() {
            tracing::warn!(path = %path.display(), mode = format_args!("{:04o}", mode & 0o7777), "every user can read this secret file");
        }
        let mut text = String::new();
        let size = file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(io)?;
        match (text.trim().is_empty(), size as u64 > MAX_FILE) {
            (true, _) => Err(fail("is empty")),
            (_, true) => Err(fail("is larger than 64 KiB")),
            _ => Ok(text),
        }
    }
}

/// For `#[serde(deserialize_with = "outside_files")]` on an `Option<Secret>`: a variable or a flag may set it, a file that does is
/// an error of kind [`ErrorKind::InlineSecret`].
///
/// # Errors
/// Those of the deserializer.
pub fn outside_files<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    deserializer.deserialize_newtype_struct(MARK, Outside)
}

struct Outside;

impl<'de> Visitor<'de> for Outside {
    type Value = Option<Secret>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Option::deserialize(deserializer)
    }
}

/// The error for a secret in a file; the key is added on the way up.
pub(super) fn inline() -> Error {
    Error::new(ErrorKind::InlineSecret, "is a secret and does not belong in a file")
}

/// The error for the key `name` when `known` has `name_env` or `name_file` instead.
pub(super) fn instead_of(name: &str, known: &[&str]) -> Option<Error> {
    let stem = name.strip_suffix("_url").unwrap_or(name);
    let of = |suffix: &str| {
        [name, stem].iter().map(|s| format!("{s}{suffix}")).find(|candidate| known.contains(&candidate.as_str()))
    };
    let ways = match (of("_env"), of("_file")) {
        (None, None) => return None,
        (Some(env), None) => format!("`{env}: NAME_OF_A_VARIABLE`"),
        (None, Some(file)) => format!("`{file}: /path/to/file`"),
        (Some(env), Some(file)) => format!("`{env}: NAME_OF_A_VARIABLE` or `{file}: /path/to/file`"),
    };
    Some(inline().help(format!("write where it is to be found: {ways}")))
}
