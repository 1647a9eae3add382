//! Runs an operation again when that is of use and does no harm.
//!
//! A [`RetryPolicy`] says how often and how long; the error says whether ([`Classify`]). An operation is repeated only
//! when its error hints at it **and** it is idempotent, or the error proves that nothing was delivered, or the peer
//! refused it with a request to come back later. Delays have full jitter: uniform in `0..=min(cap, base * 2^n)`, so
//! that clients which failed together do not return together
//! (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
//!
//! ```
//! # use sre_core::{Classify, Delivery, ErrorClass, Failure, FailureKind, RetryHint, SystemClock, Target};
//! # #[derive(Debug, Clone, Copy)] struct Down;
//! # impl FailureKind for Down { fn class(self) -> ErrorClass { ErrorClass::Connection } fn as_str(self) -> &'static str { "no answer" } }
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use std::time::Duration;
//! use sre_core::retry::{Retry, RetryPolicy};
//!
//! let policy = RetryPolicy::builder().attempts(3).base(Duration::from_millis(1)).build().unwrap();
//! let run = Retry::new(&policy, &SystemClock)
//!     .idempotent(true)
//!     .on_retry(|r| eprintln!("attempt {} failed: {}; again in {:?}", r.attempt, r.error, r.delay))
//!     .run(async |attempt| match attempt {
//!         1 | 2 => Err(Failure::new(Down, Target::new("db")).with_hint(RetryHint::Backoff)),
//!         _ => Ok("hello"),
//!     })
//!     .await;
//! assert_eq!((run.result.unwrap(), run.attempts), ("hello", 3));
//! # }
//! ```

use std::fmt;
use std::time::Duration;

use rand::RngExt;

use crate::clock::Clock;
use crate::error::{Classify, Delivery, RetryHint};

/// How often, how fast and for how long something is tried. Defaults: 3 attempts, base 200 ms, cap 10 s, no deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    base: Duration,
    cap: Duration,
    deadline: Option<Duration>,
}

/// A policy that makes no sense, and why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("retry policy: {0}")]
pub struct InvalidPolicy(&'static str);

/// Builds a [`RetryPolicy`].
#[derive(Debug, Clone)]
#[must_use]
pub struct RetryPolicyBuilder(RetryPolicy);

/// One operation with its policy; see the [module](self).
pub struct Retry<'a, E> {
    policy: &'a RetryPolicy,
    clock: &'a dyn Clock,
    idempotent: bool,
    hook: Option<Hook<'a, E>>,
}

type Hook<'a, E> = Box<dyn Fn(&RetryEvent<'_, E>) + Send + Sync + 'a>;

/// Told to the hook before each sleep.
#[derive(Debug)]
#[non_exhaustive]
pub struct RetryEvent<'a, E> {
    /// The attempt that failed; the first is 1.
    pub attempt: u32,
    /// How long the sleep will be.
    pub delay: Duration,
    /// Why.
    pub error: &'a E,
}

/// What came of it, after how much trying.
#[derive(Debug)]
#[non_exhaustive]
pub struct Retried<T, E> {
    /// The first success or the last error.
    pub result: Result<T, E>,
    /// How many attempts were made.
    pub attempts: u32,
    /// Time over all attempts and sleeps.
    pub elapsed: Duration,
}

// === impl RetryPolicy ===

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 3, base: Duration::from_millis(200), cap: Duration::from_secs(10), deadline: None }
    }
}

impl RetryPolicy {
    /// Starts from the defaults.
    pub fn builder() -> RetryPolicyBuilder {
        RetryPolicyBuilder(Self::default())
    }

    /// One attempt and no more.
    #[must_use]
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// How many attempts are made at most, the first included.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The longest delay that this policy itself would choose; a peer's `Retry-After` is cut to it as well, and jitter comes on top.
    #[must_use]
    pub fn cap(&self) -> Duration {
        self.cap
    }

