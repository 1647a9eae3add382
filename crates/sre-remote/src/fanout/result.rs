//! What is known of a host at the end.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use sre_core::{Classify, ErrorClass};

use super::status::Status;
use crate::error::Error;
use crate::exec::Captured;
use crate::timings::Timings;

/// The result of one host. `T` is what the job brought back beside output, for instance the facts of a health check.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HostResult<T = ()> {
    /// Its place in the inventory, from 0.
    pub index: usize,
    /// Its name there.
    pub host: String,
    /// How it ended.
    pub status: Status,
    /// Why, where the status does not say all: `login refused: publickey`. Redacted, one line.
    pub detail: String,
    /// Which part of the world has to be mended, when there was an error.
    pub class: Option<ErrorClass>,
    /// The address that answered, where there was one.
    pub address: Option<SocketAddr>,
    /// Who logged in.
    pub user: Option<String>,
    /// How often connecting was tried; 0 when it never began.
    pub attempts: u32,
    /// When its work began; `None` when it never did.
    pub started: Option<Timestamp>,
    /// From its first attempt to its end, without waiting for a slot.
    pub elapsed: Duration,
    /// By phase, of the attempt that came through.
    pub timings: Timings,
    /// What it said, cut at the cap.
    pub output: Captured,
    /// Lines that a live view did not get, as it could not keep up.
    pub lines_dropped: u64,
    /// Why the files with its output are not complete.
    pub spill_error: Option<String>,
    /// What the job brought back, when it came to its end.
    pub value: Option<T>,
}

// === impl HostResult ===

impl<T> HostResult<T> {
    /// A result that no work came to: for a host that was skipped, or was not waited for.
    #[must_use]
    pub fn without_answer(index: usize, host: &str, status: Status) -> Self {
        Self {
            index,
            host: host.to_owned(),
            status,
            detail: String::new(),
            class: None,
            address: None,
            user: None,
            attempts: 0,
            started: None,
            elapsed: Duration::ZERO,
            timings: Timings::default(),
            output: Captured::default(),
            lines_dropped: 0,
            spill_error: None,
            value: None,
        }
    }

    pub(super) fn fail(&mut self, error: &Error) {
        self.status = Status::of_error(error);
        self.class = Some(error.class());
        self.detail = match error.detail() {
            "" => error.kind_words().to_owned(),
            detail => format!("{}: {detail}", error.kind_words()),
        };
    }

    /// Whether the work was surely done.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status.is_ok()
    }

    /// Whether output was cut.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.output.is_truncated()
    }
}

impl Error {
    fn kind_words(&self) -> &'static str {
        sre_core::FailureKind::as_str(self.kind())
    }
}
