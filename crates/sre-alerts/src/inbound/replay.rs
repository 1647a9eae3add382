//! Signatures that were used: each is good once while its time is near.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::signature::{MAX_SKEW, Refusal};

/// How many are remembered: 200 a second over the ten minutes in which one could come back.
const CAPACITY: usize = 120_000;

/// Remembers signatures for as long as they would be accepted.
///
/// Only signatures that are right get here, so that a stranger cannot fill it.
#[derive(Debug, Default)]
pub(super) struct Replays {
    used: Mutex<BTreeSet<Used>>,
}

/// Sorted by the time after which it is stale anyhow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Used {
    until: i64,
    signature: Box<[u8]>,
}

/// The right to act upon a signature. Dropped without [`keep`](Self::keep), the request may be sent again as it is:
/// nothing came of it.
#[derive(Debug)]
#[must_use]
pub(super) struct Claim<'a> {
    replays: &'a Replays,
    used: Option<Used>,
}

/// Why there is no claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoClaim {
    Refused(Refusal),
    /// Too many signatures at once; forgetting one would let it be replayed.
    Full,
}

// === impl Replays ===

impl Replays {
    /// Takes a signature made at `at`, unless it was taken before.
    pub(super) fn claim(&self, signature: &[u8], at: i64, now: i64) -> Result<Claim<'_>, NoClaim> {
        let used = Used { until: at + MAX_SKEW, signature: signature.into() };
        let mut all = self.lock();
        while all.first().is_some_and(|oldest| oldest.until < now) {
            all.pop_first();
        }
        if all.contains(&used) {
            return Err(NoClaim::Refused(Refusal::Replayed));
        }
        if all.len() >= CAPACITY {
            return Err(NoClaim::Full);
        }
        all.insert(used.clone());
        Ok(Claim { replays: self, used: Some(used) })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<Used>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Claim ===

impl Claim<'_> {
    /// The request was acted upon: it cannot come again.
    pub(super) fn keep(mut self) {
        self.used = None;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(used) = self.used.take() {
            self.replays.lock().remove(&used);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_once() {
        let replays = Replays::default();
        replays.claim(b"v0=a", 1000, 1000).unwrap().keep();
        let again = |now| replays.claim(b"v0=a", 1000, now).err();
        assert_eq!(again(1000), Some(NoClaim::Refused(Refusal::Replayed)));
        assert_eq!(again(1300), Some(NoClaim::Refused(Refusal::Replayed)));
        assert!(replays.claim(b"v0=b", 1000, 1300).is_ok());
    }

    #[test]
    fn what_came_to_nothing_may_come_again() {
        let replays = Replays::default();
        let first = replays.claim(b"v0=a", 1000, 1000).unwrap();
        assert!(replays.claim(b"v0=a", 1000, 1000).is_err(), "while the first is at work");
        drop(first);
        assert!(replays.claim(b"v0=a", 1000, 1000).is_ok());
    }

    #[test]
    fn memory_is_bounded_and_old_ones_make_room() {
        let replays = Replays::default();
        for i in 0..CAPACITY {
            replays.claim(&i.to_be_bytes(), 1000, 1000).unwrap().keep();
        }
        assert_eq!(replays.claim(b"x", 1000, 1300).err(), Some(NoClaim::Full));
        assert!(replays.claim(b"x", 1300, 1301).is_ok());
        assert_eq!(replays.lock().len(), 0);
    }
}
