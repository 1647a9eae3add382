//! The alert itself.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sre_core::Severity;

use super::builder::AlertBuilder;

/// Names and values that routes, silences and groups go by; names are `[a-zA-Z_][a-zA-Z0-9_]*`, as in Prometheus.
pub type Labels = BTreeMap<String, String>;

/// What is wrong, since when, and where to read on. Made with [`Alert::builder`]; [`validate`](Self::validate) has the
/// limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Alert {
    /// One line that says what is wrong.
    pub title: String,
    /// How much it matters.
    pub severity: Severity,
    /// Who says so: a host, a check, a service. May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Plain text, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Short facts for a person, in their order: name and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(String, String)>,
    /// What it is about, for machines.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The same problem has the same key every time. Without one, title and source are the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup_key: Option<String>,
    /// Pages to open: a runbook, a graph.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Since when.
    pub starts_at: Timestamp,
    /// Until when; `None` while it fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
}

/// A page to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Link {
    /// What it is.
    pub title: String,
    /// Where it is.
    pub url: String,
}

/// Whether the problem is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is.
    Firing,
    /// It was.
    Resolved,
}

// === impl Alert ===

impl Alert {
    /// Starts an alert; [`starts_at`](AlertBuilder::starts_at) is needed too, as a library reads no clock.
    pub fn builder(severity: Severity, title: impl Into<String>) -> AlertBuilder {
        let alert = Self {
            title: title.into(),
            severity,
            source: String::new(),
            message: String::new(),
            fields: Vec::new(),
            labels: Labels::new(),
            dedup_key: None,
            links: Vec::new(),
            starts_at: Timestamp::UNIX_EPOCH,
            resolved_at: None,
        };
        AlertBuilder::new(alert)
    }

    /// Whether the problem is there.
    #[must_use]
    pub fn state(&self) -> State {
        if self.is_resolved() { State::Resolved } else { State::Firing }
    }

    /// Whether the problem is over.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.resolved_at.is_some()
    }

    /// The same alert, resolved.
    #[must_use]
    pub fn resolved(mut self, at: Timestamp) -> Self {
        self.resolved_at = Some(at);
        self
    }
}

// === impl State ===

impl State {
    /// The lower-case word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
