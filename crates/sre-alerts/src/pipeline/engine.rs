//! The state of the pipeline, and every change of it. One thread owns it; a change is first in its open transaction and
//! takes effect outside only after the commit, see [`work`](super::work).
//!
//! Its parts: [`arrive`](super::arrive) takes alerts in, [`flush`](super::flush) makes notifications of groups,
//! [`outcome`](super::outcome) notes what became of them, [`upkeep`](super::upkeep) does what time brings about,
//! [`recover`](super::recover) starts from what is on disk.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use foldhash::HashMap;
use sre_core::RetryPolicy;

use super::active::Active;
use super::arrival::Arrival;
use super::config::Config;
use super::counters::{Counters, Tally};
use super::groups::{Entry, Group, Outlet};
use super::receivers::ReceiverId;
use super::template::Templates;
use crate::alert::{Alert, KeyHash};
use crate::notify::{Notification, Resend};
use crate::outbox::{AlertId, EntryId, Store, StoreError};
use crate::stage::decide::Stages;
use crate::stage::explain::{Explanation, Stage, Step, Trace, Verdict};
use crate::stage::group::{self, GroupId};
use crate::stage::moment::{Moment, Now};
use crate::stage::route::{RouteId, Timing};
use crate::stage::silence::{NewSilence, Silence, SilenceId};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) store: Box<dyn Store>,
    pub(super) stages: Stages,
    pub(super) config: Config,
    pub(super) retry: RetryPolicy,
    /// By [`ReceiverId`].
    pub(super) templates: Vec<Option<Templates>>,
    /// By [`ReceiverId`].
    pub(super) outlets: Vec<Outlet>,
    /// Boxed: a table of a million slots that grows is copied, and half of it is empty.
    pub(super) actives: HashMap<KeyHash, Box<Active>>,
    pub(super) groups: HashMap<GroupId, Group>,
    /// Notifications that were not sent yet.
    pub(super) entries: HashMap<EntryId, Entry>,
    /// What something keeps quiet, by when to look again.
    pub(super) held: BTreeSet<(Moment, KeyHash)>,
    /// Look at all of `held` then.
    pub(super) recheck_at: Option<Moment>,
    /// How far the wall clock was ahead.
    pub(super) ahead: i64,
    pub(super) sweep_at: Moment,
    pub(super) prune_at: Moment,
    /// Alerts whose state is to be stored before the commit.
    pub(super) dirty: Vec<KeyHash>,
    pub(super) next_alert: i64,
    pub(super) next_entry: i64,
    pub(super) next_silence: i64,
    /// To be handed to receivers after the commit.
    pub(super) outbox: Vec<Dispatch>,
    /// Shutting down: nothing is handed to receivers any more.
    pub(super) draining: bool,
    /// Since the last commit.
    pub(super) tally: Tally,
    pub(super) counters: Arc<Counters>,
}

/// A notification to be sent now.
#[derive(Debug)]
pub(super) struct Dispatch {
    pub(super) entry: EntryId,
    pub(super) receiver: ReceiverId,
    pub(super) notification: Notification,
}

// === impl Engine ===

impl Engine {
    /// Whether so many more alerts can be held. Those that are known already need no room.
    pub(super) fn has_room_for(&self, arrivals: &[Arrival]) -> bool {
        let room = self.config.limits.alerts.saturating_sub(self.actives.len());
        let new = |arrival: &&Arrival| !self.actives.contains_key(&arrival.key);
        arrivals.len() <= room || arrivals.iter().filter(new).count() <= room
    }

    /// Stores what has changed; the last thing before a commit.
    pub(super) fn save(&mut self) -> Result<(), StoreError> {
        let Self { store, actives, groups, outlets, dirty, .. } = self;
        let next_entry = EntryId(self.next_entry);
        let wait = |id| match groups.get(&id) {
            Some(group) => (group.due.or_else(|| group.urgent()), group.last_sent.is_none()),
            None => (None, true),
        };
        let name = |id: ReceiverId| outlets.get(usize::from(id.0)).map(|o| o.name.clone()).unwrap_or_default();
        for key in dirty.drain(..) {
            if let Some(active) = actives.get_mut(&key).filter(|active| active.dirty) {
                active.dirty = false;
                store.save_active(&active.row(name, wait, next_entry))?;
            }
        }
        Ok(())
    }

