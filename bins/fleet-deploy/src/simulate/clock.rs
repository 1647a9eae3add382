//! Time that passes only when everybody waits for it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sre_core::clock::{Clock, Sleep};
use tokio::time::Instant;

/// A clock whose sleeps take no real time: under [`drive`](Self::drive), whenever the work waits for nothing but
/// sleeps, the clock jumps to the first of their ends. Clones share the time.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    base: Instant,
    began: Timestamp,
    timers: Arc<Mutex<Timers>>,
}

#[derive(Debug, Default)]
struct Timers {
    passed: Duration,
    count: u64,
    /// By end and by number: of two with one end, the older one wakes first.
    waiting: BTreeMap<(Duration, u64), Option<Waker>>,
}

/// One sleep.
struct Nap {
    timers: Arc<Mutex<Timers>>,
    key: (Duration, u64),
}

/// Notes that the work was woken by something else than time.
struct Noticed {
    inner: Waker,
    woken: AtomicBool,
}

// === impl VirtualClock ===

impl VirtualClock {
    /// A clock that begins at `began` and at tokio's present.
    #[must_use]
    pub fn new(began: Timestamp, base: Instant) -> Self {
        Self { base, began, timers: Arc::default() }
    }

    /// Runs `work`, all of whose sleeps must be this clock's and none of which may run in a task of its own.
    pub async fn drive<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|cx| {
            let noticed = Arc::new(Noticed { inner: cx.waker().clone(), woken: AtomicBool::new(false) });
            let waker = Waker::from(Arc::clone(&noticed));
            let polled = work.as_mut().poll(&mut Context::from_waker(&waker));
            if polled.is_pending() && !noticed.woken.load(Ordering::Acquire) {
                self.jump();
            }
            polled
        })
        .await
    }

    /// To the end of the first sleep, if there is one.
    fn jump(&self) {
        let mut timers = self.timers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(((end, _), waker)) = timers.waiting.pop_first() else { return };
        timers.passed = timers.passed.max(end);
        drop(timers);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn passed(&self) -> Duration {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner).passed
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.passed()).unwrap_or(SignedDuration::ZERO);
        self.began.checked_add(passed).unwrap_or(self.began)
    }

    fn instant(&self) -> Instant {
        self.base + self.passed()
    }

    fn sleep(&self, d: Duration) -> Sleep {
        let mut timers = self.timers.lock().unwrap_or_else(PoisonError::into_inner);
        timers.count += 1;
        let key = (timers.passed.saturating_add(d), timers.count);
        timers.waiting.insert(key, None);
        Box::pin(Nap { timers: Arc::clone(&self.timers), key })
    }
}

// === impl Nap ===

impl Future for Nap {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut timers = self.timers.lock().unwrap_or_else(PoisonError::into_inner);
        match timers.waiting.get_mut(&self.key) {
            Some(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Nap {
    fn drop(&mut self) {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&self.key);
    }
}

// === impl Noticed ===

impl Wake for Noticed {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.inner.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn hours_pass_at_once_and_in_order() {
        let clock = VirtualClock::new("2026-11-22T07:00:00Z".parse().unwrap(), Instant::now());
        let real = Instant::now();
        let order = Mutex::new(Vec::new());
        let naps = [3_u64, 1, 2, 1].into_iter().enumerate().map(|(i, hours)| {
            let (clock, order) = (&clock, &order);
            async move {
                clock.sleep(Duration::from_secs(hours * 3600)).await;
                order.lock().unwrap().push((i, clock.now().to_string()));
            }
        });
        clock.drive(join_all(naps)).await;
        let order: Vec<(usize, String)> = order.into_inner().unwrap();
        assert_eq!(order.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [1, 3, 2, 0]);
        assert_eq!(order[3].1, "2026-11-22T10:00:00Z");
        assert!(real.elapsed() < Duration::from_secs(5));
    }
}
