//! Each run is written down: before it begins, and with its output when it has ended.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::engine::RunOutcome;
use super::plan::Plan;
use crate::host::HostName;

/// One line of the log of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunRecord {
    /// When.
    pub at: Timestamp,
    /// What was to be done.
    #[serde(flatten)]
    pub plan: Plan,
    /// How far it is.
    #[serde(flatten)]
    pub stage: Stage,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// Nothing was done: the rule is being watched.
    DryRun,
    /// It is about to begin.
    Begun,
    /// It has ended.
    Ended {
        /// How.
        #[serde(flatten)]
        outcome: RunOutcome,
        /// How long it took, checks included.
        #[serde(with = "sre_core::duration::serde")]
        elapsed: Duration,
        /// What the action printed.
        output: String,
        /// What the last check printed.
        check_output: String,
    },
}

/// Where records go, and come from after a restart: a [`RunFile`](super::RunFile).
pub trait RunLog: fmt::Debug + Send + Sync {
    /// Writes one.
    ///
    /// # Errors
    /// When it is not surely written; a run that cannot be written down is not begun.
    fn record(&self, record: &RunRecord) -> io::Result<()>;

    /// Tells of all records that it has, the oldest first: after a restart cooldowns, budgets and breakers go on from
    /// there. A log that keeps nothing forgets them.
    ///
    /// # Errors
    /// It cannot be read.
    fn past(&self, tell: &mut dyn FnMut(PastRun)) -> io::Result<()>;
}

/// What counts of a record after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PastRun {
    /// When.
    pub at: Timestamp,
    /// The rule.
    pub rule: String,
    /// The host.
    pub host: HostName,
    /// How far it was.
    pub stage: PastStage,
}

/// How far a run was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PastStage {
    /// Nothing was done.
    DryRun,
    /// It was about to begin.
    Begun,
    /// It had ended.
    Ended {
        /// Whether the check passed.
        helped: bool,
    },
}

/// A log of runs that many share.
pub type SharedRunLog = Arc<dyn RunLog>;
