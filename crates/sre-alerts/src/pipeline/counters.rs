//! What the pipeline has done, as numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What the pipeline has done since it was opened, and what it holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Alerts that were stored.
    pub accepted: u64,
    /// Alerts that were refused because something was full.
    pub refused: u64,
    /// Alerts that were counted and not sent: sent a short time before, or waiting to be.
    pub suppressed: u64,
    /// Alerts that were not sent because of a silence, a maintenance window or another alert.
    pub muted: u64,
    /// Notifications that a receiver has taken.
    pub sent: u64,
    /// Tries that failed and are made again.
    pub retried: u64,
    /// Notifications that were given up.
    pub dead: u64,
    /// Alerts that fire now, or are over and not told to be.
    pub active: u64,
    /// Notifications that are on their way now.
    pub unsent: u64,
}

/// What one transaction did. It counts when it is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) accepted: u64,
    pub(super) suppressed: u64,
    pub(super) muted: u64,
    pub(super) sent: u64,
    pub(super) retried: u64,
    pub(super) dead: u64,
}

/// Written by the pipeline's thread, read by anybody.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) suppressed: AtomicU64,
    pub(super) muted: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) dead: AtomicU64,
    pub(super) active: AtomicU64,
    pub(super) unsent: AtomicU64,
}

impl Counters {
    pub(super) fn count(&self, tally: Tally) {
        let Tally { accepted, suppressed, muted, sent, retried, dead } = tally;
        for (counter, n) in [
            (&self.accepted, accepted),
            (&self.suppressed, suppressed),
            (&self.muted, muted),
            (&self.sent, sent),
            (&self.retried, retried),
            (&self.dead, dead),
        ] {
            counter.fetch_add(n, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            accepted: get(&self.accepted),
            refused: get(&self.refused),
            suppressed: get(&self.suppressed),
            muted: get(&self.muted),
            sent: get(&self.sent),
            retried: get(&self.retried),
            dead: get(&self.dead),
            active: get(&self.active),
            unsent: get(&self.unsent),
        }
    }
}

pub(super) fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Ordering::Relaxed);
}