    /// Makes everything durable and, with that, known.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        self.store.commit()?;
        self.counters.count(std::mem::take(&mut self.tally));
        self.counters.active.store(self.actives.len() as u64, Ordering::Relaxed);
        self.counters.unsent.store(self.entries.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// When there will be something to do without anybody asking.
    pub(super) fn next_due(&self) -> Moment {
        if self.draining {
            return Moment::MAX;
        }
        let most = self.config.limits.retrying;
        let free = self.outlets.iter().filter(|outlet| outlet.busy < self.config.delivery.concurrency);
        let outlets = free.filter_map(|outlet| outlet.next_at(most));
        let held = self.held.first().map(|(at, _)| *at);
        outlets.chain(held).chain(self.recheck_at).chain([self.sweep_at]).min().unwrap_or(Moment::MAX)
    }

    pub(super) fn add_silence(&mut self, new: NewSilence, now: Now) -> Result<Silence, StoreError> {
        let from_now_on = new.is_from_now_on();
        let silence = new.make(SilenceId(self.next_silence), now.wall);
        self.next_silence += 1;
        self.store.save_silence(&silence)?;
        self.stages.silences.add(silence.clone(), from_now_on, now);
        Ok(silence)
    }

    /// Ends a silence before its time; `None` when there is none.
    pub(super) fn end_silence(&mut self, id: SilenceId, now: Now) -> Result<Option<Silence>, StoreError> {
        let Some(mut silence) = self.stages.silences.remove(id) else { return Ok(None) };
        silence.ends_at = silence.ends_at.min(now.wall);
        self.store.save_silence(&silence)?;
        self.recheck_at = Some(now.steady);
        Ok(Some(silence))
    }

    /// What would be done with the alert now; nothing is done.
    pub(super) fn explain(&mut self, alert: &Alert, now: Now) -> Explanation {
        let key = KeyHash::of(alert);
        let active = self.actives.get(&key).map(Box::as_ref);
        let mut steps: Vec<Step> = Vec::new();
        let verdict = if alert.is_resolved() {
            self.explain_end(active, &mut steps)
        } else {
            let known = active.map(Active::known);
            let decision = self.stages.decide(key, alert, known.as_ref(), now, &mut steps);
            self.stages.verdict(&decision)
        };
        Explanation { key: alert.key(), fingerprint: alert.fingerprint(), steps, verdict }
    }

    fn explain_end(&self, active: Option<&Active>, steps: &mut Vec<Step>) -> Verdict {
        let Some(active) = active.filter(|active| active.fires()) else {
            steps.step(Stage::Resolve, || "nothing like it fires".to_owned());
            return Verdict::NotFiring;
        };
        let receivers = self.told(active);
        steps.step(Stage::Resolve, || match receivers.as_slice() {
            [] => "nobody was told that it fires".to_owned(),
            names => format!("{} was told that it fires", names.join(", ")),
        });
        Verdict::Resolved { receivers }
    }

    /// Who was told, or is just being told, that it fires.
    pub(super) fn told(&self, active: &Active) -> Vec<String> {
        let told = |(i, _): &(usize, &Outlet)| {
            let id = ReceiverId(u8::try_from(*i).unwrap_or(u8::MAX));
            active.told.has(id) || active.sending.has(id)
        };
        self.outlets.iter().enumerate().filter(told).map(|(_, outlet)| outlet.name.clone()).collect()
    }

    pub(super) fn touch(&mut self, key: KeyHash) {
        if let Some(active) = self.actives.get_mut(&key)
            && !active.dirty
        {
            active.dirty = true;
            self.dirty.push(key);
        }
    }

    /// Looks at the alert again then.
    pub(super) fn hold(&mut self, key: KeyHash, until: Moment) {
        if self.actives.get(&key).is_some_and(|active| active.held_until == Some(until)) {
            return;
        }
        self.release(key);
        if let Some(active) = self.actives.get_mut(&key) {
            active.held_until = Some(until);
            self.held.insert((until, key));
            self.touch(key);
        }
    }

    pub(super) fn release(&mut self, key: KeyHash) {
        if let Some(active) = self.actives.get_mut(&key)
            && let Some(until) = active.held_until.take()
        {
            self.held.remove(&(until, key));
            self.touch(key);
        }
    }

    /// Those that another alert inhibited are looked at soon; not at once, so that a burst of ends costs one look.
    pub(super) fn look_again_soon(&mut self, now: Now) {
        let soon = now.steady + Duration::from_secs(1);
        self.recheck_at = Some(self.recheck_at.map_or(soon, |at| at.min(soon)));
    }

    pub(super) fn outlet(&mut self, id: ReceiverId) -> Option<&mut Outlet> {
        self.outlets.get_mut(usize::from(id.0))
    }

    /// Whether the receiver forgets what it is not told again.
    pub(super) fn resend(&self, id: ReceiverId) -> Option<Resend> {
        self.outlets.get(usize::from(id.0)).and_then(|outlet| outlet.resend)
    }

    /// So many alerts one of its notifications carries.
    pub(super) fn carries(&self, id: ReceiverId) -> usize {
        self.outlets.get(usize::from(id.0)).map_or(group::SHOWN, |outlet| outlet.carries)
    }

    pub(super) fn receiver(&self, name: &str) -> Option<ReceiverId> {
        let at = self.outlets.iter().position(|outlet| outlet.name == name)?;
        u8::try_from(at).ok().map(ReceiverId)
    }

    /// Of a route that is no longer there: the defaults.
    pub(super) fn timing(&self, route: RouteId, receiver: ReceiverId) -> Timing {
        let mut timing = self.stages.routes.get(route).map_or_else(Timing::default, |route| route.timing);
        if let Some(resend) = self.resend(receiver) {
            timing.repeat = timing.repeat.min(resend.every);
        }
        timing
    }

    /// Puts a group into its receiver's queue, or takes it out.
    pub(super) fn schedule(&mut self, id: GroupId, due: Option<Moment>) {
        let Self { groups, outlets, .. } = self;
        if let Some(group) = groups.get_mut(&id)
            && let Some(outlet) = outlets.get_mut(usize::from(group.receiver.0))
        {
            outlet.schedule(id, group, due);
        }
    }

    /// The alert has nothing to do with the receiver any more.
    pub(super) fn leave(&mut self, key: KeyHash, receiver: ReceiverId) {
        let Some(active) = self.actives.get_mut(&key) else { return };
        let Some(id) = active.group(receiver) else { return };
        active.leave(receiver);
        active.waiting.remove(receiver);
        active.told.remove(receiver);
        self.touch(key);
        if let Some(group) = self.groups.get_mut(&id) {
            group.members.remove(&key);
            self.drop_if_empty(id);
        }
    }

    pub(super) fn drop_if_empty(&mut self, id: GroupId) {
        if self.groups.get(&id).is_some_and(Group::is_empty) {
            self.schedule(id, None);
            self.groups.remove(&id);
        }
    }

    pub(super) fn new_alert_id(&mut self) -> AlertId {
        let id = AlertId(self.next_alert);
        self.next_alert += 1;
        id
    }
}
