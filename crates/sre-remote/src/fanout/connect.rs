//! How the task of a host gets its session: attempts, pauses between them, and its slot lent while it only waits.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sre_core::{Classify, Delivery, RetryHint};
use tokio::sync::oneshot;

use super::clock::HostClock;
use super::gate::Permit;
use super::job::Job;
use super::running::Message;
use super::slots::Answer;
use super::worker::{Progress, SLACK, Work};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::phase::Phase;
use crate::transport::{Dialed, Session};

/// Tries beyond the policy's for a host that was only throttled.
const THROTTLED_TRIES: u32 = 6;
/// A server near by speaks within a few round trips. Waiting longer than that for one that may be dead would cost others
/// their turn.
const SILENCE: Duration = Duration::from_millis(100);
/// How long a connection is kept that nobody has a slot for. Servers end one that does not log in (`LoginGraceTime`: 120 s,
/// 30 s and less on hardened ones), and count it among those that are under way (`MaxStartups`).
const KEPT: Duration = Duration::from_secs(10);

/// Why there is no session.
#[derive(Debug)]
pub(super) enum NotConnected {
    /// It did not work.
    Failed(Error),
    /// The run was stopped while it waited.
    Skipped,
}

/// Whether the host has its slot.
#[derive(Debug, PartialEq, Eq)]
enum Slot {
    Held,
    Lent,
}

impl From<Error> for NotConnected {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

// === impl Work ===

impl<J: Job> Work<J> {
    /// Connects, again if that is of use.
    pub(super) async fn connect(
        &self,
        mut permit: Permit,
        clock: &HostClock,
        progress: &Progress,
    ) -> Result<Box<dyn Session>, NotConnected> {
        let (mut counted, mut slot) = (0, Slot::Held);
        loop {
            let attempt = progress.attempts.fetch_add(1, Ordering::Relaxed) + 1;
            let error = match self.attempt(clock, &mut slot).await {
                Ok(session) => {
                    permit.succeeded();
                    return Ok(session);
                }
                Err(NotConnected::Failed(error)) => error,
                Err(skipped) => return Err(skipped),
            };
            let throttled = match is_throttling(&error) {
                true => permit.throttled(self.index),
                false => {
                    drop(permit);
                    false
                }
            };
            if !throttled || attempt >= self.fleet.retry.attempts() + THROTTLED_TRIES {
                counted += 1;
            }
            let deadline = clock.deadline();
            let Some(delay) = self.delay(&error, attempt, counted, deadline) else {
                return Err(error.with_attempts(attempt).into());
            };
            let reason = error.to_string();
            let _ = self.sender.send(Message::Retrying { index: self.index, attempt, delay, reason });
            // Who has a slot never waits for a permit: those who have one may be waiting for a slot.
            self.lend(&mut slot);
            permit = self.wait(delay, deadline, error).await?;
        }
    }

    async fn attempt(&self, clock: &HostClock, slot: &mut Slot) -> Result<Box<dyn Session>, NotConnected> {
        let mut dialed = self.dial(clock.deadline(), slot).await?;
        if *slot == Slot::Lent {
            let kept = self.slot_again(dialed, clock).await?;
            *slot = Slot::Held;
            dialed = match kept {
                Some(dialed) => dialed,
                None => {
                    self.bounded(clock.deadline(), self.fleet.transport.dial(self.host(), clock.deadline())).await?
                }
            };
        }
        Ok(self.bounded(clock.deadline(), dialed.log_in(clock.deadline())).await?)
    }

    /// Dials. When the server has said nothing for a while, the next host may have the slot.
    async fn dial(&self, deadline: Deadline, slot: &mut Slot) -> Result<Box<dyn Dialed + '_>, Error> {
        let mut dialing = pin!(self.bounded(deadline, self.fleet.transport.dial(self.host(), deadline)));
        if *slot == Slot::Held && self.fleet.workers > 1 {
            if let Ok(dialed) = tokio::time::timeout(SILENCE, &mut dialing).await {
                return dialed;
            }
            self.lend(slot);
        }
        dialing.await
    }

    fn lend(&self, slot: &mut Slot) {
        if *slot == Slot::Held && self.fleet.workers > 1 {
            let _ = self.sender.send(Message::Waits { index: self.index });
            *slot = Slot::Lent;
        }
    }

    /// Waits for a slot, outside of the host's own time. The connection is given up when that takes long.
    async fn slot_again<'a>(
        &self,
        dialed: Box<dyn Dialed + 'a>,
        clock: &HostClock,
    ) -> Result<Option<Box<dyn Dialed + 'a>>, NotConnected> {
        let (answer, mut answered) = oneshot::channel();
        let _ = self.sender.send(Message::GoesOn { index: self.index, answer });
        clock.stop();
        let mut kept = Some(dialed);
        let answer = loop {
            tokio::select! {
                biased;
                () = self.fleet.stop.killing().triggered() => return Err(self.interrupted().into()),
                answer = &mut answered => break answer,
                () = tokio::time::sleep(KEPT), if kept.is_some() => kept = None,
            }
        };
        clock.go_on();
        match answer {
            Ok(Answer::GoOn) => Ok(kept),
            Ok(Answer::Stopped) | Err(_) => Err(NotConnected::Skipped),
        }
    }

    /// A step of the transport, which ends soon after the deadline even when the transport forgets it.
    async fn bounded<T>(&self, deadline: Deadline, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.fleet.stop.killing().triggered() => Err(self.interrupted()),
            done = step => done,
            () = tokio::time::sleep_until(deadline.instant() + SLACK) => {
                Err(Error::new(ErrorKind::Timeout, Phase::Connect, self.host()))
            }
        }
    }

    fn delay(&self, error: &Error, attempt: u32, counted: u32, deadline: Deadline) -> Option<Duration> {
        let policy = &self.fleet.retry;
        let pointless = error.retry_hint() == RetryHint::Never
            || error.delivery() != Delivery::NotSent
            || error.kind() == ErrorKind::Timeout
            || policy.attempts() <= 1
            || counted >= policy.attempts();
        if pointless {
            return None;
        }
        let delay = policy.jittered_delay(attempt - 1);
        (delay < deadline.remaining()).then_some(delay)
    }

    /// Waits for the next attempt and for room; the last error stands when the time is over before.
    async fn wait(&self, delay: Duration, deadline: Deadline, last: Error) -> Result<Permit, Error> {
        let waiting = async {
            tokio::time::sleep(delay).await;
            self.gate.enter().await
        };
        tokio::select! {
            biased;
            () = self.fleet.stop.killing().triggered() => Err(self.interrupted()),
            permit = deadline.limit(waiting) => permit.map_err(|_| last),
        }
    }

    fn interrupted(&self) -> Error {
        Error::new(ErrorKind::Interrupted, Phase::Connect, self.host())
    }
}

/// A server that has too many logins under way closes the connection at once.
fn is_throttling(error: &Error) -> bool {
    error.kind() == ErrorKind::Broken && matches!(error.phase(), Phase::Connect | Phase::Handshake)
}
