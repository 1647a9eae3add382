//! Taking an alert in: is it known, what is decided about it, who has to hear of it.

use super::active::Active;
use super::arrival::{Arrival, json};
use super::engine::Engine;
use super::groups::Group;
use super::receivers::ReceiverId;
use super::recover::GONE;
use crate::alert::{Alert, KeyHash};
use crate::outbox::{AlertId, NewAlert, StoreError};
use crate::stage::decide::Decision;
use crate::stage::explain::Verdict;
use crate::stage::group::{self, GroupId};
use crate::stage::moment::{Moment, Now};
use crate::stage::repeat::{self, Ending};
use crate::stage::route::RouteId;

/// Why an alert is decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It was heard.
    Heard,
    /// It was heard, and is worse than before.
    Worse,
    /// It was over, not everybody has been told, and it is back.
    Back,
    /// It was held and is looked at again.
    Held,
}

impl Engine {
    /// Takes one alert in.
    pub(super) fn arrive(&mut self, arrival: &Arrival, now: Now) -> Result<(), StoreError> {
        self.tally.accepted += 1;
        if arrival.alert.is_resolved() { self.end(arrival, now) } else { self.fire(arrival, now) }
    }

    fn fire(&mut self, arrival: &Arrival, now: Now) -> Result<(), StoreError> {
        let Arrival { alert, key, content, .. } = arrival;
        let (key, content) = (*key, *content);
        let before = self.actives.get(&key);
        let known = before.map(|active| active.known());
        let cause = match (known, before) {
            (Some(known), _) if known.firing && alert.severity > known.severity => Cause::Worse,
            (_, Some(before)) if before.is_open() && !before.fires() => Cause::Back,
            _ => Cause::Heard,
        };
        let news = before.is_none_or(|active| active.content != content || !active.fires());
        if news {
            self.stages.inhibitor.fires(key, alert);
        }
        let decision = self.stages.decide(key, alert, known.as_ref(), now, &mut ());
        if news {
            let verdict = self.stages.verdict(&decision);
            self.store_news(arrival, &verdict, now.steady)?;
        } else if let Some(active) = self.actives.get_mut(&key) {
            active.count = active.count.saturating_add(1);
            active.last_seen = now.steady;
        }
        self.touch(key);
        self.count(&decision);
        if is_repeat(&decision)
            && let Some(active) = self.actives.get_mut(&key)
        {
            active.suppressed = active.suppressed.saturating_add(1);
        }
        self.apply(key, alert, &decision, cause, now);
        Ok(())
    }

    /// An alert that is new, back, or says something else than before.
    fn store_news(&mut self, arrival: &Arrival, verdict: &Verdict, now: Moment) -> Result<(), StoreError> {
        let Arrival { alert, key, content, body } = arrival;
        let (key, content, verdict) = (*key, *content, verdict.to_string());
        match self.actives.get_mut(&key).filter(|active| active.is_open()) {
            Some(active) => {
                active.count = active.count.saturating_add(1);
                active.last_seen = now;
                active.content = content;
                if active.resolved_at.take().is_some() {
                    self.store.reopen_alert(active.id)?;
                }
                let id = active.id;
                let mut alert = alert.clone();
                if let Some(stored) = self.store.alert(id)? {
                    alert.starts_at = alert.starts_at.min(stored.starts_at);
                }
                self.write(id, &alert, &verdict)
            }
            None => {
                let id = self.new_alert_id();
                let mut active = Active::new(id, alert.severity, content, now);
                if let Some(before) = self.actives.get(&key) {
                    active.notified_at = before.notified_at;
                    self.store.remove_active(before.id)?;
                }
                self.actives.insert(key, Box::new(active));
                self.store.insert_alert(id, now, &NewAlert { alert, body, verdict: &verdict })
            }
        }
    }

    fn write(&mut self, id: AlertId, alert: &Alert, verdict: &str) -> Result<(), StoreError> {
        let body = json(alert);
        self.store.update_alert(id, &NewAlert { alert, body: &body, verdict })
    }

    fn count(&mut self, decision: &Decision) {
        match decision {
            Decision::Merged | Decision::Suppressed { .. } | Decision::Held { .. } => self.tally.suppressed += 1,
            Decision::Muted { .. } => self.tally.muted += 1,
            Decision::Notify(_) | Decision::Record => {}
        }
    }

    /// Does what was decided.
    pub(super) fn apply(&mut self, key: KeyHash, alert: &Alert, decision: &Decision, cause: Cause, now: Now) {
        match decision {
            Decision::Notify(routes) => {
                self.release(key);
                if let Some(active) = self.actives.get_mut(&key) {
                    active.severity = active.severity.max(alert.severity);
                }
                let receivers = self.stages.receivers(routes).into_iter();
                let receivers = receivers.map(|(name, route)| (self.receiver(name), route)).collect::<Vec<_>>();
                for (receiver, route) in receivers {
                    if let Some(receiver) = receiver {
                        self.enlist(key, alert, receiver, route, cause == Cause::Worse, now.steady);
                    }
                }
            }
            Decision::Muted { mute, pending } if *pending || matches!(cause, Cause::Back | Cause::Held) => {
                self.hold(key, mute.until(now));
            }
            Decision::Held { until } => self.hold(key, *until),
            // Somebody has not been told yet, or was told that it is over.
            Decision::Suppressed { until } if matches!(cause, Cause::Back | Cause::Held) => self.hold(key, *until),
            Decision::Suppressed { .. } | Decision::Muted { .. } | Decision::Merged | Decision::Record => {}
        }
    }

