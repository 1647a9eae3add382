//! How a rollout ends.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a rollout that came to its end ended.
///
/// | outcome | exit code |
/// | --- | --- |
/// | every host is healthy | 0 |
/// | some failed, not more than allowed | 1 |
/// | aborted; what was deployed stays | 2 |
/// | aborted, and every host that was changed is as before | 3 |
/// | aborted, and some host could not be rolled back | 4 |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// Every host is healthy.
    Healthy,
    /// Some hosts failed, not more than allowed.
    Partial,
    /// Aborted; what was deployed stays.
    Aborted,
    /// Aborted, and every host that was changed is as before.
    RolledBack,
    /// Aborted, and some host could not be rolled back.
    RollbackFailed,
}

/// How one run of a rollout ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// It came to its end.
    Done(Outcome),
    /// It stopped between two batches as it was told to; it can be resumed.
    Paused,
    /// It was stopped from outside; it can be resumed.
    Interrupted,
}

// === impl Outcome ===

impl Outcome {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Healthy => 0,
            Self::Partial => 1,
            Self::Aborted => 2,
            Self::RolledBack => 3,
            Self::RollbackFailed => 4,
        }
    }

    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Partial => "partial",
            Self::Aborted => "aborted",
            Self::RolledBack => "rolled-back",
            Self::RollbackFailed => "rollback-failed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
