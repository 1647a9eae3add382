//! From a group that has something to say to a notification on its way.

use std::collections::HashSet;

use sre_core::Severity;

use super::active::Active;
use super::compose::{About, compose};
use super::engine::{Dispatch, Engine};
use super::groups::{Entry, Group, Next};
use super::receivers::ReceiverId;
use super::rounds::take;
use crate::alert::KeyHash;
use crate::notify::Event;
use crate::outbox::{AlertId, EntryId, EntryRow, EntryState, StoreError};
use crate::stage::group::{self, GroupId};
use crate::stage::moment::{Moment, Now};
use crate::stage::repeat;

/// One notification speaks of so many alerts at most, so that a storm is stored in short transactions.
const MOST: usize = 10_000;

/// What a group has to say.
#[derive(Debug, Default)]
struct News {
    firing: Vec<KeyHash>,
    resolved: Vec<KeyHash>,
    /// The receiver was told that they are over, and is told again.
    over: Vec<(KeyHash, AlertId)>,
    /// Some of it the receiver did not know.
    fresh: bool,
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
        self.mute_late(&mut news.firing, id, now)?;
        if news.firing.is_empty() && news.resolved.is_empty() && news.over.is_empty() {
            self.rest(id, now.steady);
            return Ok(());
        }
        self.send_new(id, &news, now)
    }

    fn news(&mut self, id: GroupId, now: Moment) -> News {
        let Some(group) = self.groups.get(&id) else { return News::default() };
        let (receiver, timing) = (group.receiver, self.timing(group.route, group.receiver));
        let resend = self.resend(receiver);
        let remind = match self.last_round(group) {
            None => resend.is_some(),
            Some(last) => now >= repeat::reminder(last, timing.repeat),
        };
        let round = if remind { self.who_is_known(group) } else { Vec::new() };
        let most = if resend.is_some() { self.carries(receiver) } else { MOST };
        let actives = &self.actives;
        let Some(group) = self.groups.get_mut(&id) else { return News::default() };
        if remind {
            group.rounds().at = Some(now);
            group.rounds().left = round;
        }
        let mut seen = HashSet::new();
        let is = |key: KeyHash, fits: &dyn Fn(&Active) -> bool| actives.get(&key).is_some_and(|active| fits(active));
        let waits = |a: &Active| a.fires() && a.waiting.has(receiver);
        let knows = |a: &Active| a.fires() && !a.waiting.has(receiver) && a.told.has(receiver);
        let over = |a: &Active| !a.fires() && a.told.has(receiver);
        let mut firing = take(&mut group.waiting, most, |key| is(key, &waits) && seen.insert(key));
        let resolved = take(&mut group.ended, most - firing.len(), |key| is(key, &over) && seen.insert(key));
        let mut news = News { fresh: firing.len() + resolved.len() > 0, ..News::default() };
        let mut more = !group.waiting.is_empty() || !group.ended.is_empty();
        if let Some(rounds) = &mut group.rounds {
            rounds.urgent = None;
            let room = most - firing.len() - resolved.len();
            firing.extend(take(&mut rounds.left, room, |key| is(key, &knows) && seen.insert(key)));
            if let Some(resend) = resend {
                let room = most - firing.len() - resolved.len();
                let still = |key| !is(key, &|a| a.concerns(receiver));
                news.over = rounds.take_over(room, resend.every, now, still);
            }
            more |= !rounds.left.is_empty();
        }
        match resend {
            Some(_) => group.rounds().more = more,
            None if group.rounds.as_ref().is_some_and(|r| r.left.is_empty() && r.next.is_empty()) => {
                group.rounds = None
            }
            None => {}
        }
        (news.firing, news.resolved) = (firing, resolved);
        news
    }

    /// Those that the receiver was told of, the oldest first.
    fn who_is_known(&self, group: &Group) -> Vec<KeyHash> {
        let told = |key: &&KeyHash| self.actives.get(*key).is_some_and(|active| active.told.has(group.receiver));
        let mut keys = group.members.iter().filter(told).copied().collect::<Vec<_>>();
        keys.sort_by_cached_key(|key| self.actives.get(key).map(|active| active.id));
        keys
    }

    /// When all of a group were last spoken of.
    fn last_round(&self, group: &Group) -> Option<Moment> {
        match self.resend(group.receiver) {
            Some(_) => group.rounds.as_ref().and_then(|rounds| rounds.at),
            None => group.last_sent,
        }
    }

    /// A silence may have come, a window opened, another alert fired since it was decided.
    fn mute_late(&mut self, firing: &mut Vec<KeyHash>, id: GroupId, now: Now) -> Result<(), StoreError> {
        if self.stages.mute_nothing() {
            return Ok(());
        }
        let Some(receiver) = self.groups.get(&id).map(|group| group.receiver) else { return Ok(()) };
        let forgets = self.resend(receiver).is_some();
        let mut kept = Vec::with_capacity(firing.len());
        for key in firing.drain(..) {
            let Some(active) = self.actives.get(&key) else { continue };
            if forgets && active.told.has(receiver) && !active.waiting.has(receiver) {
                kept.push(key);
                continue;
            }
            let Some(alert) = self.store.alert(active.id)? else { continue };
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
        let rounds = group.rounds.as_deref();
        let due = if rounds.is_some_and(|rounds| rounds.more) {
            Some(now)
        } else if group.has_news() {
            let due = group::due(group.last_sent, timing, now);
            Some(group.urgent().map_or(due, |urgent| urgent.min(due)))
        } else {
            // At least one interval from now: what it would have said may be muted.
            let reminder = |last| repeat::reminder(last, timing.repeat).max(now + group::LOOK_AGAIN.min(timing.repeat));
            match self.last_round(group) {
                None if self.resend(group.receiver).is_some() => Some(now),
                last => last.map(reminder),
            }
        };
        let over = rounds.and_then(|rounds| rounds.next_over());
        self.schedule(id, due.into_iter().chain(over).min());
        self.drop_if_empty(id);
    }

    fn send_new(&mut self, id: GroupId, news: &News, now: Now) -> Result<(), StoreError> {
        let mut notification = compose(self.about(id, news)?);
        let Some(receiver) = self.groups.get(&id).map(|group| group.receiver) else { return Ok(()) };
        let forgets = self.resend(receiver).is_some();
        if let Some(Some(templates)) = self.templates.get(usize::from(receiver.0)) {
            templates.apply(&mut notification);
        }
        let Some(group) = self.groups.get_mut(&id) else { return Ok(()) };
        group.in_flight = true;
        if news.fresh || !forgets {
            group.last_sent = Some(now.steady);
        }
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
            resolved: entry.resolved.iter().chain(&news.over).map(|(_, id)| *id).collect(),
        };
        self.store.insert_entry(&row, &notification)?;
        self.entries.insert(entry_id, entry);
        // Their rows are not written now: that there is an entry says it all, see `recover`.
        for key in &news.firing {
            if let Some(active) = self.actives.get_mut(key) {
                // What is only said again to a receiver that forgets is nothing that people were told.
                if active.waiting.has(receiver) || !forgets {
                    active.notified_at = Some(now.steady);
                }
                active.waiting.remove(receiver);
                active.sending.insert(receiver);
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

    fn numbered(&self, keys: &[KeyHash]) -> Vec<(KeyHash, AlertId)> {
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
        let carries = self.groups.get(&id).map_or(group::SHOWN, |group| self.carries(group.receiver));
        let known = self.numbered(&news.firing).into_iter().chain(self.numbered(&news.resolved));
        let ids = known.chain(news.over.iter().copied()).map(|(_, id)| id).take(carries).collect::<Vec<_>>();
        for id in ids {
            shown.extend(self.store.alert(id)?);
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
            resolved: news.resolved.len() + news.over.len(),
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
        let Some((_, Some(notification))) = self.store.entry(id)? else {
            self.tally.dead += 1;
            self.step(id, EntryState::Dead, attempts, now.steady, now.steady, Some("it cannot be read"))?;
            self.finish(id, false, now);
            return Ok(());
        };
        self.step(id, EntryState::Sending, attempts, now.steady, now.steady, None)?;
        self.hand_over(Dispatch { entry: id, receiver, notification });
        Ok(())
    }
}
