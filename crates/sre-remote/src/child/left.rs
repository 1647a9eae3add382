//! A command that was left before its end.

use sre_core::RetryHint;

use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::phase::Phase;

/// Why a running command was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Its time was over.
    Late,
    /// The user wants to stop.
    Interrupted,
}

// === impl Left ===

impl Left {
    /// As the error that the caller gets. `killed` is whether its process group is surely gone; none when it was never
    /// known.
    pub(crate) fn into_error(self, host: &Host, killed: Option<bool>) -> Error {
        let words = match killed {
            Some(true) => "its process group was killed",
            Some(false) => "its process group was told to end, and the host did not confirm it",
            None => "the host runs it on, if it lives: its process group is not known",
        };
        match self {
            Self::Late => Error::new(ErrorKind::Timeout, Phase::Exec, host)
                .with_detail(format!("the command did not end in time; {words}"))
                .with_hint(RetryHint::Backoff),
            Self::Interrupted => Error::new(ErrorKind::Interrupted, Phase::Exec, host).with_detail(words),
        }
    }
}
