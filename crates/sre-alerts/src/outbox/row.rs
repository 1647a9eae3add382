//! The rows of the store.

use std::fmt;

use serde::{Deserialize, Serialize};
use sre_core::Severity;

use crate::alert::Alert;
use crate::stage::group::GroupId;
use crate::stage::moment::Moment;
use crate::stage::silence::Silence;

/// The number of an alert in the history: one for each time that a problem fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub i64);

/// The number of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(pub i64);

/// Where a notification is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EntryState {
    /// To be sent.
    Pending,
    /// Being sent; after a crash: perhaps sent.
    Sending,
    /// To be sent again later.
    Retry,
    /// The receiver said that it has it.
    Sent,
    /// Given up.
    Dead,
}

/// What changes often about an alert that fires, or is over and not yet told to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveRow {
    pub(crate) id: AlertId,
    pub(crate) count: u32,
    pub(crate) suppressed: u32,
    pub(crate) last_seen: Moment,
    pub(crate) notified_at: Option<Moment>,
    pub(crate) resolved_at: Option<Moment>,
    /// The highest severity that it was routed with.
    pub(crate) severity: Severity,
    /// Something keeps it quiet: it is looked at again.
    pub(crate) held: bool,
    /// For each receiver that has to do with it.
    pub(crate) flags: Vec<(String, Flags)>,
    /// The first notification of which this row knows nothing.
    pub(crate) next_entry: EntryId,
}

/// What one receiver knows of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags {
    /// In which group it is for this receiver.
    pub(crate) group: GroupId,
    /// It is to be told that the alert fires.
    pub(crate) waiting: bool,
    /// When its group was due then, if nothing else had to be waited for; of what is to be told, or to be told as over.
    pub(crate) due: Option<Moment>,
    /// It waits, and its group has not said anything yet.
    pub(crate) first: bool,
    /// It was told.
    pub(crate) told: bool,
}

/// How an alert ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    pub(crate) at: Moment,
    /// `resolved`, `expired` or `unreadable`.
    pub(crate) how: &'static str,
    pub(crate) count: u32,
    pub(crate) suppressed: u32,
    pub(crate) last_seen: Moment,
}

/// A notification on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    pub(crate) id: EntryId,
    pub(crate) receiver: String,
    pub(crate) group: GroupId,
    pub(crate) state: EntryState,
    pub(crate) attempts: u32,
    pub(crate) created_at: Moment,
    pub(crate) next_at: Moment,
    /// The alerts that it says fire.
    pub(crate) firing: Vec<AlertId>,
    /// The alerts that it says are over.
    pub(crate) resolved: Vec<AlertId>,
}

/// All that is not finished.
#[derive(Debug, Default)]
pub struct Loaded {
    pub(crate) active: Vec<(ActiveRow, Alert)>,
    /// Alerts whose text this program cannot read.
    pub(crate) unreadable: Vec<ActiveRow>,
    pub(crate) entries: Vec<EntryRow>,
    /// When each group last said something, of the groups that did so not too long ago.
    pub(crate) group_times: Vec<(GroupId, EntryId, Moment)>,
    pub(crate) silences: Vec<Silence>,
    /// The latest moment that was stored.
    pub(crate) last: Option<Moment>,
    pub(crate) next_alert: i64,
    pub(crate) next_entry: i64,
    pub(crate) next_silence: i64,
}

// === impl EntryState ===

impl EntryState {
    pub(crate) const ALL: [Self; 5] = [Self::Pending, Self::Sending, Self::Retry, Self::Sent, Self::Dead];

    /// The lower-case word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Retry => "retry",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }

    /// As stored; those that are not finished come first.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Pending => 0,
            Self::Sending => 1,
            Self::Retry => 2,
            Self::Sent => 3,
            Self::Dead => 4,
        }
    }

    pub(crate) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }
}

impl fmt::Display for EntryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === text and blobs ===

/// `slack:1f:tw@19d1a70c380 pagerduty:2e:nw`: in which group (`n`: a new one), who was told, who waits to be told, and when
/// the group was due.
pub(crate) fn flags_to_text(flags: &[(String, Flags)]) -> String {
    let one = |(name, flags): &(String, Flags)| {
        let told = if flags.told { "t" } else { "" };
        let waiting = match (flags.waiting, flags.first) {
            (true, true) => "nw",
            (true, false) => "w",
            (false, _) => "",
        };
        match flags.due {
            Some(due) => format!("{name}:{:x}:{told}{waiting}@{:x}", flags.group.0, due.0),
            None => format!("{name}:{:x}:{told}{waiting}", flags.group.0),
        }
    };
    flags.iter().map(one).collect::<Vec<_>>().join(" ")
}

pub(crate) fn flags_from_text(text: &str) -> Vec<(String, Flags)> {
    let one = |word: &str| {
        let (rest, flags) = word.rsplit_once(':')?;
        let (name, group) = rest.rsplit_once(':')?;
        let group = GroupId(u64::from_str_radix(group, 16).ok()?);
        let due = flags.split_once('@').and_then(|(_, due)| i64::from_str_radix(due, 16).ok()).map(Moment);
        let (waiting, first, told) = (flags.contains('w'), flags.contains('n'), flags.contains('t'));
        Some((name.to_owned(), Flags { group, waiting, due, first, told }))
    };
    text.split(' ').filter_map(one).collect()
}

/// Eight bytes an alert; those that are over are negative.
pub(crate) fn ids_to_blob(firing: &[AlertId], resolved: &[AlertId]) -> Vec<u8> {
    let firing = firing.iter().map(|id| id.0);
    let resolved = resolved.iter().map(|id| -id.0);
    firing.chain(resolved).flat_map(i64::to_le_bytes).collect()
}

pub(crate) fn ids_from_blob(blob: &[u8]) -> (Vec<AlertId>, Vec<AlertId>) {
    let (chunks, _) = blob.as_chunks::<8>();
    let (firing, resolved): (Vec<i64>, Vec<i64>) =
        chunks.iter().map(|c| i64::from_le_bytes(*c)).partition(|id| *id > 0);
    (firing.into_iter().map(AlertId).collect(), resolved.into_iter().map(|id| AlertId(-id)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_reads_back() {
        let flags = vec![
            (
                "slack".to_owned(),
                Flags { group: GroupId(31), waiting: true, due: Some(Moment(255)), first: false, told: true },
            ),
            ("pd".to_owned(), Flags { group: GroupId(u64::MAX), waiting: false, due: None, first: false, told: true }),
            ("mail".to_owned(), Flags { group: GroupId(0), waiting: true, due: None, first: true, told: false }),
        ];
        assert_eq!(flags_to_text(&flags), "slack:1f:tw@ff pd:ffffffffffffffff:t mail:0:nw");
        assert_eq!(flags_from_text(&flags_to_text(&flags)), flags);
        let ids = (vec![AlertId(1), AlertId(i64::MAX)], vec![AlertId(7)]);
        assert_eq!(ids_from_blob(&ids_to_blob(&ids.0, &ids.1)), ids);
        for state in EntryState::ALL {
            assert_eq!(EntryState::from_number(state.number()), Some(state));
        }
    }
}
