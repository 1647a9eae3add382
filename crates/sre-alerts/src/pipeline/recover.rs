//! Starting from what is on disk.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::active::Active;
use super::arrival;
use super::config::Config;
use super::counters::Counters;
use super::engine::Engine;
use super::error::InvalidConfig;
use super::groups::{Entry, Group, Outlet};
use super::receivers::{MOST, ReceiverId};
use crate::alert::{Alert, DedupKey, KeyHash};
use crate::outbox::{ActiveRow, AlertId, EntryId, EntryRow, EntryState, Flags, Loaded, Store, StoreError};
use crate::stage::group::{self, GroupId};
use crate::stage::moment::{Moment, Now};
use crate::stage::route::RouteId;
use crate::stage::silence::Silences;

/// A route that is not in the settings any more.
pub(super) const GONE: RouteId = RouteId(u16::MAX);

impl Engine {
    /// An engine without any state; [`recover`](Self::recover) gives it one.
    pub(super) fn new(
        store: Box<dyn Store>,
        config: Config,
        outlets: Vec<Outlet>,
        counters: Arc<Counters>,
    ) -> Result<Self, InvalidConfig> {
        if outlets.len() > MOST {
            return Err(InvalidConfig::new("receivers", format!("are more than {MOST}")));
        }
        if let Some(odd) = outlets.iter().find(|o| o.name.is_empty() || o.name.contains([' ', ':'])) {
            return Err(InvalidConfig::new("receivers", format!("`{}` is no name: no space, no colon", odd.name)));
        }
        let names = outlets.iter().map(|outlet| outlet.name.clone()).collect::<Vec<_>>();
        Ok(Self {
            store,
            stages: config.stages(&names)?,
            templates: config.templates(&names)?,
            retry: config.delivery.retry()?,
            config,
            outlets,
            actives: foldhash::HashMap::default(),
            groups: foldhash::HashMap::default(),
            entries: foldhash::HashMap::default(),
            held: BTreeSet::new(),
            recheck_at: None,
            sweep_at: Moment(0),
            prune_at: Moment(0),
            dirty: Vec::new(),
            next_alert: 1,
            next_entry: 1,
            next_silence: 1,
            outbox: Vec::new(),
            draining: false,
            counters,
        })
    }

    /// Takes over what is on disk in place of what is in memory. `under_way` are with receivers now: their outcome is
    /// still to come.
    pub(super) fn recover(&mut self, loaded: Loaded, under_way: &HashSet<EntryId>, now: Now) -> Result<(), StoreError> {
        self.forget();
        self.stages.silences = Silences::new(loaded.silences);
        self.stages.silences.purge(now.wall);
        (self.next_alert, self.next_entry) = (loaded.next_alert, loaded.next_entry);
        self.next_silence = loaded.next_silence;
        let mut keys = HashMap::with_capacity(loaded.active.len());
        for (row, alert) in &loaded.active {
            let key = KeyHash::of(alert);
            keys.insert(row.id, (key, row.notified_at));
            self.restore(key, row, alert);
        }
        for row in &loaded.entries {
            self.restore_entry(row, &keys, under_way, now)?;
        }
        for (id, at) in loaded.group_times {
            if let Some(group) = self.groups.get_mut(&id) {
                group.last_sent = group.last_sent.max(Some(at));
            }
        }
        let ids = self.groups.keys().copied().collect::<Vec<_>>();
        for id in ids {
            self.restore_times(id, now.steady);
        }
        Ok(())
    }

    fn forget(&mut self) {
        for outlet in &mut self.outlets {
            (outlet.busy, outlet.due, outlet.retry) = (0, BTreeSet::new(), BTreeSet::new());
        }
        let sources = self.actives.keys().copied().collect::<Vec<_>>();
        for key in sources {
            self.stages.inhibitor.ends(key);
        }
        self.actives.clear();
        self.groups.clear();
        self.entries.clear();
        self.held.clear();
        self.dirty.clear();
        self.outbox.clear();
        self.recheck_at = None;
    }

    fn restore(&mut self, key: KeyHash, row: &ActiveRow, alert: &Alert) {
        let mut active = Active::new(row.id, alert.severity, arrival::content(alert), row.last_seen);
        (active.count, active.suppressed) = (row.count, row.suppressed);
        (active.notified_at, active.resolved_at) = (row.notified_at, row.resolved_at);
        active.severity = row.severity;
        if active.fires() {
            self.stages.inhibitor.fires(key, alert);
        }
        self.actives.insert(key, Box::new(active));
        // At once: whatever held it may be over, or not in the settings any more.
        let mut decide_anew = row.held;
        for (name, flags) in &row.flags {
            if let Some(receiver) = self.receiver(name) {
                self.restore_member(key, alert, receiver, *flags);
            } else {
                // It is not in the settings any more: whom it waited for, is decided anew.
                decide_anew |= flags.waiting;
            }
        }
        if decide_anew {
            self.hold(key, Moment(0));
        }
    }

