//! The time of one host, which stands still while it waits for a slot.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::deadline::Deadline;

/// When a host began and when it must end.
#[derive(Debug)]
pub(super) struct HostClock {
    begun: Instant,
    time: watch::Sender<Time>,
}

#[derive(Debug, Clone, Copy)]
struct Time {
    deadline: Deadline,
    /// Since when it stands still, and how much was left then.
    stopped: Option<(Instant, Duration)>,
    stood: Duration,
}

// === impl HostClock ===

impl HostClock {
    pub(super) fn start(timeout: Duration) -> Self {
        let time = Time { deadline: Deadline::after(timeout), stopped: None, stood: Duration::ZERO };
        Self { begun: Instant::now(), time: watch::Sender::new(time) }
    }

    /// Its end, as it is now.
    pub(super) fn deadline(&self) -> Deadline {
        self.time.borrow().deadline
    }

    /// From its beginning to now.
    pub(super) fn elapsed(&self) -> Duration {
        let time = *self.time.borrow();
        let standing = time.stopped.map_or(Duration::ZERO, |(since, _)| since.elapsed());
        self.begun.elapsed().saturating_sub(time.stood + standing)
    }

    /// Stands still from now on.
    pub(super) fn stop(&self) {
        self.time.send_modify(|time| time.stopped = Some((Instant::now(), time.deadline.remaining())));
    }

    /// Goes on.
    pub(super) fn go_on(&self) {
        self.time.send_modify(|time| {
            if let Some((since, left)) = time.stopped.take() {
                time.stood += since.elapsed();
                time.deadline = Deadline::after(left);
            }
        });
    }

    /// Ends that long after the deadline, wherever it is then.
    pub(super) async fn late_by(&self, grace: Duration) {
        let mut changes = self.time.subscribe();
        loop {
            let time = *changes.borrow_and_update();
            let late = async {
                match time.stopped {
                    None => tokio::time::sleep_until(time.deadline.instant() + grace).await,
                    Some(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                () = late => return,
                _ = changes.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_stands_still_while_it_is_stopped() {
        let second = Duration::from_secs(1);
        let clock = HostClock::start(second * 10);
        tokio::time::sleep(second * 4).await;
        clock.stop();
        tokio::time::sleep(second * 60).await;
        assert_eq!(clock.elapsed(), second * 4);
        clock.go_on();
        assert_eq!((clock.deadline().remaining(), clock.elapsed()), (second * 6, second * 4));
        let begun = Instant::now();
        clock.late_by(second).await;
        assert_eq!((begun.elapsed().as_secs(), clock.elapsed().as_secs()), (7, 11));
    }
}
