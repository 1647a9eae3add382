//! What became of a notification.

use std::time::Duration;

use sre_core::RetryPolicy;

use super::engine::Engine;
use super::groups::Entry;
use super::receivers::ReceiverId;
use crate::alert::KeyHash;
use crate::outbox::{AlertId, EntryId, EntryState, EntryStep, StoreError};
use crate::stage::moment::{Moment, Now};

/// How one try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it.
    Sent,
    /// It has not, or did not say so.
    Failed {
        /// It will never take it.
        permanent: bool,
        /// It asked to be left alone for so long.
        after: Option<Duration>,
        /// Why.
        error: String,
    },
}

impl Engine {
    /// Notes how a try ended and what follows from it.
    pub(super) fn outcome(&mut self, id: EntryId, outcome: &Outcome, now: Now) -> Result<(), StoreError> {
        let Some(entry) = self.entries.get(&id) else { return Ok(()) };
        let (receiver, attempts) = (entry.receiver, entry.attempts);
        let age = now.steady.since(entry.created_at);
        if let Some(outlet) = self.outlet(receiver) {
            outlet.busy = outlet.busy.saturating_sub(1);
        }
        match outcome {
            Outcome::Sent => {
                self.tally.sent += 1;
                self.step(id, EntryState::Sent, attempts, now.steady, now.steady, None)?;
                self.finish(id, true, now);
            }
            Outcome::Failed { permanent, after, error } => {
                let wait = (!permanent).then(|| next_try(&self.retry, attempts, age, *after)).flatten();
                match wait {
                    Some(wait) => self.put_off(id, attempts, now.steady + wait, error, now)?,
                    None => {
                        self.tally.dead += 1;
                        self.step(id, EntryState::Dead, attempts, now.steady, now.steady, Some(error))?;
                        self.finish(id, false, now);
                    }
                }
            }
        }
        Ok(())
    }

    fn put_off(&mut self, id: EntryId, attempts: u32, at: Moment, error: &str, now: Now) -> Result<(), StoreError> {
        self.tally.retried += 1;
        self.step(id, EntryState::Retry, attempts, now.steady, at, Some(error))?;
        let receiver = self.entries.get(&id).map(|entry| entry.receiver);
        if let Some(outlet) = receiver.and_then(|receiver| self.outlet(receiver)) {
            outlet.retry.insert((at, id));
        }
        Ok(())
    }

    pub(super) fn step(
        &mut self,
        id: EntryId,
        state: EntryState,
        attempts: u32,
        at: Moment,
        next_at: Moment,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        self.store.update_entry(&EntryStep { id, state, attempts, at, next_at, error })
    }

    /// It is sent, or given up: who knows what now?
    pub(super) fn finish(&mut self, id: EntryId, sent: bool, now: Now) {
        let Some(Entry { receiver, group, firing, resolved, .. }) = self.entries.remove(&id) else { return };
        for (key, alert) in firing {
            self.was_told(key, alert, receiver, sent);
        }
        for (key, alert) in resolved {
            self.was_told_the_end(key, alert, receiver, sent, now);
        }
        if self.next_brought_back(group, now.steady) {
            return;
        }
        if let Some(group) = self.groups.get_mut(&group) {
            group.in_flight = false;
        }
        self.rest(group, now.steady);
    }

    fn was_told(&mut self, key: KeyHash, id: AlertId, receiver: ReceiverId, sent: bool) {
        let Some(active) = self.actives.get_mut(&key).filter(|active| active.id == id) else { return };
        active.sending.remove(receiver);
        if sent {
            active.told.insert(receiver);
        } else if !active.told.has(receiver) && !active.waiting.has(receiver) {
            // It is in the dead letters: the end is nothing to this receiver.
            self.leave(key, receiver);
        }
        self.touch(key);
    }

    fn was_told_the_end(&mut self, key: KeyHash, id: AlertId, receiver: ReceiverId, sent: bool, now: Now) {
        let resend = self.resend(receiver).filter(|_| sent);
        let Some(active) = self.actives.get_mut(&key).filter(|active| active.id == id) else { return };
        active.sending.remove(receiver);
        let back = active.fires();
        let last = active.notified_at.unwrap_or(now.steady);
        if active.waiting.has(receiver) {
            active.told.remove(receiver);
        } else {
            if let (Some(resend), Some(ended), Some(group)) = (resend, active.resolved_at, active.group(receiver)) {
                let group = self.groups.get_mut(&group).filter(|_| active.told.has(receiver));
                if let Some(group) = group {
                    group.rounds().is_over(key, id, ended, resend, now.steady);
                }
            }
            self.leave(key, receiver);
            if back {
                // The receiver believes that it is over, and it is not.
                self.hold(key, last + self.stages.suppress);
            }
        }
        self.touch(key);
    }
}

/// The wait before the next try, or none when the deadline would be over.
///
/// A notification may be repeated even where it may have arrived: twice is better than never, and its key is the same.
fn next_try(policy: &RetryPolicy, attempts: u32, age: Duration, after: Option<Duration>) -> Option<Duration> {
    let backoff = policy.jittered_delay(attempts.saturating_sub(1));
    // On top, so that those who were told the same do not come back together.
    let wait = after.map_or(backoff, |after| after.min(policy.cap()) + backoff);
    policy.deadline().is_none_or(|deadline| age + wait < deadline).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_floor_and_the_deadline_ends_it() {
        let s = Duration::from_secs;
        let policy = RetryPolicy::builder().attempts(u32::MAX).base(s(2)).cap(s(60)).deadline(s(3600)).build().unwrap();
        for (attempts, age, after, least, most) in [
            (1, s(0), None, s(0), s(2)),
            (9, s(600), None, s(0), s(60)),
            (1, s(0), Some(s(30)), s(30), s(32)),
            (1, s(0), Some(s(9999)), s(60), s(62)),
        ] {
            let wait = next_try(&policy, attempts, age, after).unwrap();
            assert!(least <= wait && wait <= most, "{attempts} {after:?}: {wait:?}");
        }
        assert_eq!(next_try(&policy, 1, s(3600), None), None);
        assert_eq!(next_try(&policy, 1, s(3590), Some(s(30))), None);
    }
}
