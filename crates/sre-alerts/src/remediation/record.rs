//! Each run is written down: before it begins, and with its output when it has ended.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::engine::RunOutcome;
use super::plan::Plan;
use crate::json_lines::JsonLines;

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

/// Where records go.
pub trait RunLog: fmt::Debug + Send + Sync {
    /// Writes one.
    ///
    /// # Errors
    /// When it is not surely written; a run that cannot be written down is not begun.
    fn record(&self, record: &RunRecord) -> io::Result<()>;
}

/// A log of runs that many share.
pub type SharedRunLog = Arc<dyn RunLog>;

impl<W: Write + Send> RunLog for JsonLines<W> {
    fn record(&self, record: &RunRecord) -> io::Result<()> {
        self.write(record)
    }
}
