//! A notification comes back from the dead letters.
//!
//! It is sent as it was, and what follows from that is as for any other: who hears that an alert fires hears its end
//! too. What the receiver knows better meanwhile is left as it is.

use super::active::Active;
use super::arrival;
use super::engine::Engine;
use super::groups::Entry;
use super::receivers::ReceiverId;
use crate::alert::{Alert, KeyHash};
use crate::outbox::{AlertId, EntryId, EntryRow, EntryState, StoreError};
use crate::stage::group::GroupId;
use crate::stage::moment::{Moment, Now};

impl Engine {
    /// Brings a notification back from the dead letters; `None` when it is not there.
    pub(super) fn revive(&mut self, id: EntryId, now: Now) -> Result<Option<()>, StoreError> {
        let Some((row, _)) = self.store.entry(id)?.filter(|(row, _)| row.state == EntryState::Dead) else {
            return Ok(None);
        };
        let Some(receiver) = self.receiver(&row.receiver) else { return Ok(None) };
        self.step(id, EntryState::Pending, 0, now.steady, now.steady, None)?;
        let firing = self.untold(&row, receiver, now.steady)?;
        let resolved = self.believed(&row, receiver)?;
        let waits = self.groups.get(&row.group).is_some_and(|group| group.in_flight);
        self.schedule(row.group, None);
        self.restore_group(row.group, receiver, &firing, &resolved);
        let (group, created_at) = (row.group, now.steady);
        self.entries.insert(id, Entry { receiver, group, attempts: 0, created_at, firing, resolved });
        if waits {
            self.bring_back_later(group, id);
        } else if let Some(outlet) = self.outlet(receiver) {
            outlet.retry.insert((now.steady, id));
        }
        Ok(Some(()))
    }

    /// Of the alerts that it says fire, those that the receiver knows nothing of.
    fn untold(
        &mut self,
        row: &EntryRow,
        receiver: ReceiverId,
        now: Moment,
    ) -> Result<Vec<(KeyHash, AlertId)>, StoreError> {
        let mut untold = Vec::new();
        for id in &row.firing {
            let Some(alert) = self.store.alert(*id)? else { continue };
            let key = KeyHash::of(&alert);
            let id = match self.actives.get(&key) {
                Some(active) if active.concerns(receiver) || active.group(receiver).is_some() => continue,
                Some(active) => active.id,
                None if alert.is_resolved() => self.bring_back_alert(key, *id, &alert, now),
                // Nobody knows whether it is over.
                None => continue,
            };
            let route = self.route_of(receiver, &alert, row.group);
            self.group_of(row.group, route, receiver, &alert);
            untold.push((key, id));
            self.touch(key);
        }
        Ok(untold)
    }

    /// It is over and forgotten; its end is told after the notification.
    fn bring_back_alert(&mut self, key: KeyHash, id: AlertId, alert: &Alert, now: Moment) -> AlertId {
        let mut active = Active::new(id, alert.severity, arrival::content(alert), now);
        active.resolved_at = Some(now);
        self.actives.insert(key, Box::new(active));
        id
    }

    /// Of the alerts that it says are over, those that fire and that the receiver will believe to be over.
    fn believed(&mut self, row: &EntryRow, receiver: ReceiverId) -> Result<Vec<(KeyHash, AlertId)>, StoreError> {
        let mut believed = Vec::new();
        for id in &row.resolved {
            let Some(alert) = self.store.alert(*id)? else { continue };
            let key = KeyHash::of(&alert);
            let active =
                self.actives.get(&key).filter(|a| a.fires() && a.told.has(receiver) && !a.sending.has(receiver));
            let active = active.filter(|active| active.group(receiver) == Some(row.group));
            believed.extend(active.map(|active| (key, active.id)));
        }
        Ok(believed)
    }

    /// After the one of its group that is on its way.
    pub(super) fn bring_back_later(&mut self, group: GroupId, id: EntryId) {
        if let Some(group) = self.groups.get_mut(&group) {
            group.rounds().next.push(id);
        }
    }

    /// Sends the next of the group that was brought back; false when there is none.
    pub(super) fn next_brought_back(&mut self, id: GroupId, now: Moment) -> bool {
        let Some(group) = self.groups.get_mut(&id) else { return false };
        let receiver = group.receiver;
        let next = group.rounds.as_mut().and_then(|rounds| (!rounds.next.is_empty()).then(|| rounds.next.remove(0)));
        let Some(next) = next else { return false };
        if let Some(outlet) = self.outlet(receiver) {
            outlet.retry.insert((now, next));
        }
        true
    }
}
