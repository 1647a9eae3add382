//! What a group does again and again for receivers that forget: they are told of every alert that fires, and for some
//! time after of every alert that is over.
//!
//! It may be more than one notification can carry: then the others follow at once.

use std::time::Duration;

use crate::alert::KeyHash;
use crate::notify::Resend;
use crate::outbox::{AlertId, EntryId};
use crate::stage::moment::Moment;

/// What few groups need, so that the others stay small.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// When the last round began.
    pub(super) at: Option<Moment>,
    /// Who is still to come in this round; some may have changed since.
    pub(super) left: Vec<KeyHash>,
    /// Those that are over, and are said to be so again.
    pub(super) over: Vec<Over>,
    /// The last notification could not carry everything.
    pub(super) more: bool,
    /// Something became worse while a notification was on its way: the next one is not to be later.
    pub(super) urgent: Option<Moment>,
    /// Notifications that were brought back, to be sent after the one that is on its way.
    pub(super) next: Vec<EntryId>,
}

/// An alert that a receiver was told to be over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Over {
    pub(super) key: KeyHash,
    pub(super) id: AlertId,
    next: Moment,
    until: Moment,
}

/// More are not repeated; the receiver takes their end from the first time.
const MOST_OVER: usize = 10_000;

// === impl Rounds ===

impl Rounds {
    /// Notes one that the receiver was just told to be over.
    pub(super) fn is_over(&mut self, key: KeyHash, id: AlertId, ended: Moment, resend: Resend, now: Moment) {
        let (next, until) = (now + resend.every, ended + resend.after_resolved);
        if next <= until && self.over.len() < MOST_OVER {
            self.over.push(Over { key, id, next, until });
        }
    }

    /// Those that are to be repeated now, at most so many.
    pub(super) fn take_over(
        &mut self,
        most: usize,
        every: Duration,
        now: Moment,
        still_over: impl Fn(KeyHash) -> bool,
    ) -> Vec<(KeyHash, AlertId)> {
        let mut taken = Vec::new();
        self.over.retain_mut(|over| {
            if !still_over(over.key) {
                return false;
            }
            if over.next <= now && taken.len() < most {
                taken.push((over.key, over.id));
                over.next = now + every;
            }
            over.next <= over.until
        });
        taken
    }

    /// When the next of those that are over is to be repeated.
    pub(super) fn next_over(&self) -> Option<Moment> {
        self.over.iter().map(|over| over.next).min()
    }
}

/// The first that fit, at most so many. Those that do not fit are dropped; the others stay.
pub(super) fn take(queue: &mut Vec<KeyHash>, most: usize, mut fits: impl FnMut(KeyHash) -> bool) -> Vec<KeyHash> {
    let mut taken = Vec::new();
    let mut rest = std::mem::take(queue).into_iter();
    while taken.len() < most
        && let Some(key) = rest.next()
    {
        if fits(key) {
            taken.push(key);
        }
    }
    *queue = rest.collect();
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(i: i64) -> KeyHash {
        let alert = crate::Alert::builder(sre_core::Severity::Info, i.to_string());
        KeyHash::of(&alert.starts_at(jiff::Timestamp::UNIX_EPOCH).build().unwrap())
    }

    #[test]
    fn what_is_over_is_repeated_for_a_while() {
        let s = Duration::from_secs;
        let mut rounds = Rounds::default();
        rounds.is_over(key(1), AlertId(1), Moment(0), Resend::new(s(60), s(150)), Moment(10_000));
        let mut times = Vec::new();
        while let Some(at) = rounds.next_over() {
            times.push((at.0 / 1000, rounds.take_over(9, s(60), at, |_| true).len()));
        }
        assert_eq!(times, [(70, 1), (130, 1)]);
        rounds.is_over(key(1), AlertId(1), Moment(0), Resend::new(s(60), s(150)), Moment(10_000));
        assert!(rounds.take_over(9, s(60), Moment(70_000), |_| false).is_empty(), "it fires again");
        assert_eq!(rounds.next_over(), None);
    }

    #[test]
    fn what_is_taken_is_no_longer_there() {
        let mut queue = (0..6).map(key).collect::<Vec<_>>();
        let odd = [key(1), key(3), key(5)];
        assert_eq!(take(&mut queue, 2, |key| odd.contains(&key)), [key(1), key(3)]);
        assert_eq!(queue, [key(4), key(5)]);
    }
}
