//! From a group that has something to say to a notification on its way.

use std::collections::HashSet;
use std::mem;

use sre_core::Severity;

use super::active::Active;
use super::compose::{About, compose};
use super::engine::{Dispatch, Engine};
use super::groups::{Entry, Next};
use super::receivers::ReceiverId;
use crate::alert::KeyHash;
use crate::notify::Event;
use crate::outbox::{EntryId, EntryRow, EntryState, StoreError};
use crate::stage::group::{self, GroupId, SHOWN};
use crate::stage::moment::{Moment, Now};
use crate::stage::repeat;

/// One notification speaks of so many alerts at most, so that a storm is stored in short transactions.
const MOST: usize = 10_000;

/// What a group has to say.
#[derive(Debug, Default)]
struct News {
    firing: Vec<KeyHash>,
    resolved: Vec<KeyHash>,
}

impl Engine {
    /// Gives every receiver that is free what is due.
    pub(super) fn pump(&mut self, now: Now) -> Result<(), StoreError> {
        if self.draining {
            return Ok(());
        }
        for i in 0..self.outlets.len() {
            let receiver = ReceiverId(u8::try_from(i).unwrap_or(u8::MAX));
            while let Some(next) = self.next_for(receiver, now.steady) {
                match next {
                    Next::Retry(entry) => self.send_again(entry, now)?,
                    Next::Flush(group) => self.flush(group, now)?,
                }
            }
        }
        Ok(())
    }

    fn next_for(&mut self, receiver: ReceiverId, now: Moment) -> Option<Next> {
        let (most, concurrency) = (self.config.limits.retrying, self.config.delivery.concurrency);
        self.outlet(receiver).filter(|outlet| outlet.busy < concurrency)?.next(now, most)
    }

    /// Makes a notification of what a group has to say, or finds that it has nothing.
    fn flush(&mut self, id: GroupId, now: Now) -> Result<(), StoreError> {
        self.schedule(id, None);
        let mut news = self.news(id, now.steady);
        self.mute_late(&mut news.firing, now)?;
        if news.firing.is_empty() && news.resolved.is_empty() {
            self.rest(id, now.steady);
            return Ok(());
        }
        self.send_new(id, &news, now)
    }

    fn news(&mut self, id: GroupId, now: Moment) -> News {
        let Some(group) = self.groups.get_mut(&id) else { return News::default() };
        let (receiver, route, last_sent) = (group.receiver, group.route, group.last_sent);
        let mut waiting = mem::take(&mut group.waiting);
        let mut ended = mem::take(&mut group.ended);
        let timing = self.timing(route, receiver);
        let Some(group) = self.groups.get_mut(&id) else { return News::default() };
        let remind = last_sent.is_some_and(|last| now >= repeat::reminder(last, timing.repeat));
        if remind {
            waiting = group.members.iter().copied().collect();
        }
        let mut seen = HashSet::new();
        waiting.retain(|key| {
            let fires = |a: &Active| a.fires() && (a.waiting.has(receiver) || remind && a.told.has(receiver));
            self.actives.get(key).is_some_and(|a| fires(a)) && seen.insert(*key)
        });
        ended.retain(|key| {
            self.actives.get(key).is_some_and(|a| !a.fires() && a.told.has(receiver)) && seen.insert(*key)
        });
        let rest = waiting.split_off(waiting.len().min(MOST));
        group.waiting =
            rest.into_iter().filter(|k| self.actives.get(k).is_some_and(|a| a.waiting.has(receiver))).collect();
        group.ended = ended.split_off(ended.len().min(MOST));
        News { firing: waiting, resolved: ended }
    }

    /// A silence may have come, a window opened, another alert fired since it was decided.
    fn mute_late(&mut self, firing: &mut Vec<KeyHash>, now: Now) -> Result<(), StoreError> {
        if self.stages.mute_nothing() {
            return Ok(());
        }
        let mut kept = Vec::with_capacity(firing.len());
        for key in firing.drain(..) {
            let Some(id) = self.actives.get(&key).map(|active| active.id) else { continue };
            let Some(alert) = self.store.alert(id)? else { continue };
            match self.stages.mute(key, &alert, now, &mut ()) {
                None => kept.push(key),
                Some(mute) => self.take_back(key, mute.until(now)),
            }
        }
        *firing = kept;
        Ok(())
    }

    /// It was to be told and is not: it is looked at again. A reminder just does not happen.
    fn take_back(&mut self, key: KeyHash, until: Moment) {
        let Some(active) = self.actives.get_mut(&key) else { return };
        let groups = active.groups.clone();
        if active.waiting.is_empty() {
            return;
        }
        for (receiver, _) in groups {
            let Some(active) = self.actives.get_mut(&key) else { return };
            active.waiting.remove(receiver);
            if !active.told.has(receiver) && !active.sending.has(receiver) {
                self.leave(key, receiver);
            }
        }
        self.hold(key, until);
    }

