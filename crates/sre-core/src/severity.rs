//! How much a finding or an alert matters.
//!
//! ```
//! use sre_core::Severity;
//! assert_eq!("crit".parse::<Severity>().unwrap(), Severity::Critical);
//! assert!(Severity::Error > Severity::Warning);
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Ordered from least to most urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing, nothing to do.
    #[serde(alias = "information", alias = "notice")]
    Info,
    /// Look at it today.
    #[serde(alias = "warn")]
    Warning,
    /// Something failed; users may not notice yet.
    #[serde(alias = "err", alias = "high")]
    Error,
    /// Users notice, or soon will.
    #[serde(alias = "crit", alias = "page", alias = "emergency", alias = "fatal")]
    Critical,
}

impl Severity {
    /// All of them, least urgent first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The lower-case word used in reports and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no severity.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{0}` is not a severity: expected critical, error, warning or info")]
pub struct ParseSeverityError(String);

impl FromStr for Severity {
    type Err = ParseSeverityError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Ok(match s.trim().to_ascii_lowercase().as_str() {
            "info" | "information" | "notice" => Self::Info,
            "warning" | "warn" => Self::Warning,
            "error" | "err" | "high" => Self::Error,
            "critical" | "crit" | "page" | "emergency" | "fatal" => Self::Critical,
            _ => return Err(ParseSeverityError(s.to_owned())),
        })
    }
}
