//! How the work on one host ended, in one word and its facts.

use std::fmt;

use serde::Serialize;

use crate::error::{Error, ErrorKind};
use crate::exit::Exit;
use crate::phase::Phase;

/// The end of a host. Serializes with the word under `status` and its facts beside it:
/// `{"status":"timeout","phase":"exec"}`.
///
/// ```
/// use sre_remote::{Phase, Status};
/// assert_eq!(Status::Timeout { phase: Phase::Exec }.to_string(), "timeout (exec)");
/// assert_eq!(Status::Exit { code: 3 }.to_string(), "exit 3");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Status {
    /// The work was done; a command surely ended with 0.
    Ok,
    /// The command ended by itself with another status than 0.
    Exit {
        /// Which.
        code: u32,
    },
    /// A signal ended the command.
    Signal {
        /// Its name without `SIG`.
        signal: String,
    },
    /// Its time was over.
    Timeout {
        /// What it was doing then.
        phase: Phase,
    },
    /// No connection came about, or what answered is no SSH server.
    Unreachable {
        /// What was wrong.
        reason: ErrorKind,
        /// How far it came.
        phase: Phase,
    },
    /// We were not let in, or `sudo` refused.
    Auth,
    /// Its host key is unknown, changed or revoked.
    HostKey,
    /// It was started, and nobody knows how it ended.
    Lost,
    /// It was not started, as the run stopped before.
    Skipped,
    /// It was stopped on request.
    Interrupted,
    /// The host refused the work: a file could not be written, a command not started.
    Failed {
        /// What went wrong.
        reason: ErrorKind,
        /// In which phase.
        phase: Phase,
    },
}

// === impl Status ===

impl Status {
    /// Whether the work was surely done.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        *self == Self::Ok
    }

    /// Whether it counts as failed: neither done nor skipped.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        !matches!(self, Self::Ok | Self::Skipped)
    }

    /// The word alone, as in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Exit { .. } => "exit",
            Self::Signal { .. } => "signal",
            Self::Timeout { .. } => "timeout",
            Self::Unreachable { .. } => "unreachable",
            Self::Auth => "auth",
            Self::HostKey => "host-key",
            Self::Lost => "lost",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
            Self::Failed { .. } => "failed",
        }
    }

    /// What an error means for its host.
    #[must_use]
    pub fn of_error(error: &Error) -> Self {
        let (reason, phase) = (error.kind(), error.phase());
        match reason {
            ErrorKind::Broken if !phase.is_before_exec() => Self::Lost,
            ErrorKind::Resolve | ErrorKind::Unreachable | ErrorKind::Broken | ErrorKind::Protocol => {
                Self::Unreachable { reason, phase }
            }
            ErrorKind::Timeout => Self::Timeout { phase },
            ErrorKind::HostKeyUnknown | ErrorKind::HostKeyChanged | ErrorKind::HostKeyRevoked => Self::HostKey,
            ErrorKind::AuthRefused | ErrorKind::NoCredentials | ErrorKind::SudoRefused => Self::Auth,
            ErrorKind::Interrupted => Self::Interrupted,
            ErrorKind::ExecRefused | ErrorKind::Transfer | ErrorKind::Unsupported | ErrorKind::Usage => {
                Self::Failed { reason, phase }
            }
        }
    }
}

impl From<Exit> for Status {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(0) => Self::Ok,
            Exit::Code(code) => Self::Exit { code },
            Exit::Signal(signal) => Self::Signal { signal },
            Exit::Lost => Self::Lost,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit { code } => write!(f, "exit {code}"),
            Self::Signal { signal } => write!(f, "signal {signal}"),
            Self::Timeout { phase } | Self::Unreachable { phase, .. } | Self::Failed { phase, .. } => {
                write!(f, "{} ({phase})", self.as_str())
            }
            _ => f.write_str(self.as_str()),
        }
    }
}
