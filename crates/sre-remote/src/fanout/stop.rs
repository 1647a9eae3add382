//! Ending a run early.

use crate::interrupt::Interrupt;

/// The two levels of stopping a run; clones are the same switch.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    drain: Interrupt,
    kill: Interrupt,
}

/// Why a run started no further hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// More hosts failed than allowed.
    MaxFail,
    /// [`Stop::drain`].
    Drained,
    /// [`Stop::kill`].
    Killed,
}

// === impl Stop ===

impl Stop {
    /// One that nobody has thrown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts no further host; what runs goes on.
    pub fn drain(&self) {
        self.drain.trigger();
    }

    /// Starts no further host and kills what runs, on the hosts too.
    pub fn kill(&self) {
        self.kill.trigger();
        self.drain.trigger();
    }

    /// How far it was thrown.
    #[must_use]
    pub fn reason(&self) -> Option<StopReason> {
        match (self.kill.is_triggered(), self.drain.is_triggered()) {
            (true, _) => Some(StopReason::Killed),
            (false, true) => Some(StopReason::Drained),
            (false, false) => None,
        }
    }

    pub(super) fn killing(&self) -> &Interrupt {
        &self.kill
    }

    pub(super) async fn draining(&self) {
        self.drain.triggered().await;
    }
}
