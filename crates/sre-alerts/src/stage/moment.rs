//! Time within the pipeline: it never goes back and never jumps.
//!
//! Intervals (suppression, group wait, retry, reminders) must survive both a restart and a wall clock that is set. A
//! [`Moment`] counts milliseconds since 1970 like the wall clock, but [`SteadyClock`] reads the wall only once, when it
//! starts, and counts monotonic time from there; and it never starts before the last moment that the store has seen. So
//! an NTP step neither ends a window early nor holds a retry back, and what was stored stays comparable.
//! Silences and maintenance windows mean the wall clock and use it.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use sre_core::SharedClock;
use sre_core::clock::Sleep;
use tokio::time::Instant;

/// Milliseconds of pipeline time, near enough to the wall clock to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

/// Both times at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// For intervals.
    pub(crate) steady: Moment,
    /// For what people mean by the clock on the wall.
    pub(crate) wall: Timestamp,
}

/// A clock for intervals.
#[derive(Debug, Clone)]
pub(crate) struct SteadyClock {
    clock: SharedClock,
    start: Moment,
    origin: Instant,
}

// === impl Moment ===

impl Moment {
    pub(crate) const MAX: Self = Self(i64::MAX);

    /// How long after `earlier`; zero when it is not.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

// === impl Now ===

impl Now {
    /// How many milliseconds the wall clock is ahead of pipeline time.
    pub(crate) fn ahead(self) -> i64 {
        self.wall.as_millisecond().saturating_sub(self.steady.0)
    }

    /// When, in pipeline time, the wall clock will show `at`, if nobody sets it.
    pub(crate) fn moment_of(self, at: Timestamp) -> Moment {
        Moment(self.steady.0.saturating_add(at.as_millisecond().saturating_sub(self.wall.as_millisecond())))
    }
}

// === impl SteadyClock ===

impl SteadyClock {
    /// Starts at the wall clock's time, or at `last` when that is later.
    pub(crate) fn new(clock: SharedClock, last: Option<Moment>) -> Self {
        let wall = Moment(clock.now().as_millisecond());
        let start = last.map_or(wall, |last| wall.max(last));
        Self { start, origin: clock.instant(), clock }
    }

    pub(crate) fn now(&self) -> Now {
        let passed = self.clock.instant().saturating_duration_since(self.origin);
        Now { steady: self.start + passed, wall: self.clock.now() }
    }

    pub(crate) fn sleep(&self, d: Duration) -> Sleep {
        self.clock.sleep(d)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sre_core::clock::FixedClock;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_goes_on_where_the_wall_clock_was_set_back() {
        let clock = Arc::new(FixedClock::at("2026-03-23T07:00:00Z".parse().unwrap()));
        let later = Moment(clock.now_ms() + 60_000);
        assert_eq!(SteadyClock::new(clock.clone(), Some(later)).now().steady, later);
        let steady = SteadyClock::new(clock, None);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(steady.now().steady.to_string(), "2026-03-23T07:00:03Z");
        assert_eq!(steady.now().moment_of("2026-03-23T08:00:00Z".parse().unwrap()).to_string(), "2026-03-23T08:00:03Z");
    }

    trait NowMs {
        fn now_ms(&self) -> i64;
    }
    impl NowMs for FixedClock {
        fn now_ms(&self) -> i64 {
            sre_core::Clock::now(self).as_millisecond()
        }
    }
}