    fn restore_member(&mut self, key: KeyHash, alert: &Alert, receiver: ReceiverId, flags: Flags) {
        let route = self.route_of(receiver, alert, flags.group);
        self.group_of(flags.group, route, receiver, alert);
        let (Some(group), Some(active)) = (self.groups.get_mut(&flags.group), self.actives.get_mut(&key)) else {
            return;
        };
        group.members.insert(key);
        active.join(receiver, flags.group);
        if flags.waiting {
            active.waiting.insert(receiver);
            group.waiting.push(key);
        }
        if flags.told {
            active.told.insert(receiver);
            group.last_sent = group.last_sent.max(active.notified_at);
            if !active.fires() {
                group.ended.push(key);
            }
        }
    }

    /// The route by which the alert is in that group.
    fn route_of(&self, receiver: ReceiverId, alert: &Alert, id: GroupId) -> RouteId {
        let Some(name) = self.outlets.get(usize::from(receiver.0)).map(|outlet| &outlet.name) else { return GONE };
        let routes = self.stages.routes.of(alert);
        let fits = |route: &&RouteId| {
            let settings = self.stages.routes.get(**route);
            settings.is_some_and(|r| r.receivers.contains(name) && r.group_by.group(name, &r.path, alert) == id)
        };
        routes.iter().find(fits).copied().unwrap_or(GONE)
    }

    fn restore_entry(
        &mut self,
        row: &EntryRow,
        keys: &HashMap<AlertId, (KeyHash, Option<Moment>)>,
        under_way: &HashSet<EntryId>,
        now: Now,
    ) -> Result<(), StoreError> {
        let Some(receiver) = self.receiver(&row.receiver) else {
            let error = "the receiver is not in the settings any more";
            return self.step(row.id, EntryState::Dead, row.attempts, now.steady, now.steady, Some(error));
        };
        let numbered = |ids: &[AlertId]| ids.iter().filter_map(|id| Some((keys.get(id)?.0, *id))).collect::<Vec<_>>();
        let (firing, resolved) = (numbered(&row.firing), numbered(&row.resolved));
        for (key, id) in &firing {
            if keys.get(id).is_some_and(|(_, notified)| *notified < Some(row.created_at)) {
                self.restore_sent(*key, row.created_at, receiver);
            }
        }
        self.restore_group(row.group, receiver, &firing, &resolved);
        if let Some(outlet) = self.outlet(receiver) {
            if under_way.contains(&row.id) {
                outlet.busy += 1;
            } else {
                let at = if row.state == EntryState::Retry { row.next_at } else { now.steady };
                outlet.retry.insert((at, row.id));
            }
        }
        let (attempts, created_at) = (row.attempts, row.created_at);
        let entry = Entry { receiver, group: row.group, attempts, created_at, firing, resolved };
        self.entries.insert(row.id, entry);
        Ok(())
    }

    /// An alert's row that is older than the notification still says that it waits for it.
    fn restore_sent(&mut self, key: KeyHash, at: Moment, receiver: ReceiverId) {
        if let Some(active) = self.actives.get_mut(&key) {
            active.waiting.remove(receiver);
            active.notified_at = active.notified_at.max(Some(at));
        }
    }

    /// The group waits for its notification, whatever else is known of it.
    fn restore_group(
        &mut self,
        id: GroupId,
        receiver: ReceiverId,
        firing: &[(KeyHash, AlertId)],
        resolved: &[(KeyHash, AlertId)],
    ) {
        let unnamed = || Group::new(receiver, GONE, DedupKey::new(format!("group-{:016x}", id.0)), String::new());
        let group = self.groups.entry(id).or_insert_with(unnamed);
        group.in_flight = true;
        for (key, _) in firing.iter().chain(resolved) {
            if let Some(active) = self.actives.get_mut(key) {
                active.sending.insert(receiver);
                active.join(receiver, id);
                group.members.insert(*key);
                group.last_sent = group.last_sent.max(active.notified_at);
            }
        }
        for (key, _) in firing {
            if self.actives.get(key).is_some_and(|active| !active.fires()) {
                group.ended.push(*key);
            }
        }
    }

    fn restore_times(&mut self, id: GroupId, now: Moment) {
        let Some(group) = self.groups.get(&id).filter(|group| !group.in_flight) else { return };
        if group.has_news() {
            let due = group::due(group.last_sent, self.timing(group.route, group.receiver), now);
            self.schedule(id, Some(due));
        } else {
            self.rest(id, now);
        }
    }
}
