//! What is wrong with a configuration, where, and what to write instead.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use super::origin::Origin;
use crate::error::{Classify, Delivery, ErrorClass, RetryHint};
use crate::exit::ExitCode;
use crate::redact;

/// What kind of mistake it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file does not exist.
    NotFound,
    /// The file exists and cannot be read: permissions, a directory, an I/O error.
    Unreadable,
    /// The text is not UTF-8.
    NotUtf8,
    /// Too much text, too many values, too many levels.
    Limit,
    /// The text is not YAML.
    Syntax,
    /// One key twice in one map.
    DuplicateKey,
    /// A key that nobody reads.
    UnknownKey,
    /// A key that must be there is not.
    MissingKey,
    /// A value of the wrong type or out of range.
    InvalidValue,
    /// A secret written into the file.
    InlineSecret,
    /// A secret's variable is not set, or its file cannot be read or is open to others.
    SecretUnavailable,
}

/// A mistake in the configuration.
///
/// `Display` is what a person sees after `error: `, over several lines: the mistake, `-->` the place, `=` what to do.
/// The alternate form `{:#}` has all of it on one line, for logs.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    key: String,
    origin: Option<Origin>,
    help: Option<String>,
    source: Option<io::Error>,
}

// === impl Error ===

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = redact::text(&message.into()).into_owned();
        Self { inner: Box::new(Inner { kind, message, key: String::new(), origin: None, help: None, source: None }) }
    }

    #[must_use]
    pub(super) fn at(mut self, origin: Origin) -> Self {
        self.inner.origin = Some(origin);
        self
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.inner.help = Some(redact::text(&help.into()).into_owned());
        self
    }

    #[must_use]
    pub(super) fn source(mut self, source: io::Error) -> Self {
        self.inner.source = Some(source);
        self
    }

    /// Sets the place unless one nearer to the mistake is known already.
    #[must_use]
    pub(super) fn at_least(mut self, origin: &Origin) -> Self {
        self.inner.origin.get_or_insert_with(|| origin.clone());
        self
    }

    /// Says that the mistake is below `outer`, which is a key or an index such as `[3]`.
    #[must_use]
    pub(super) fn under(mut self, outer: &str) -> Self {
        let inner = &self.inner.key;
        let dot = if inner.is_empty() || inner.starts_with('[') { "" } else { "." };
        self.inner.key = format!("{outer}{dot}{inner}");
        self
    }

    /// What kind of mistake it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The dotted key that it is about, such as `clusters[1].critical`; empty when it is about no key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.inner.key
    }

    /// Where it is.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.inner.origin.as_ref()
    }

    /// What to do about it.
    #[must_use]
    pub fn help_text(&self) -> Option<&str> {
        self.inner.help.as_deref()
    }

    /// The exit code for it: always [`ExitCode::USAGE`].
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::USAGE
    }

    fn headline(&self) -> String {
        let Inner { kind, message, key, .. } = &*self.inner;
        match kind {
            ErrorKind::InvalidValue if !key.is_empty() => format!("invalid value for `{key}`: {message}"),
            ErrorKind::InvalidValue => format!("invalid configuration: {message}"),
            ErrorKind::InlineSecret if !key.is_empty() => format!("`{key}` {message}"),
            ErrorKind::MissingKey => match parent(key) {
                "" => message.clone(),
                parent => format!("{message} in `{parent}`"),
            },
            _ => message.clone(),
        }
    }
}

/// The key without its last part; for an item of a list, the item.
fn parent(key: &str) -> &str {
    key.rsplit_once('.').map_or("", |(parent, _)| parent)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        let (arrow, equals) = if f.alternate() { (" at ", ": ") } else { ("\n  --> ", "\n   = ") };
        if let Some(origin) = &self.inner.origin {
            write!(f, "{arrow}{origin}")?;
        }
        if let Some(help) = &self.inner.help {
            write!(f, "{equals}{help}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, message, key, origin, help, source } = &*self.inner;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("message", message)
            .field("key", key)
            .field("origin", origin)
            .field("help", help)
            .field("source", source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_ref().map(|e| e as &(dyn StdError + 'static))
    }
}

impl Classify for Error {
    fn class(&self) -> ErrorClass {
        ErrorClass::Application
    }

    fn delivery(&self) -> Delivery {
        Delivery::NotSent
    }

    fn retry_hint(&self) -> RetryHint {
        RetryHint::Never
    }
}