    /// Adds the alert to what the receiver will be told next.
    fn enlist(&mut self, key: KeyHash, alert: &Alert, to: ReceiverId, route: RouteId, urgent: bool, now: Moment) {
        let Some(settings) = self.stages.routes.get(route) else { return };
        let Some(name) = self.outlets.get(usize::from(to.0)).map(|outlet| outlet.name.as_str()) else { return };
        let wanted = settings.group_by.group(name, &settings.path, alert);
        let Some(active) = self.actives.get(&key) else { return };
        // Who was told in one group hears the end there too.
        let id = match active.group(to) {
            Some(old) if old == wanted || active.told.has(to) || active.sending.has(to) => old,
            Some(_) => {
                self.leave(key, to);
                wanted
            }
            None => wanted,
        };
        self.group_of(id, route, to, alert);
        let timing = self.timing(route, to);
        let (Some(group), Some(active)) = (self.groups.get_mut(&id), self.actives.get_mut(&key)) else { return };
        group.members.insert(key);
        active.join(to, id);
        if !active.waiting.has(to) {
            active.waiting.insert(to);
            group.waiting.push(key);
        }
        if !group.in_flight {
            let due = group::due(group.last_sent, timing, now);
            let due = if urgent { due.min(now + timing.wait) } else { due };
            let due = group.due.map_or(due, |before| before.min(due));
            self.schedule(id, Some(due));
        } else if urgent {
            let rounds = group.rounds();
            rounds.urgent = Some(rounds.urgent.map_or(now + timing.wait, |before| before.min(now + timing.wait)));
        }
        self.touch(key);
    }

    /// Makes the group where there is none.
    pub(super) fn group_of(&mut self, id: GroupId, route: RouteId, receiver: ReceiverId, alert: &Alert) {
        // After a restart there may be one that knows only its number.
        if self.groups.get(&id).is_some_and(|group| group.route != GONE || route == GONE) {
            return;
        }
        let by = self.stages.routes.get(route).map_or(group::GroupBy::Each, |route| route.group_by.clone());
        let (key, title) = (by.key(id, alert), by.title(alert));
        let group = self.groups.entry(id).or_insert_with(|| Group::new(receiver, route, key.clone(), title.clone()));
        (group.route, group.key, group.title) = (route, key, title);
    }

    /// An alert that is over.
    fn end(&mut self, arrival: &Arrival, now: Now) -> Result<(), StoreError> {
        let (key, alert) = (arrival.key, &arrival.alert);
        let Some(active) = self.actives.get(&key) else { return self.record_end(arrival, now) };
        if !active.fires() {
            self.tally.suppressed += 1;
            return Ok(());
        }
        let (id, receivers) = (active.id, self.told(active));
        let at = alert.resolved_at.unwrap_or(now.wall);
        let mut stored = self.store.alert(id)?.unwrap_or_else(|| alert.clone());
        stored.resolved_at = Some(at.max(stored.starts_at));
        self.write(id, &stored, &Verdict::Resolved { receivers }.to_string())?;
        self.close(key, "resolved", now)
    }

    /// It fires no more: who was told hears it, who waits to be told does not.
    pub(super) fn close(&mut self, key: KeyHash, how: &'static str, now: Now) -> Result<(), StoreError> {
        self.release(key);
        let Some(active) = self.actives.get_mut(&key) else { return Ok(()) };
        active.resolved_at = Some(now.steady);
        let closing = active.closing(now.steady, how);
        self.store.close_alert(active.id, &closing)?;
        for (receiver, group) in active.groups.clone() {
            self.announce_end(key, receiver, group, now.steady);
        }
        if self.stages.inhibitor.ends(key) {
            self.look_again_soon(now);
        }
        self.touch(key);
        Ok(())
    }

    fn announce_end(&mut self, key: KeyHash, receiver: ReceiverId, id: GroupId, now: Moment) {
        let Some(active) = self.actives.get_mut(&key) else { return };
        active.waiting.remove(receiver);
        match repeat::ending(active.told.has(receiver), active.sending.has(receiver)) {
            Ending::Forget => self.leave(key, receiver),
            Ending::Tell => {
                let Some(group) = self.groups.get_mut(&id) else { return };
                group.ended.push(key);
                if !group.in_flight {
                    let (route, last_sent, before) = (group.route, group.last_sent, group.due);
                    let due = group::due(last_sent, self.timing(route, receiver), now);
                    self.schedule(id, Some(before.map_or(due, |before| before.min(due))));
                }
            }
        }
    }

    /// The end of something that never began here; only for the history.
    fn record_end(&mut self, arrival: &Arrival, now: Now) -> Result<(), StoreError> {
        let id = self.new_alert_id();
        let Arrival { alert, content, body, .. } = arrival;
        let verdict = Verdict::NotFiring.to_string();
        self.store.insert_alert(id, now.steady, &NewAlert { alert, body, verdict: &verdict })?;
        let closing = Active::new(id, alert.severity, *content, now.steady).closing(now.steady, "resolved");
        self.store.close_alert(id, &closing)
    }
}

fn is_repeat(decision: &Decision) -> bool {
    matches!(decision, Decision::Merged | Decision::Suppressed { .. })
}
