//! Groups of alerts, and the queue in front of each receiver.

use std::collections::BTreeSet;

use foldhash::HashSet;

use super::receivers::ReceiverId;
use super::rounds::Rounds;
use crate::alert::{DedupKey, KeyHash};
use crate::notify::{Notifier, Resend};
use crate::outbox::EntryId;
use crate::stage::group::{GroupId, SHOWN};
use crate::stage::moment::Moment;
use crate::stage::route::RouteId;

/// Alerts that one receiver is told of together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) receiver: ReceiverId,
    pub(super) route: RouteId,
    pub(super) key: DedupKey,
    pub(super) title: String,
    /// All that the receiver waits for or was told of.
    pub(super) members: HashSet<KeyHash>,
    /// Those to be told as firing; some may have changed since.
    pub(super) waiting: Vec<KeyHash>,
    /// Those to be told as over; some may have changed since.
    pub(super) ended: Vec<KeyHash>,
    pub(super) last_sent: Option<Moment>,
    /// When it stands in the receiver's queue.
    pub(super) due: Option<Moment>,
    /// One of its notifications is on its way: no other until then.
    pub(super) in_flight: bool,
    pub(super) rounds: Option<Box<Rounds>>,
}

/// The queue in front of one receiver.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) name: String,
    /// The receiver forgets what it is not told again.
    pub(super) resend: Option<Resend>,
    /// So many alerts one of its notifications carries.
    pub(super) carries: usize,
    /// Notifications with the receiver now.
    pub(super) busy: usize,
    /// Groups that have something to say, by time.
    pub(super) due: BTreeSet<(Moment, GroupId)>,
    /// Notifications to be sent (again), by time.
    pub(super) retry: BTreeSet<(Moment, EntryId)>,
}

/// What an outlet does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Retry(EntryId),
    Flush(GroupId),
}

/// A notification that was not sent yet.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) receiver: ReceiverId,
    pub(super) group: GroupId,
    pub(super) attempts: u32,
    pub(super) created_at: Moment,
    pub(super) firing: Vec<(KeyHash, crate::outbox::AlertId)>,
    pub(super) resolved: Vec<(KeyHash, crate::outbox::AlertId)>,
}

// === impl Group ===

impl Group {
    pub(super) fn new(receiver: ReceiverId, route: RouteId, key: DedupKey, title: String) -> Self {
        Self {
            receiver,
            route,
            key,
            title,
            members: HashSet::default(),
            waiting: Vec::new(),
            ended: Vec::new(),
            last_sent: None,
            due: None,
            in_flight: false,
            rounds: None,
        }
    }

    pub(super) fn has_news(&self) -> bool {
        !self.waiting.is_empty() || !self.ended.is_empty() || self.rounds.as_ref().is_some_and(|r| !r.left.is_empty())
    }

    pub(super) fn rounds(&mut self) -> &mut Rounds {
        self.rounds.get_or_insert_default()
    }

    /// When something became worse while a notification was on its way.
    pub(super) fn urgent(&self) -> Option<Moment> {
        self.rounds.as_ref().and_then(|rounds| rounds.urgent)
    }

    /// Nobody is in it, and nothing is said again.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && !self.in_flight && self.rounds.as_ref().is_none_or(|rounds| rounds.over.is_empty())
    }
}

// === impl Outlet ===

impl Outlet {
    pub(super) fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { name, resend: None, carries: SHOWN, busy: 0, due: BTreeSet::new(), retry: BTreeSet::new() }
    }

    /// As the receiver wants it.
    pub(super) fn of(name: &str, notifier: &dyn Notifier) -> Self {
        Self { resend: notifier.resend(), carries: notifier.carries().max(1), ..Self::new(name) }
    }

    /// What is to be done by now, the earlier first. Groups wait while too much is to be retried.
    pub(super) fn next(&self, now: Moment, most_retrying: usize) -> Option<Next> {
        let (at, next) = self.first(most_retrying)?;
        (at <= now).then_some(next)
    }

    /// When there will be something to do.
    pub(super) fn next_at(&self, most_retrying: usize) -> Option<Moment> {
        self.first(most_retrying).map(|(at, _)| at)
    }

    fn first(&self, most_retrying: usize) -> Option<(Moment, Next)> {
        let retry = self.retry.first().map(|(at, id)| (*at, Next::Retry(*id)));
        let flush =
            self.due.first().filter(|_| self.retry.len() < most_retrying).map(|(at, id)| (*at, Next::Flush(*id)));
        match (retry, flush) {
            (Some(retry), Some(flush)) => Some(if retry.0 <= flush.0 { retry } else { flush }),
            (retry, flush) => retry.or(flush),
        }
    }

    /// Puts the group into the queue, or moves it.
    pub(super) fn schedule(&mut self, id: GroupId, group: &mut Group, due: Option<Moment>) {
        if let Some(old) = group.due.take() {
            self.due.remove(&(old, id));
        }
        if let Some(due) = due {
            self.due.insert((due, id));
        }
        group.due = due;
    }
}
