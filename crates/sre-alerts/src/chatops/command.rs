//! A command: a name, a line of help, and how its words become an [`Action`]. Parsing is pure; what executes is an
//! [`Operator`](super::Operator).

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::host::HostName;

/// A slash command. Implement it for one of your own; the known ones are in [`Registry::new`](super::Registry::new).
pub trait Command: fmt::Debug + Send + Sync {
    /// Without the slash, lower case.
    fn name(&self) -> &str;

    /// The words it takes: `HOST…`.
    fn usage(&self) -> Cow<'_, str>;

    /// What it does, as a sentence fragment.
    fn summary(&self) -> &str;

    /// Makes an action of its words.
    ///
    /// # Errors
    /// Why not, as a sentence fragment for whoever typed it.
    fn parse(&self, words: &[String]) -> Result<Action, Usage>;
}

/// What is to be done, all of it checked data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Look at these hosts.
    Check {
        /// At least one.
        hosts: Vec<HostName>,
    },
    /// Say how things are.
    Status,
    /// Notify nobody of what fits.
    Silence {
        /// As in Prometheus: `service="api"`.
        matchers: Vec<String>,
        /// For how long.
        #[serde(with = "sre_core::duration::serde")]
        duration: Duration,
        /// Why.
        reason: String,
    },
    /// Somebody is at it.
    Ack {
        /// A dedup key or a fingerprint.
        key: String,
        /// What to tell the others; may be empty.
        note: String,
    },
    /// Run a command of the configuration, by its name, on the fleet that is configured with it.
    Fleet {
        /// One of the configured names.
        name: String,
    },
    /// Roll out a version.
    Deploy {
        /// The application.
        app: String,
        /// The version.
        version: String,
        /// Where to; the operator's default when none is given.
        environment: Option<String>,
    },
    /// Run that many.
    Scale {
        /// The workload.
        workload: String,
        /// How many replicas.
        replicas: u32,
    },
    /// A command of your own.
    Custom {
        /// Its name.
        name: String,
        /// Its words.
        words: Vec<String>,
    },
}

/// Words that a command does not take; the text says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Usage(String);

// === impl Action ===

impl Action {
    /// What narrows a permission: the name after `/fleet`, the application, the workload.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        match self {
            Self::Fleet { name } => Some(name),
            Self::Deploy { app, .. } => Some(app),
            Self::Scale { workload, .. } => Some(workload),
            _ => None,
        }
    }
}

// === impl Usage ===

impl Usage {
    /// Why the words cannot be taken, as a sentence fragment.
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}
