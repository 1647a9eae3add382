//! How a remote command ended.

use std::fmt;

use serde::Serialize;

/// The end of a command, as the host told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Exit {
    /// It ended by itself with this status (0 to 255 on Unix).
    Code(u32),
    /// A signal ended it; the name without `SIG` (`KILL`, `TERM`), as SSH says it.
    Signal(String),
    /// The host never said how it ended: never a success.
    Lost,
}

// === impl Exit ===

impl Exit {
    /// Whether it surely ended with status 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Code(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit {code}"),
            Self::Signal(name) => write!(f, "signal {name}"),
            Self::Lost => f.write_str("lost"),
        }
    }
}
