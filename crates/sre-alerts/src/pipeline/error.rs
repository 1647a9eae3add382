//! Why the pipeline cannot start or answer.

use std::borrow::Cow;

use sre_core::{ErrorClass, Failure, FailureKind, Target};

use crate::outbox::StoreError;

/// Why the pipeline cannot start or answer; the target is the store.
pub type Error = Failure<ErrorKind>;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The settings make no sense; the detail names the key.
    Config,
    /// Another process has the store.
    Locked,
    /// The store cannot be read or written.
    Store,
    /// It has been shut down.
    Closed,
    /// There is no such silence, alert or dead letter.
    NotFound,
}

/// A setting that makes no sense: its key, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub struct InvalidConfig {
    key: Cow<'static, str>,
    why: Cow<'static, str>,
}

// === impl InvalidConfig ===

impl InvalidConfig {
    pub(crate) fn new(key: impl AsRef<str>, why: impl Into<Cow<'static, str>>) -> Self {
        Self { key: Cow::Owned(key.as_ref().to_owned()), why: why.into() }
    }

    /// The dotted key: `routes[0].receivers`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong, as a fragment that reads well after the key.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl From<InvalidConfig> for Error {
    fn from(error: InvalidConfig) -> Self {
        Self::new(ErrorKind::Config, Target::new("alert settings")).with_detail(error.to_string())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let target = Target::new(error.store());
        Self::new(ErrorKind::Store, target).with_detail(error.to_string()).with_source(error)
    }
}

impl FailureKind for ErrorKind {
    fn class(self) -> ErrorClass {
        ErrorClass::Application
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Config => "invalid settings",
            Self::Locked => "store in use",
            Self::Store => "store failure",
            Self::Closed => "no answer after shutdown",
            Self::NotFound => "nothing found",
        }
    }
}
