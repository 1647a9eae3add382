//! A mistake of whoever called us: what, what to do, and with which code we end.

use std::fmt;
use std::io::Write;

use sre_core::exit::ExitCode;

/// Why there is no run.
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
