//! What is wrong with an inventory or a choice of hosts, and where.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use sre_core::{Classify, Delivery, ErrorClass, ExitCode, RetryHint, config};

/// What kind of mistake it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InventoryErrorKind {
    /// The text cannot be read: a pattern, a line, the YAML.
    Syntax,
    /// A value of the wrong type or out of range.
    InvalidValue,
    /// More hosts, ranges or bytes than we take.
    Limit,
    /// The text is not UTF-8.
    NotUtf8,
    /// The file could not be read to its end.
    Unreadable,
    /// A group that the inventory does not have.
    UnknownGroup,
    /// A tag that no host has.
    UnknownTag,
    /// A host that the inventory does not have, or a wildcard that fits none.
    UnknownHost,
    /// A group that is inside itself.
    Cycle,
}

/// Where a mistake is. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In a file; `source` is its name as it was given.
    File {
        /// The file.
        source: Arc<str>,
        /// Its line; 0 when it is about the file as a whole.
        line: usize,
        /// The column in that line.
        column: usize,
    },
    /// In an expression of the command line.
    Expression {
        /// The whole expression.
        text: Arc<str>,
        /// Where in it.
        column: usize,
    },
}

/// A mistake in an inventory, a pattern or a selection.
///
/// `Display` is what a person sees after `error: `, over several lines: the mistake, `-->` the place, `=` what to do.
/// The alternate form `{:#}` has all of it on one line, for logs.
///
/// ```
/// use sre_remote::inventory::HostSet;
/// let error = HostSet::parse("web-[20-01]").unwrap_err();
/// assert_eq!(format!("error: {error}"), "\
/// error: the range `20-01` runs backwards
///   --> column 6 of `web-[20-01]`
///    = write `01-20`");
/// ```
#[derive(Debug)]
pub struct InventoryError {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: InventoryErrorKind,
    message: String,
    place: Option<Place>,
    help: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    /// A mistake in YAML says everything itself.
    config: Option<config::Error>,
}

/// A mistake in a piece of text, before anyone knows where that text stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) kind: InventoryErrorKind,
    /// Byte offset in the text.
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

// === impl InventoryError ===

impl InventoryError {
    pub(super) fn new(kind: InventoryErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { inner: Box::new(Inner { kind, message, place: None, help: None, source: None, config: None }) }
    }

    #[must_use]
    pub(super) fn at(mut self, place: Place) -> Self {
        self.inner.place = Some(place);
        self
    }

    #[must_use]
    pub(super) fn help(mut self, help: Option<String>) -> Self {
        self.inner.help = help;
        self
    }

    #[must_use]
    pub(super) fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// What kind of mistake it is.
    #[must_use]
    pub fn kind(&self) -> InventoryErrorKind {
        self.inner.kind
    }

    /// Where it is; `None` when the YAML reader names the place itself, or when it is about no place.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.inner.place.as_ref()
    }

    /// What to do about it.
    #[must_use]
    pub fn help_text(&self) -> Option<&str> {
        self.inner.help.as_deref().or_else(|| self.inner.config.as_ref()?.help_text())
    }

    /// The exit code for it: always [`ExitCode::USAGE`].
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::USAGE
    }
}

impl From<config::Error> for InventoryError {
    fn from(error: config::Error) -> Self {
        let kind = match error.kind() {
            config::ErrorKind::Syntax | config::ErrorKind::DuplicateKey => InventoryErrorKind::Syntax,
            config::ErrorKind::Limit => InventoryErrorKind::Limit,
            config::ErrorKind::NotUtf8 => InventoryErrorKind::NotUtf8,
            config::ErrorKind::NotFound | config::ErrorKind::Unreadable => InventoryErrorKind::Unreadable,
            _ => InventoryErrorKind::InvalidValue,
        };
        let mut made = Self::new(kind, String::new());
        made.inner.config = Some(error);
        made
    }
}

impl fmt::Display for InventoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(config) = &self.inner.config {
            return fmt::Display::fmt(config, f);
        }
        f.write_str(&self.inner.message)?;
        let (arrow, equals) = if f.alternate() { (" at ", ": ") } else { ("\n  --> ", "\n   = ") };
        if let Some(place) = &self.inner.place {
            write!(f, "{arrow}{place}")?;
        }
        if let Some(help) = &self.inner.help {
            write!(f, "{equals}{help}")?;
        }
        Ok(())
    }
}

impl StdError for InventoryError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

impl Classify for InventoryError {
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

// === impl Place ===

impl Place {
    /// A place in an expression, from a byte offset.
    pub(super) fn in_expression(text: &str, offset: usize) -> Self {
        Self::Expression { text: clip(text).into(), column: column(text, offset) }
    }

    /// A place in a line of a file, from a byte offset in that line.
    pub(super) fn in_line(source: &Arc<str>, line: usize, text: &str, offset: usize) -> Self {
        Self::File { source: Arc::clone(source), line, column: column(text, offset) }
    }

    pub(super) fn whole_file(source: &Arc<str>) -> Self {
        Self::File { source: Arc::clone(source), line: 0, column: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { source, line: 0, .. } => f.write_str(source),
            Self::File { source, line, column } => write!(f, "{source}:{line}:{column}"),
            Self::Expression { text, column } => write!(f, "column {column} of `{text}`"),
        }
    }
}

// === impl Flaw ===

impl Flaw {
    pub(super) fn new(kind: InventoryErrorKind, at: usize, message: impl Into<String>) -> Self {
        Self { kind, at, message: message.into(), help: None }
    }

    pub(super) fn syntax(at: usize, message: impl Into<String>) -> Self {
        Self::new(InventoryErrorKind::Syntax, at, message)
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same flaw where its text begins `by` bytes into a longer one.
    #[must_use]
    pub(super) fn shifted(mut self, by: usize) -> Self {
        self.at += by;
        self
    }

    pub(super) fn in_expression(self, text: &str) -> InventoryError {
        let place = Place::in_expression(text, self.at);
        self.at_place(place)
    }

    pub(super) fn at_place(self, place: Place) -> InventoryError {
        InventoryError::new(self.kind, self.message).help(self.help).at(place)
    }

    /// Without a place, for readers that know it themselves.
    pub(super) fn into_text(self) -> String {
        match self.help {
            Some(help) => format!("{}: {help}", self.message),
            None => self.message,
        }
    }
}

fn column(text: &str, offset: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < offset).count() + 1
}

/// Text from outside, short enough to print, on one line.
pub(super) fn clip(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text.chars().take(LONGEST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
