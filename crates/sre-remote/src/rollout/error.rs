//! Why a rollout cannot be begun, resumed or written down.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

use sre_core::{Classify, Delivery, ErrorClass, RetryHint};

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The hosts or batches make no rollout.
    Invalid,
    /// There is no journal to resume from.
    NoJournal,
    /// The file is not a journal, or one of a later format.
    NotAJournal,
    /// The journal is of another rollout: another version, plan, hosts or batches.
    OtherRollout,
    /// A line of the journal cannot be read or tells something impossible.
    Corrupt,
    /// Another run uses the journal.
    Busy,
    /// The journal cannot be read or written.
    Storage,
    /// An event that cannot happen in this state: a defect of the caller.
    Impossible,
}

/// An error with its facts.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    detail: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

// === impl Error ===

impl Error {
    pub(super) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), source: None }
    }

    pub(super) fn at(kind: ErrorKind, path: &Path, detail: impl fmt::Display) -> Self {
        Self::new(kind, format!("{}: {detail}", path.display()))
    }

    pub(super) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// An event could not be written down; for journals of one's own.
    #[must_use]
    pub fn storage(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Storage, detail)
    }

    /// What went wrong, as a value to match on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl Classify for Error {
    fn class(&self) -> ErrorClass {
        ErrorClass::Application
    }

    fn delivery(&self) -> Delivery {
        match self.kind {
            ErrorKind::Storage | ErrorKind::Impossible => Delivery::MaybeSent,
            _ => Delivery::NotSent,
        }
    }

    fn retry_hint(&self) -> RetryHint {
        if self.kind == ErrorKind::Busy { RetryHint::Backoff } else { RetryHint::Never }
    }
}
