//! What happened, one line of the journal each.

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// A transition of a rollout. Hosts are named, so that a person can read the journal; batches are counted from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// The deployment of a host begins: written before anything is sent to it.
    Started {
        /// Which host.
        host: String,
    },
    /// All steps succeeded on a host.
    Deployed {
        /// Which host.
        host: String,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// A host could not be reached, or a step failed on it.
    Failed {
        /// Which host.
        host: String,
        /// Whether something may have been changed on it.
        touched: bool,
        /// Why, for people.
        reason: String,
    },
    /// The delay after a batch is over.
    Waited {
        /// Which batch.
        batch: usize,
    },
    /// The gate found a host healthy.
    Healthy {
        /// Which host.
        host: String,
        /// What was measured, for people; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// The gate found a host unhealthy.
    Unhealthy {
        /// Which host.
        host: String,
        /// Why, for people.
        reason: String,
    },
    /// The gate refused a batch as a whole: its hosts count as failed, and the rollout is aborted.
    Refused {
        /// Which batch.
        batch: usize,
        /// Why, for people.
        reason: String,
    },
    /// Nothing more is deployed.
    Aborted {
        /// Why, for people.
        reason: String,
    },
    /// The rollback of a host begins: written before anything is sent to it.
    RollingBack {
        /// Which host.
        host: String,
    },
    /// A host is as before.
    RolledBack {
        /// Which host.
        host: String,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// A host could not be rolled back.
    RollbackFailed {
        /// Which host.
        host: String,
        /// Why, for people.
        reason: String,
    },
    /// A run stopped between two batches as it was told to.
    Paused,
    /// A run was stopped from outside, and what ran then came to its end.
    Interrupted,
    /// A run goes on with what an earlier one left.
    Resumed,
    /// A rollout that had ended is tried again where it failed.
    Retried,
    /// The rollout came to its end.
    Finished {
        /// How.
        outcome: Outcome,
    },
}

// === impl Event ===

impl Event {
    /// [`Event::Started`].
    #[must_use]
    pub fn started(host: &str) -> Self {
        Self::Started { host: host.to_owned() }
    }

    /// [`Event::Failed`].
    #[must_use]
    pub fn failed(host: &str, touched: bool, reason: impl Into<String>) -> Self {
        Self::Failed { host: host.to_owned(), touched, reason: reason.into() }
    }

    /// The host that it is about, if it is about one.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Started { host }
            | Self::Deployed { host, .. }
            | Self::Failed { host, .. }
            | Self::Healthy { host, .. }
            | Self::Unhealthy { host, .. }
            | Self::RollingBack { host }
            | Self::RolledBack { host, .. }
            | Self::RollbackFailed { host, .. } => Some(host),
            _ => None,
        }
    }
}
