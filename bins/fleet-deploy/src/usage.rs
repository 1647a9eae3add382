//! A mistake of whoever called us: what, what to do, and with which code we end.

use std::fmt;
use std::io::Write;

use sre_core::chain::ErrorChain;
use sre_core::exit::ExitCode;
use sre_remote::rollout::{self, ErrorKind};

/// Why there is no deployment.
#[derive(Debug)]
pub(crate) struct Usage {
    what: String,
    code: ExitCode,
}

// === impl Usage ===

impl Usage {
    /// With the advice on a line of its own.
    pub(crate) fn new(what: impl fmt::Display, advice: &str) -> Self {
        let advice = if advice.is_empty() { String::new() } else { format!("\n   = {advice}") };
        Self { what: format!("{what}{advice}"), code: ExitCode::USAGE }
    }

    /// An error that says everything itself.
    pub(crate) fn verbatim(error: &dyn std::error::Error) -> Self {
        Self::new(error, "")
    }

    /// An error and what is beneath it.
    pub(crate) fn chain(error: &dyn std::error::Error) -> Self {
        Self::new(ErrorChain(error), "")
    }

    pub(crate) fn with_code(mut self, code: ExitCode) -> Self {
        self.code = code;
        self
    }

    /// Says it on stderr.
    pub(crate) fn print(&self) -> ExitCode {
        let _ = writeln!(std::io::stderr().lock(), "error: {}", self.what);
        self.code
    }
}

impl From<rollout::Error> for Usage {
    fn from(error: rollout::Error) -> Self {
        let (advice, code) = match error.kind() {
            ErrorKind::Busy => ("wait for it, or stop it with Ctrl-C", ExitCode::TEMPFAIL),
            ErrorKind::Storage => {
                ("the journal must be writable: without it a rollout cannot be resumed", ExitCode::CANTCREAT)
            }
            ErrorKind::NoJournal => ("leave out --resume to begin one", ExitCode::USAGE),
            ErrorKind::OtherRollout => {
                ("resume it with its own plan, hosts and batches, or begin a new one without --resume", ExitCode::USAGE)
            }
            ErrorKind::Impossible => ("", ExitCode::SOFTWARE),
            _ => ("", ExitCode::USAGE),
        };
        Self::new(error, advice).with_code(code)
    }
}