    /// Time allowed over all attempts and sleeps.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// A random delay before retry number `retry` (the first is 0): uniform in `0..=min(cap, base * 2^retry)`.
    #[must_use]
    pub fn jittered_delay(&self, retry: u32) -> Duration {
        let ceiling = self.base.saturating_mul(2_u32.saturating_pow(retry)).min(self.cap);
        ceiling.mul_f64(rand::rng().random_range(0.0..=1.0))
    }

    /// The delay before the next attempt, or `None` when there shall be none.
    ///
    /// `attempt` is the one that just failed (the first is 1), `elapsed` the time since the first began.
    #[must_use]
    pub fn next_delay<E: Classify>(
        &self,
        error: &E,
        idempotent: bool,
        attempt: u32,
        elapsed: Duration,
    ) -> Option<Duration> {
        if attempt >= self.attempts || !may_repeat(error, idempotent) {
            return None;
        }
        let backoff = self.jittered_delay(attempt.saturating_sub(1));
        let delay = match error.retry_hint() {
            RetryHint::Never => return None,
            RetryHint::Backoff => backoff,
            // On top, so that those who were told the same do not come back together.
            RetryHint::After(wait) => wait.min(self.cap) + backoff,
        };
        match self.deadline {
            Some(deadline) if elapsed + delay >= deadline => None,
            _ => Some(delay),
        }
    }
}

/// A repeat does no harm when the operation is idempotent, nothing was delivered, or the peer put it off.
fn may_repeat<E: Classify>(error: &E, idempotent: bool) -> bool {
    let put_off = matches!((error.delivery(), error.retry_hint()), (Delivery::Answered, RetryHint::After(_)));
    idempotent || error.delivery() == Delivery::NotSent || put_off
}

// === impl RetryPolicyBuilder ===

impl RetryPolicyBuilder {
    /// How many attempts at most, the first included.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// The ceiling of the first delay; it doubles with each retry.
    pub fn base(mut self, base: Duration) -> Self {
        self.0.base = base;
        self
    }

    /// The ceiling of every delay.
    pub fn cap(mut self, cap: Duration) -> Self {
        self.0.cap = cap;
        self
    }

    /// Time allowed over all attempts and sleeps.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.0.deadline = Some(deadline);
        self
    }

    /// Checks it.
    ///
    /// # Errors
    /// When there would be no attempt, or the cap is below the base.
    pub fn build(self) -> Result<RetryPolicy, InvalidPolicy> {
        match self.0 {
            p if p.attempts == 0 => Err(InvalidPolicy("attempts is 0; 1 means no retry")),
            p if p.cap < p.base => Err(InvalidPolicy("cap is shorter than base")),
            p => Ok(p),
        }
    }
}

// === impl Retry ===

impl<'a, E: Classify> Retry<'a, E> {
    /// An operation that is not idempotent unless [`idempotent`](Self::idempotent) says so.
    #[must_use]
    pub fn new(policy: &'a RetryPolicy, clock: &'a dyn Clock) -> Self {
        Self { policy, clock, idempotent: false, hook: None }
    }

