//! Exit codes, the same in every binary.
//!
//! 0 to 3 are answers: the tool did its work and this is what it found. The others say why it could not. The numbers
//! from 64 on are those of BSD's `sysexits.h`; 128 + n is the shell's word for "ended by signal n".
//!
//! | code | constant | meaning |
//! | --- | --- | --- |
//! | 0 | [`OK`](ExitCode::OK) | done, nothing to report |
//! | 1 | [`FINDINGS`](ExitCode::FINDINGS) | done, and there are findings (or failed targets) that count |
//! | 2 | [`INCOMPLETE`](ExitCode::INCOMPLETE) | something could not be asked or delivered; what is missing is unknown, never healthy |
//! | 3 | [`AUTH`](ExitCode::AUTH) | nothing accepted our credentials |
//! | 3 | [`ABORTED`](ExitCode::ABORTED) | in the fleet tools: stopped early, as too many hosts failed |
//! | 64 | [`USAGE`](ExitCode::USAGE) | a wrong flag or a wrong configuration |
//! | 70 | [`SOFTWARE`](ExitCode::SOFTWARE) | a defect of the tool itself |
//! | 73 | [`CANTCREAT`](ExitCode::CANTCREAT) | an output file could not be written |
//! | 75 | [`TEMPFAIL`](ExitCode::TEMPFAIL) | another run holds the lock; try again later |
//! | 130 | [`INTERRUPTED`](ExitCode::INTERRUPTED) | stopped by Ctrl-C (SIGINT) |
//! | 143 | [`TERMINATED`](ExitCode::TERMINATED) | stopped by SIGTERM |
//!
//! ```
//! use sre_core::exit::ExitCode;
//! assert_eq!(ExitCode::USAGE.get(), 64);
//! assert_eq!(ExitCode::FINDINGS.worst(ExitCode::OK), ExitCode::FINDINGS);
//! assert_eq!(ExitCode::INCOMPLETE.to_string(), "2 (incomplete)");
//! let for_main: std::process::ExitCode = ExitCode::OK.into();
//! # let _ = for_main;
//! ```

use std::fmt;

/// What the process tells whoever started it. See the [module](self) for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExitCode(u8);

// === impl ExitCode ===

impl ExitCode {
    /// Done, nothing to report.
    pub const OK: Self = Self(0);
    /// Done, with findings that count.
    pub const FINDINGS: Self = Self(1);
    /// Some source did not answer or some delivery failed: the result is not whole.
    pub const INCOMPLETE: Self = Self(2);
    /// Nothing accepted our credentials.
    pub const AUTH: Self = Self(3);
    /// In the fleet tools, where a refused login is one host's result: stopped early, as too many hosts failed.
    pub const ABORTED: Self = Self(3);
    /// A wrong flag or a wrong configuration (`EX_USAGE`).
    pub const USAGE: Self = Self(64);
    /// A defect of the tool itself (`EX_SOFTWARE`).
    pub const SOFTWARE: Self = Self(70);
    /// An output file could not be written (`EX_CANTCREAT`).
    pub const CANTCREAT: Self = Self(73);
    /// Another run holds the lock (`EX_TEMPFAIL`).
    pub const TEMPFAIL: Self = Self(75);
    /// Stopped by SIGINT (128 + 2).
    pub const INTERRUPTED: Self = Self(130);
    /// Stopped by SIGTERM (128 + 15).
    pub const TERMINATED: Self = Self(143);

    /// An answer that only one tool knows; its own documentation says what it means.
    #[must_use]
    pub const fn of_tool(code: u8) -> Self {
        Self(code)
    }

    /// The number that the shell sees.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The higher of the two. Among 0 to 3, and from there to a reason why there is no answer, higher is worse.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        if other.0 > self.0 { other } else { self }
    }

    /// A short name for logs and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "ok",
            1 => "findings",
            2 => "incomplete",
            3 => "auth",
            64 => "usage",
            70 => "software",
            73 => "cannot create",
            75 => "busy",
            130 => "interrupted",
            143 => "terminated",
            _ => "unknown",
        }
    }
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> Self {
        code.0
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.0)
    }
}

impl std::process::Termination for ExitCode {
    fn report(self) -> std::process::ExitCode {
        self.into()
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_run_is_never_ok_and_a_stopped_one_is_neither() {
        let seen = [ExitCode::OK, ExitCode::INCOMPLETE, ExitCode::FINDINGS];
        assert_eq!(seen.into_iter().fold(ExitCode::OK, ExitCode::worst), ExitCode::INCOMPLETE);
        assert_eq!(ExitCode::INTERRUPTED.worst(ExitCode::AUTH), ExitCode::INTERRUPTED);
    }

    #[test]
    fn every_code_has_a_name() {
        for code in [0, 1, 2, 3, 64, 70, 73, 75, 130, 143] {
            assert_ne!(ExitCode(code).name(), "unknown", "{code}");
        }
    }
}
