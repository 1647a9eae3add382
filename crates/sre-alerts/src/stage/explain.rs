//! Why an alert is sent, or is not: every stage's word, and one verdict.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::silence::SilenceId;
use crate::alert::{DedupKey, Fingerprint};

/// What the pipeline would do with an alert now, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// Which problem.
    pub key: DedupKey,
    /// With which labels.
    pub fingerprint: Fingerprint,
    /// What each stage said, in their order; the last one decided.
    pub steps: Vec<Step>,
    /// What comes of it: exactly one thing.
    pub verdict: Verdict,
}

/// What one stage said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// Which one.
    pub stage: Stage,
    /// A lower-case fragment.
    pub reason: String,
}

/// A stage of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Stage {
    /// Who is to be told.
    Route,
    /// Whether another alert makes it pointless.
    Inhibit,
    /// Whether somebody said that they know.
    Silence,
    /// Whether it is planned work.
    Maintenance,
    /// Whether it was sent a short time ago.
    Suppress,
    /// With which others it is sent, and when.
    Group,
    /// Whether who was told hears the end.
    Resolve,
}

/// What comes of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
#[non_exhaustive]
pub enum Verdict {
    /// These receivers are told.
    Notify {
        /// Their names, in the order of the routes.
        receivers: Vec<String>,
    },
    /// It goes into the history and the digest: its route has no receiver, or no route matches.
    Record,
    /// Another alert makes it pointless.
    Inhibited {
        /// The rule's name.
        rule: String,
    },
    /// A silence covers it.
    Silenced {
        /// Which one.
        silence: SilenceId,
        /// Until when.
        until: Timestamp,
    },
    /// A maintenance window covers it.
    Maintenance {
        /// Its name.
        window: String,
        /// Until when.
        until: Timestamp,
    },
    /// It waits to be sent already; this one is counted.
    Merged,
    /// It was sent a short time ago; this one is counted.
    Suppressed {
        /// Until when.
        until: Timestamp,
    },
    /// It was over and is back a short time after it was sent: it is sent at that time if it still fires.
    Held {
        /// When.
        until: Timestamp,
    },
    /// It is over; these receivers, who were told that it fires, are told.
    Resolved {
        /// Their names.
        receivers: Vec<String>,
    },
    /// It is over, and nothing like it fires.
    NotFiring,
}

/// Collects the steps, or drops them unformatted: nearly all alerts are decided and not explained.
pub(crate) trait Trace {
    fn step(&mut self, stage: Stage, reason: impl FnOnce() -> String);
}

impl Trace for () {
    fn step(&mut self, _: Stage, _: impl FnOnce() -> String) {}
}

impl Trace for Vec<Step> {
    fn step(&mut self, stage: Stage, reason: impl FnOnce() -> String) {
        self.push(Step { stage, reason: reason() });
    }
}

// === impl Verdict ===

impl Verdict {
    /// Whether somebody is told.
    #[must_use]
    pub fn notifies(&self) -> bool {
        match self {
            Self::Notify { receivers } | Self::Resolved { receivers } => !receivers.is_empty(),
            _ => false,
        }
    }
}

// === impl Stage ===

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Route => "route",
            Self::Inhibit => "inhibit",
            Self::Silence => "silence",
            Self::Maintenance => "maintenance",
            Self::Suppress => "suppress",
            Self::Group => "group",
            Self::Resolve => "resolve",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notify { receivers } => write!(f, "notify {}", receivers.join(", ")),
            Self::Record => f.write_str("record only"),
            Self::Inhibited { rule } => write!(f, "inhibited by rule {rule}"),
            Self::Silenced { silence, until } => write!(f, "silenced by {silence} until {until}"),
            Self::Maintenance { window, until } => write!(f, "in maintenance window {window} until {until}"),
            Self::Merged => f.write_str("waits to be sent already"),
            Self::Suppressed { until } => write!(f, "suppressed until {until}"),
            Self::Held { until } => write!(f, "held until {until}"),
            Self::Resolved { receivers } if receivers.is_empty() => f.write_str("resolved, nobody was told"),
            Self::Resolved { receivers } => write!(f, "resolved, notify {}", receivers.join(", ")),
            Self::NotFiring => f.write_str("resolved, was not firing"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "alert {}", self.key)?;
        for step in &self.steps {
            writeln!(f, "  {:<12} {}", step.stage, step.reason)?;
        }
        write!(f, "  {:<12} {}", "verdict", self.verdict)
    }
}
