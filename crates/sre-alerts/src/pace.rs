//! One message at a time, so far apart as the receiver asks. Without an interval several may be on their way at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sre_core::Clock;
use tokio::time::Instant;

/// The pace of one receiver's URL. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pace {
    interval: Duration,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Held by whoever sends, where there is an interval.
    order: tokio::sync::Mutex<()>,
    /// Nobody sends before.
    free_at: Mutex<Option<Instant>>,
}

/// The right to send now; with an interval the next turn begins when this one has ended.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    interval: Duration,
    shared: &'a Shared,
    _order: Option<tokio::sync::MutexGuard<'a, ()>>,
}

// === impl Pace ===

impl Pace {
    /// At least `interval` from the end of one message to the start of the next.
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, shared: Arc::default() }
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
        let order = if self.interval.is_zero() { None } else { Some(self.shared.order.lock().await) };
        loop {
            match self.shared.wait(clock) {
                Duration::ZERO => break,
                wait if wait > patience => return Err(wait),
                wait => clock.sleep(wait).await,
            }
        }
        // Should the sender be dropped in mid-flight, the message may have been sent all the same.
        self.shared.rest(clock, self.interval);
        Ok(Turn { interval: self.interval, shared: &self.shared, _order: order })
    }
}

// === impl Shared ===

impl Shared {
    fn wait(&self, clock: &dyn Clock) -> Duration {
        let free_at = *self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        free_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(clock.instant()))
    }

    /// Nobody sends for so long from now on.
    fn rest(&self, clock: &dyn Clock, wait: Duration) {
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        *free_at = (*free_at).max(clock.instant().checked_add(wait));
    }
}

// === impl Turn ===

impl Turn<'_> {
    /// The answer came: the interval counts from here too, as nobody knows how long the request was on its way.
    /// `quiet` is how long the receiver asked to be left alone.
    pub(crate) fn end(self, clock: &dyn Clock, quiet: Option<Duration>) {
        self.shared.rest(clock, self.interval.max(quiet.unwrap_or_default()));
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

    #[tokio::test(start_paused = true)]
    async fn without_an_interval_nobody_waits_for_another_but_all_for_quiet() {
        let pace = Pace::new(Duration::ZERO);
        let first = pace.turn(&SystemClock, SECOND).await.unwrap();
        let second = pace.turn(&SystemClock, SECOND).await.unwrap();
        first.end(&SystemClock, Some(30 * SECOND));
        second.end(&SystemClock, None);
        assert_eq!(pace.turn(&SystemClock, SECOND).await.unwrap_err(), 30 * SECOND);
    }
}
