//! What came of a run, over all hosts.

use indexmap::IndexMap;
use jiff::Timestamp;
use sre_core::exit::ExitCode;
use sre_remote::fanout::{HostResult, Status, StopReason};
use std::time::Duration;

use crate::work::Brought;

/// The result of one host.
pub(crate) type Row = HostResult<Brought>;

/// The results in the inventory's order, and what they amount to.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) title: String,
    pub(crate) started: Timestamp,
    pub(crate) elapsed: Duration,
    pub(crate) rows: Vec<Row>,
    pub(crate) stopped: Option<StopReason>,
    /// The code of the signal that ended it.
    pub(crate) signal: Option<ExitCode>,
}

// === impl Report ===

impl Report {
    /// How many hosts ended in which way, in words (`exit 127`, `timeout (exec)`); `ok` first, then by number.
    pub(crate) fn counts(&self) -> IndexMap<String, usize> {
        let mut counts = IndexMap::new();
        counts.insert(Status::Ok.to_string(), 0);
        for row in &self.rows {
            *counts.entry(row.status.to_string()).or_default() += 1;
        }
        counts.sort_by(|a, x, b, y| (b == "ok").cmp(&(a == "ok")).then(y.cmp(x)).then_with(|| a.cmp(b)));
        counts
    }

    pub(crate) fn ok(&self) -> usize {
        self.rows.iter().filter(|row| row.is_ok()).count()
    }

    /// What the shell shall see. What is not known weighs more than what is known to have failed.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let unknown = |row: &Row| {
            matches!(
                row.status,
                Status::Timeout { .. }
                    | Status::Unreachable { .. }
                    | Status::Auth
                    | Status::HostKey
                    | Status::Lost
                    | Status::Interrupted
                    | Status::Skipped
            )
        };
        if let Some(code) = self.signal {
            return code;
        }
        if self.stopped == Some(StopReason::MaxFail) && self.rows.iter().any(|row| row.status == Status::Skipped) {
            return ExitCode::ABORTED;
        }
        match (self.rows.iter().any(unknown), self.ok() == self.rows.len()) {
            (true, _) => ExitCode::INCOMPLETE,
            (false, false) => ExitCode::FINDINGS,
            (false, true) => ExitCode::OK,
        }
    }

    /// Why it ended early, in words.
    pub(crate) fn stop_word(&self) -> Option<&'static str> {
        match (self.signal, self.stopped?) {
            (Some(_), _) => Some("interrupted"),
            (None, StopReason::MaxFail) => Some("max-fail"),
            (None, _) => Some("stopped"),
        }
    }
}
