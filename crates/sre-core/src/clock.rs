//! Time as a thing that is handed in, so that a test can hold it still.
//!
//! [`SystemClock`] is the real one; its sleeps and instants follow tokio's clock, so a paused tokio runtime pauses
//! them too. [`FixedClock`] stands still at one wall-clock time.
//!
//! ```
//! use sre_core::clock::{Clock, FixedClock};
//! let clock = FixedClock::at("2026-03-23T07:00:00Z".parse().unwrap());
//! assert_eq!(clock.now().to_string(), "2026-03-23T07:00:00Z");
//! ```

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// A boxed sleep.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A clock that many tasks share.
pub type SharedClock = Arc<dyn Clock>;

/// Wall-clock time, monotonic time and sleeping.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The wall-clock time.
    fn now(&self) -> Timestamp;
    /// The monotonic time, for measuring and for deadlines.
    fn instant(&self) -> Instant;
    /// Completes after `d`.
    fn sleep(&self, d: Duration) -> Sleep;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The machine's clock, ready to share.
    #[must_use]
    pub fn shared() -> SharedClock {
        Arc::new(Self)
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, d: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(d))
    }
}

/// A wall clock that stands still; instants and sleeps are tokio's.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(Timestamp);

impl FixedClock {
    /// A clock that always says `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(now)
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, d: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(d))
    }
}
