//! What time brings about: what was held is looked at again, what is over or forgotten goes.

use std::time::Duration;

use super::active::Active;
use super::arrive::Cause;
use super::engine::Engine;
use crate::alert::KeyHash;
use crate::outbox::StoreError;
use crate::stage::moment::{Moment, Now};

const SWEEP: Duration = Duration::from_secs(60);
const PRUNE: Duration = Duration::from_secs(3600);
/// The clock on the wall was set when it is off by so many milliseconds; less is how NTP keeps it right.
const SET_BY: u64 = 1000;
/// Between two portions of a prune that is not finished.
const PRUNE_ON: Duration = Duration::from_secs(1);

impl Engine {
    /// Does what is due.
    pub(super) fn tick(&mut self, now: Now) -> Result<(), StoreError> {
        // What is held until some time on the wall may be due now, or not for long.
        if now.ahead().abs_diff(self.ahead) > SET_BY {
            self.ahead = now.ahead();
            self.recheck_at = Some(now.steady);
        }
        if self.recheck_at.is_some_and(|at| at <= now.steady) {
            self.recheck_at = None;
            let all = self.held.iter().map(|(_, key)| *key).collect::<Vec<_>>();
            self.look_again(&all, now)?;
        } else if self.held.first().is_some_and(|(at, _)| *at <= now.steady) {
            let due = self.held.iter().take_while(|(at, _)| *at <= now.steady).map(|(_, key)| *key).collect::<Vec<_>>();
            self.look_again(&due, now)?;
        }
        if self.sweep_at <= now.steady {
            self.sweep(now)?;
            self.sweep_at = now.steady + SWEEP;
        }
        if self.prune_at <= now.steady {
            let kept = i64::try_from(self.config.limits.retention.as_millis()).unwrap_or(i64::MAX);
            let more = self.store.prune(Moment(now.steady.0.saturating_sub(kept)))?;
            self.prune_at = now.steady + if more { PRUNE_ON } else { PRUNE };
        }
        self.pump(now)
    }

    fn look_again(&mut self, keys: &[KeyHash], now: Now) -> Result<(), StoreError> {
        for key in keys {
            self.release(*key);
            let Some(active) = self.actives.get(key).filter(|active| active.fires()) else { continue };
            let (id, known) = (active.id, active.known());
            let Some(alert) = self.store.alert(id)? else { continue };
            let decision = self.stages.decide(*key, &alert, Some(&known), now, &mut ());
            self.store.set_verdict(id, &self.stages.verdict(&decision).to_string())?;
            self.apply(*key, &alert, &decision, Cause::Held, now);
        }
        Ok(())
    }

    fn sweep(&mut self, now: Now) -> Result<(), StoreError> {
        self.stages.silences.purge(now);
        let (expire, suppress) = (self.config.expire, self.stages.suppress);
        // What is still to be told is told first, however long the receiver or this process was away.
        let idle = |a: &Active| a.fires() && a.sending.is_empty() && a.waiting.is_empty();
        let expired = |a: &Active| idle(a) && a.last_seen + expire <= now.steady;
        let forgotten = self.actives.iter().filter(|(_, a)| expired(a)).map(|(key, _)| *key).collect::<Vec<_>>();
        for key in forgotten {
            self.expire(key, now)?;
        }
        // Those that are over are kept for as long as they count for suppression.
        let quiet = |a: &Active| a.notified_at.is_none_or(|at| at + suppress <= now.steady);
        let over = self.actives.iter().filter(|(_, a)| !a.is_open() && quiet(a));
        let over = over.map(|(key, active)| (*key, active.id)).collect::<Vec<_>>();
        for (key, id) in over {
            self.store.remove_active(id)?;
            self.actives.remove(&key);
        }
        // After a storm.
        if self.actives.capacity() / 4 > self.actives.len().max(1024) {
            self.actives.shrink_to_fit();
            self.groups.shrink_to_fit();
        }
        Ok(())
    }

    /// Nobody has spoken of it for long: whether it is over nobody knows, so nobody is told.
    fn expire(&mut self, key: KeyHash, now: Now) -> Result<(), StoreError> {
        let Some(active) = self.actives.get(&key) else { return Ok(()) };
        for (receiver, _) in active.groups.clone() {
            self.leave(key, receiver);
        }
        self.close(key, "expired", now)
    }
}
