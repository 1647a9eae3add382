//! One message at a time, so far apart as the receiver asks.

use std::sync::Arc;
use std::time::Duration;

use sre_core::Clock;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

/// The pace of one receiver's URL. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pace {
    interval: Duration,
    free_at: Arc<Mutex<Option<Instant>>>,
}

/// The right to send now; the next turn begins when this one has ended.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    interval: Duration,
    free_at: MutexGuard<'a, Option<Instant>>,
}

// === impl Pace ===

impl Pace {
    /// At least `interval` from the end of one message to the start of the next.
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, free_at: Arc::default() }
    }

    /// See [`Pace::new`].
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    /// Waits until it is our turn.
    ///
    /// # Errors
    /// How long the receiver still wants to be left alone, when that is more than `patience`.
    pub(crate) async fn turn(&self, clock: &dyn Clock, patience: Duration) -> Result<Turn<'_>, Duration> {
        let mut free_at = self.free_at.lock().await;
        if let Some(at) = *free_at {
            let wait = at.saturating_duration_since(clock.instant());
            if wait > patience {
                return Err(wait);
            }
            clock.sleep(wait).await;
        }
        // Should the sender be dropped in mid-flight, the message may have been sent all the same.
        *free_at = clock.instant().checked_add(self.interval);
        Ok(Turn { interval: self.interval, free_at })
    }
}

// === impl Turn ===

impl Turn<'_> {
    /// The answer came: the interval counts from here too, as nobody knows how long the request was on its way.
    /// `quiet` is how long the receiver asked to be left alone.
    pub(crate) fn end(mut self, clock: &dyn Clock, quiet: Option<Duration>) {
        let wait = self.interval.max(quiet.unwrap_or_default());
        *self.free_at = clock.instant().checked_add(wait);
    }
}

#[cfg(test)]
mod tests {
    use sre_core::SystemClock;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn clones_share_the_pace_and_a_drop_frees_it() {
        let pace = Pace::new(SECOND);
        let started = SystemClock.instant();
        drop(pace.turn(&SystemClock, SECOND).await);
        for _ in 0..2 {
            pace.clone().turn(&SystemClock, SECOND).await.unwrap().end(&SystemClock, None);
        }
        assert_eq!(SystemClock.instant() - started, 2 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asked_for_quiet_is_left_alone_by_all() {
        let pace = Pace::new(SECOND);
        pace.turn(&SystemClock, SECOND).await.unwrap().end(&SystemClock, Some(90 * SECOND));
        assert_eq!(pace.turn(&SystemClock, 60 * SECOND).await.unwrap_err(), 90 * SECOND);
        let started = SystemClock.instant();
        pace.turn(&SystemClock, 90 * SECOND).await.unwrap().end(&SystemClock, None);
        assert_eq!(SystemClock.instant() - started, 90 * SECOND);
    }
}
