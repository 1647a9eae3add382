//! Starting from what is on disk.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::active::Active;
use super::arrival;
use super::config::Config;
use super::counters::{Counters, Tally};
use super::engine::Engine;
use super::error::InvalidConfig;
use super::groups::{Entry, Group, Outlet};
use super::receivers::{MOST, ReceiverId};
use crate::alert::{Alert, DedupKey, KeyHash};
use crate::outbox::{ActiveRow, AlertId, Closing, EntryId, EntryRow, EntryState, Flags, Loaded, Store, StoreError};
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
            ahead: 0,
            sweep_at: Moment(0),
            prune_at: Moment(0),
            dirty: Vec::new(),
            next_alert: 1,
            next_entry: 1,
            next_silence: 1,
            outbox: Vec::new(),
            draining: false,
            tally: Tally::default(),
            counters,
        })
    }

    /// Takes over what is on disk in place of what is in memory. `under_way` are with receivers now: their outcome is
    /// still to come.
    pub(super) fn recover(&mut self, loaded: Loaded, under_way: &HashSet<EntryId>, now: Now) -> Result<(), StoreError> {
        self.forget();
        self.stages.silences = Silences::new(loaded.silences, now);
        self.stages.silences.purge(now);
        self.ahead = now.ahead();
        (self.next_alert, self.next_entry) = (loaded.next_alert, loaded.next_entry);
        self.next_silence = loaded.next_silence;
        for row in &loaded.unreadable {
            self.close_unreadable(row, now.steady)?;
        }
        let mut keys = HashMap::with_capacity(loaded.active.len());
        let (mut dues, mut firsts) = (HashMap::new(), HashMap::new());
        for (row, alert) in &loaded.active {
            let key = KeyHash::of(alert);
            keys.insert(row.id, (key, row.next_entry));
            self.restore(key, row, alert);
            for flags in row.flags.iter().map(|(_, flags)| flags) {
                if let Some(due) = flags.due {
                    let first = dues.entry(flags.group).or_insert(due);
                    *first = due.min(*first);
                }
                if flags.first {
                    firsts.insert(flags.group, row.next_entry);
                }
            }
        }
        // Those that are with receivers come before others of their groups.
        let (first, then) = loaded.entries.iter().partition::<Vec<_>, _>(|row| under_way.contains(&row.id));
        for row in first.into_iter().chain(then) {
            self.restore_entry(row, &keys, under_way, now)?;
        }
        for (id, entry, at) in loaded.group_times {
            // It had gone, and what waits now began it anew.
            let anew = firsts.get(&id).is_some_and(|next| entry < *next);
            if let Some(group) = self.groups.get_mut(&id).filter(|_| !anew) {
                // What its alerts say may come from other receivers.
                group.last_sent = Some(at);
            }
        }
        let ids = self.groups.keys().copied().collect::<Vec<_>>();
        for id in ids {
            self.restore_times(id, dues.get(&id).copied(), now.steady);
        }
        Ok(())
    }

    /// Nobody can be told of it any more; if it still fires, whoever noticed says so again.
    fn close_unreadable(&mut self, row: &ActiveRow, now: Moment) -> Result<(), StoreError> {
        tracing::error!(alert = %row.id, "an alert cannot be read: it is closed");
        let (count, suppressed, last_seen) = (row.count, row.suppressed, row.last_seen);
        self.store.close_alert(row.id, &Closing { at: now, how: "unreadable", count, suppressed, last_seen })?;
        self.store.remove_active(row.id)
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
        self.tally = Tally::default();
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
    pub(super) fn route_of(&self, receiver: ReceiverId, alert: &Alert, id: GroupId) -> RouteId {
        let Some(name) = self.outlets.get(usize::from(receiver.0)).map(|outlet| &outlet.name) else { return GONE };
        let fits = |route: &RouteId| {
            let settings = self.stages.routes.get(*route);
            settings.is_some_and(|r| r.receivers.contains(name) && r.group_by.group(name, &r.path, alert) == id)
        };
        // It came by one that may not be for it any more: it is milder now.
        let all = (0..GONE.0).map(RouteId).take_while(|route| self.stages.routes.get(*route).is_some());
        self.stages.routes.of(alert).into_iter().find(fits).or_else(|| all.into_iter().find(fits)).unwrap_or(GONE)
    }

    fn restore_entry(
        &mut self,
        row: &EntryRow,
        keys: &HashMap<AlertId, (KeyHash, EntryId)>,
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
            // By number: many things happen within one millisecond.
            if keys.get(id).is_some_and(|(_, next)| *next <= row.id) {
                self.restore_sent(*key, row.created_at, receiver);
            }
        }
        let waits = self.groups.get(&row.group).is_some_and(|group| group.in_flight);
        self.restore_group(row.group, receiver, &firing, &resolved);
        if waits {
            self.bring_back_later(row.group, row.id);
        } else if let Some(outlet) = self.outlet(receiver) {
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
        let forgets = self.resend(receiver).is_some();
        if let Some(active) = self.actives.get_mut(&key) {
            active.waiting.remove(receiver);
            if !(forgets && active.told.has(receiver)) {
                active.notified_at = active.notified_at.max(Some(at));
            }
        }
    }

    /// The group waits for its notification, whatever else is known of it.
    pub(super) fn restore_group(
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

    /// The group goes on waiting for as long as it did; not longer than the settings of now would make any group wait.
    fn restore_times(&mut self, id: GroupId, was_due: Option<Moment>, now: Moment) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        // What was due before the last notification was stored by those who were left over then.
        let was_due = was_due.filter(|at| group.last_sent.is_none_or(|last| last < *at));
        if group.in_flight {
            if was_due.is_some() {
                group.rounds().urgent = was_due;
            }
        } else if group.has_news() {
            let (last_sent, route, receiver) = (group.last_sent, group.route, group.receiver);
            let timing = self.timing(route, receiver);
            let longest = now + timing.wait.max(timing.interval);
            let due = was_due.map_or_else(|| group::due(last_sent, timing, now), |due| due.min(longest));
            self.schedule(id, Some(due));
        } else {
            self.rest(id, now);
        }
    }
}
