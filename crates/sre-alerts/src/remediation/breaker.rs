//! The circuit breaker of one rule: after runs that did not help it opens, later one run is a test.

use tokio::time::Instant;

use super::rule;

/// Closed, open until a time, or half open.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
    /// The one run while it is half open.
    testing: bool,
}

// === impl Breaker ===

impl Breaker {
    /// Until when no run is allowed; nothing when one is. A test run under way keeps others away.
    pub(super) fn open_until(&self, now: Instant) -> Option<Instant> {
        let until = self.open_until?;
        if self.testing { Some(until.max(now)) } else { (now < until).then_some(until) }
    }

    /// A run begins.
    pub(super) fn begin(&mut self) {
        self.testing = self.open_until.is_some();
    }

    /// A run ended; says whether it opened now.
    pub(super) fn end(&mut self, helped: bool, now: Instant, config: &rule::Breaker) -> bool {
        self.testing = false;
        if helped {
            *self = Self::default();
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        let opens = self.failures >= config.failures;
        if opens {
            self.open_until = Some(now + config.open_for);
        }
        opens
    }
}
