//! How much an alert matters, as its `severity` label says.
//!
//! ```
//! use sre_metrics::severity::AlertSeverity;
//! assert_eq!(AlertSeverity::of_label("page"), AlertSeverity::Critical);
//! assert_eq!(AlertSeverity::of_label("P2 - whatever"), AlertSeverity::Warning);
//! assert_eq!(AlertSeverity::of_label("none").severity(), None);
//! ```

use serde::{Deserialize, Serialize};
use sre_core::Severity;

/// Ordered from least to most urgent. A missing or unknown label is a warning: nobody should miss an alert because of
/// a misspelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AlertSeverity {
    /// Not meant for people: Watchdog, InfoInhibitor.
    None,
    /// Worth knowing.
    Info,
    /// Look at it today.
    Warning,
    /// Something failed.
    Error,
    /// Wake somebody.
    Critical,
}

// === impl AlertSeverity ===

impl AlertSeverity {
    /// Reads a `severity` label, in any case and with the words that [`Severity`] knows.
    #[must_use]
    pub fn of_label(label: &str) -> Self {
        match label.parse::<Severity>() {
            Ok(Severity::Info) => Self::Info,
            Ok(Severity::Error) => Self::Error,
            Ok(Severity::Critical) => Self::Critical,
            _ if label.trim().eq_ignore_ascii_case("none") => Self::None,
            _ => Self::Warning,
        }
    }

    /// How much the finding matters; `None` when it is none.
    #[must_use]
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::None => None,
            Self::Info => Some(Severity::Info),
            Self::Warning => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
            Self::Critical => Some(Severity::Critical),
        }
    }
}
