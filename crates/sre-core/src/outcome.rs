//! One result a target, whatever happened: what fan-outs return.

use std::time::Duration;

use jiff::Timestamp;

use crate::target::Target;

/// What became of asking one target.
#[derive(Debug, Clone)]
pub struct Outcome<T, E> {
    /// Whom we asked.
    pub target: Target,
    /// What came of it.
    pub result: Result<T, E>,
    /// When we began.
    pub started: Timestamp,
    /// How long it took, all attempts included.
    pub elapsed: Duration,
    /// How many times it was tried; at least 1 unless it was never begun.
    pub attempts: u32,
}
