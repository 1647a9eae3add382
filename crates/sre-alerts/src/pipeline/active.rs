//! What is kept in memory of each alert that fires, or is over and not told to be. About 150 bytes; the text is on disk.

use smallvec::SmallVec;
use sre_core::Severity;

use super::receivers::{ReceiverId, Receivers};
use crate::outbox::{ActiveRow, AlertId, Closing, EntryId, Flags};
use crate::stage::group::GroupId;
use crate::stage::moment::Moment;
use crate::stage::suppress::Known;

/// One time that a problem fires.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub(super) id: AlertId,
    pub(super) count: u32,
    pub(super) suppressed: u32,
    pub(super) last_seen: Moment,
    pub(super) notified_at: Option<Moment>,
    pub(super) resolved_at: Option<Moment>,
    pub(super) held_until: Option<Moment>,
    /// The highest severity that it was routed with.
    pub(super) severity: Severity,
    /// To see whether its text has changed.
    pub(super) content: u64,
    /// To be told that it fires.
    pub(super) waiting: Receivers,
    /// Just being told something about it.
    pub(super) sending: Receivers,
    /// Told that it fires.
    pub(super) told: Receivers,
    /// For each receiver that has to do with it.
    pub(super) groups: SmallVec<[(ReceiverId, GroupId); 1]>,
    /// Not stored as it is.
    pub(super) dirty: bool,
}

impl Active {
    pub(super) fn new(id: AlertId, severity: Severity, content: u64, now: Moment) -> Self {
        Self {
            id,
            count: 1,
            suppressed: 0,
            last_seen: now,
            notified_at: None,
            resolved_at: None,
            held_until: None,
            severity,
            content,
            waiting: Receivers::default(),
            sending: Receivers::default(),
            told: Receivers::default(),
            groups: SmallVec::new(),
            dirty: false,
        }
    }

    pub(super) fn fires(&self) -> bool {
        self.resolved_at.is_none()
    }

    /// It fires, as far as anybody outside knows.
    pub(super) fn is_open(&self) -> bool {
        self.fires() || !self.told.is_empty() || !self.sending.is_empty()
    }

    pub(super) fn known(&self) -> Known {
        Known {
            firing: self.is_open(),
            waiting: !self.waiting.is_empty(),
            notified_at: self.notified_at,
            severity: self.severity,
        }
    }

    /// The receiver knows that it fires, or is to.
    pub(super) fn concerns(&self, receiver: ReceiverId) -> bool {
        self.told.has(receiver) || self.sending.has(receiver) || self.waiting.has(receiver)
    }

    pub(super) fn group(&self, receiver: ReceiverId) -> Option<GroupId> {
        self.groups.iter().find(|(id, _)| *id == receiver).map(|(_, group)| *group)
    }

    pub(super) fn join(&mut self, receiver: ReceiverId, group: GroupId) {
        self.leave(receiver);
        self.groups.push((receiver, group));
    }

    /// The receiver has nothing to do with it any more.
    pub(super) fn leave(&mut self, receiver: ReceiverId) {
        self.groups.retain(|(id, _)| *id != receiver);
    }

    pub(super) fn row(
        &self,
        name: impl Fn(ReceiverId) -> String,
        wait: impl Fn(GroupId) -> (Option<Moment>, bool),
        next_entry: EntryId,
    ) -> ActiveRow {
        let flags = |(receiver, group): &(ReceiverId, GroupId)| {
            let (waiting, told) = (self.waiting.has(*receiver), self.told.has(*receiver));
            let (due, first) = if waiting || told && !self.fires() { wait(*group) } else { (None, false) };
            let first = first && waiting;
            let flags = Flags { group: *group, waiting, due, first, told };
            (name(*receiver), flags)
        };
        ActiveRow {
            id: self.id,
            count: self.count,
            suppressed: self.suppressed,
            last_seen: self.last_seen,
            notified_at: self.notified_at,
            resolved_at: self.resolved_at,
            severity: self.severity,
            held: self.held_until.is_some(),
            flags: self.groups.iter().map(flags).collect(),
            next_entry,
        }
    }

    pub(super) fn closing(&self, at: Moment, how: &'static str) -> Closing {
        Closing { at, how, count: self.count, suppressed: self.suppressed, last_seen: self.last_seen }
    }
}
