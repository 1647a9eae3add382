//! Every attempt is written down, allowed or not; what cannot be written down is not done.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::invocation::Caller;
use crate::json_lines::JsonLines;

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// The same for an attempt and its end.
    pub id: String,
    /// Who, where.
    #[serde(flatten)]
    pub caller: Caller,
    /// Without the slash.
    pub command: String,
    /// What followed it, as Slack sent it, cut at 500 characters.
    pub text: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// There is no such command.
    Unknown,
    /// Not granted.
    Denied,
    /// It asked for help, or made no sense.
    Explained,
    /// Too much was going on.
    Busy,
    /// Granted and begun.
    Begun {
        /// The number of the grant, from 1.
        grant: usize,
    },
    /// Done.
    Done {
        /// How long it took.
        #[serde(with = "sre_core::duration::serde")]
        elapsed: Duration,
    },
    /// It went wrong.
    Failed {
        /// Why.
        error: String,
        /// How long it took.
        #[serde(with = "sre_core::duration::serde")]
        elapsed: Duration,
    },
}

/// Where records go.
pub trait AuditLog: fmt::Debug + Send + Sync {
    /// Writes one.
    ///
    /// # Errors
    /// When it is not surely written; the command is not executed then.
    fn record(&self, record: &AuditRecord) -> io::Result<()>;
}

/// An audit log that many share.
pub type SharedAuditLog = Arc<dyn AuditLog>;

impl<W: Write + Send> AuditLog for JsonLines<W> {
    fn record(&self, record: &AuditRecord) -> io::Result<()> {
        self.write(record)
    }
}