    /// Whether doing it twice is the same as doing it once.
    #[must_use]
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// Called before each sleep.
    #[must_use]
    pub fn on_retry(mut self, hook: impl Fn(&RetryEvent<'_, E>) + Send + Sync + 'a) -> Self {
        self.hook = Some(Box::new(hook));
        self
    }

    /// Runs `op` until it succeeds, its error forbids another try, or the policy is used up. `op` gets the number of
    /// the attempt. A deadline also cuts off no attempt that is under way: give `op` its own timeouts.
    ///
    /// # Cancel safety
    /// Dropping the future stops it wherever it is; `op` must be safe to drop.
    pub async fn run<T, F: Future<Output = Result<T, E>>>(self, mut op: impl FnMut(u32) -> F) -> Retried<T, E> {
        let start = self.clock.instant();
        let mut attempt = 1;
        loop {
            let result = op(attempt).await;
            let elapsed = self.clock.instant() - start;
            let error = match result {
                Ok(value) => return Retried { result: Ok(value), attempts: attempt, elapsed },
                Err(error) => error,
            };
            let Some(delay) = self.policy.next_delay(&error, self.idempotent, attempt, elapsed) else {
                return Retried { result: Err(error), attempts: attempt, elapsed };
            };
            if let Some(hook) = &self.hook {
                hook(&RetryEvent { attempt, delay, error: &error });
            }
            self.clock.sleep(delay).await;
            attempt += 1;
        }
    }
}

impl<E> fmt::Debug for Retry<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("policy", self.policy)
            .field("idempotent", &self.idempotent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::{ErrorClass, Failure, FailureKind, Target};

    #[derive(Debug, Clone, Copy)]
    struct Broken;
    impl FailureKind for Broken {
        fn class(self) -> ErrorClass {
            ErrorClass::Connection
        }
        fn as_str(self) -> &'static str {
            "broken"
        }
    }

    fn broken(delivery: Delivery, hint: RetryHint) -> Failure<Broken> {
        Failure::new(Broken, Target::new("t")).with_delivery(delivery).with_hint(hint)
    }

    async fn attempts(idempotent: bool, delivery: Delivery, hint: RetryHint) -> u32 {
        let policy = RetryPolicy::default();
        let run = Retry::new(&policy, &SystemClock).idempotent(idempotent);
        run.run(async |_| Err::<(), _>(broken(delivery, hint))).await.attempts
    }

    #[tokio::test(start_paused = true)]
    async fn only_harmless_repeats() {
        let later = RetryHint::After(Duration::from_secs(2));
        for (idempotent, delivery, hint, expected) in [
            (true, Delivery::MaybeSent, RetryHint::Backoff, 3),
            (false, Delivery::MaybeSent, RetryHint::Backoff, 1),
            (false, Delivery::NotSent, RetryHint::Backoff, 3),
            (false, Delivery::Answered, RetryHint::Backoff, 1),
            (false, Delivery::Answered, later, 3),
            (false, Delivery::MaybeSent, later, 1),
            (true, Delivery::NotSent, RetryHint::Never, 1),
        ] {
            assert_eq!(attempts(idempotent, delivery, hint).await, expected, "{idempotent} {delivery:?} {hint:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_a_floor_and_is_capped() {
        let policy = RetryPolicy::builder().cap(Duration::from_secs(5)).build().unwrap();
        for (asked, at_least, at_most) in [(3, 3000, 3200), (3600, 5000, 5200)] {
            let e = broken(Delivery::Answered, RetryHint::After(Duration::from_secs(asked)));
            let delay = policy.next_delay(&e, false, 1, Duration::ZERO).unwrap();
            assert!((at_least..=at_most).contains(&delay.as_millis()), "{asked}: {delay:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_it() {
        let policy = RetryPolicy::builder().attempts(1000).deadline(Duration::from_secs(30)).build().unwrap();
        let run = Retry::new(&policy, &SystemClock).idempotent(true);
        let run = run.run(async |_| Err::<(), _>(broken(Delivery::NotSent, RetryHint::Backoff))).await;
        assert!(run.elapsed < Duration::from_secs(30) && run.attempts > 3, "{run:?}");
    }

    #[test]
    fn impossible_policies_are_refused() {
        assert!(RetryPolicy::builder().attempts(0).build().is_err());
        assert!(RetryPolicy::builder().base(Duration::from_secs(60)).build().is_err());
    }

    proptest::proptest! {
        #[test]
        fn delays_stay_under_the_ceiling(retry in 0_u32..200, base_ms in 0_u64..10_000, cap_ms in 0_u64..60_000) {
            let base = Duration::from_millis(base_ms);
            let cap = Duration::from_millis(cap_ms.max(base_ms));
            let policy = RetryPolicy::builder().base(base).cap(cap).build().unwrap();
            assert!(policy.jittered_delay(retry) <= cap);
        }
    }
}
