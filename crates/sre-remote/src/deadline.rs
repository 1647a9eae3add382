//! The moment after which waiting is over.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// An absolute end of waiting, on tokio's clock. Passing it on never makes it later, which is what a timeout that
/// restarts with every call cannot promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// The deadline passed before the work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

// === impl Deadline ===

impl Deadline {
    /// That long from now.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        let now = Instant::now();
        // An absurd limit is a year, which tokio's timer can hold.
        Self(now.checked_add(limit).unwrap_or_else(|| now + Duration::from_secs(365 * 86_400)))
    }

    /// The earlier of this deadline and that long from now: a phase never outlives its host's deadline.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        self.min(Self::after(limit))
    }

    /// Time left; zero when it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    #[must_use]
    pub fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// The moment itself.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.0
    }

    /// Drives `work` until it is done or the deadline passes.
    ///
    /// # Errors
    /// [`Elapsed`] when the deadline came first; `work` is dropped then.
    pub async fn limit<F: Future>(self, work: F) -> Result<F::Output, Elapsed> {
        timeout_at(self.0, work).await.map_err(|_| Elapsed)
    }
}