    /// Nothing to say now: until the next news or reminder.
    pub(super) fn rest(&mut self, id: GroupId, now: Moment) {
        let Some(group) = self.groups.get(&id) else { return };
        let timing = self.timing(group.route, group.receiver);
        let due = if group.has_news() {
            Some(group::due(group.last_sent, timing, now))
        } else {
            // At least one interval from now: what it would have said may be muted.
            group
                .last_sent
                .map(|last| repeat::reminder(last, timing.repeat).max(now + group::LOOK_AGAIN.min(timing.repeat)))
        };
        self.schedule(id, due);
        self.drop_if_empty(id);
    }

    fn send_new(&mut self, id: GroupId, news: &News, now: Now) -> Result<(), StoreError> {
        let mut notification = compose(self.about(id, news)?);
        let Some(group) = self.groups.get_mut(&id) else { return Ok(()) };
        let receiver = group.receiver;
        if let Some(Some(templates)) = self.templates.get(usize::from(receiver.0)) {
            templates.apply(&mut notification);
        }
        group.in_flight = true;
        group.last_sent = Some(now.steady);
        let entry = Entry {
            receiver,
            group: id,
            attempts: 1,
            created_at: now.steady,
            firing: self.numbered(&news.firing),
            resolved: self.numbered(&news.resolved),
        };
        let entry_id = EntryId(self.next_entry);
        self.next_entry += 1;
        let row = EntryRow {
            id: entry_id,
            receiver: self.outlets.get(usize::from(receiver.0)).map(|o| o.name.clone()).unwrap_or_default(),
            group: id,
            state: EntryState::Sending,
            attempts: 1,
            created_at: now.steady,
            next_at: now.steady,
            firing: entry.firing.iter().map(|(_, id)| *id).collect(),
            resolved: entry.resolved.iter().map(|(_, id)| *id).collect(),
        };
        self.store.insert_entry(&row, &notification)?;
        self.entries.insert(entry_id, entry);
        // Their rows are not written now: that there is an entry says it all, see `recover`.
        for key in &news.firing {
            if let Some(active) = self.actives.get_mut(key) {
                active.waiting.remove(receiver);
                active.sending.insert(receiver);
                active.notified_at = Some(now.steady);
            }
        }
        for key in &news.resolved {
            if let Some(active) = self.actives.get_mut(key) {
                active.sending.insert(receiver);
            }
        }
        self.hand_over(Dispatch { entry: entry_id, receiver, notification });
        Ok(())
    }

    fn numbered(&self, keys: &[KeyHash]) -> Vec<(KeyHash, crate::outbox::AlertId)> {
        keys.iter().filter_map(|key| Some((*key, self.actives.get(key)?.id))).collect()
    }

    fn hand_over(&mut self, dispatch: Dispatch) {
        if let Some(outlet) = self.outlet(dispatch.receiver) {
            outlet.busy += 1;
        }
        self.outbox.push(dispatch);
    }

    fn about(&mut self, id: GroupId, news: &News) -> Result<About<'_>, StoreError> {
        let mut shown = Vec::new();
        for key in news.firing.iter().chain(&news.resolved).take(SHOWN) {
            if let Some(active) = self.actives.get(key)
                && let Some(alert) = self.store.alert(active.id)?
            {
                shown.push(alert);
            }
        }
        let worst = |keys: &[KeyHash]| keys.iter().filter_map(|key| Some(self.actives.get(key)?.severity)).max();
        let severity = worst(&news.firing).or_else(|| worst(&news.resolved)).unwrap_or(Severity::Info);
        let missing = || StoreError::missing("find a group");
        let group = self.groups.get(&id).ok_or_else(missing)?;
        let fires = |key: &KeyHash| self.actives.get(key).is_some_and(|a| a.fires() && a.told.has(group.receiver));
        let over = news.firing.is_empty() && !group.members.iter().any(fires);
        Ok(About {
            key: &group.key,
            title: &group.title,
            event: if over { Event::Resolved } else { Event::Firing },
            severity,
            firing: news.firing.len(),
            resolved: news.resolved.len(),
            shown,
        })
    }

    fn send_again(&mut self, id: EntryId, now: Now) -> Result<(), StoreError> {
        let Some(entry) = self.entries.get_mut(&id) else { return Ok(()) };
        let receiver = entry.receiver;
        entry.attempts = entry.attempts.saturating_add(1);
        let attempts = entry.attempts;
        if let Some(outlet) = self.outlet(receiver) {
            outlet.retry.pop_first();
        }
        let Some((_, notification)) = self.store.entry(id)? else {
            self.finish(id, false, now);
            return Ok(());
        };
        self.step(id, EntryState::Sending, attempts, now.steady, now.steady, None)?;
        self.hand_over(Dispatch { entry: id, receiver, notification });
        Ok(())
    }
}
