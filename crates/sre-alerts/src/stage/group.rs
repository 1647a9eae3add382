//! One message about many alerts: which of them belong together, and when the message goes out.
//!
//! A group is what has the same receiver, the same route and the same values of the labels in `group_by`. Its first
//! notification waits for `group_wait`, later ones keep `group_interval` apart, and while one of its notifications has
//! not been sent yet, further alerts gather for the next: a slow or paced receiver gets fewer, longer messages.

use std::time::Duration;

use super::matcher::Subject;
use super::moment::Moment;
use super::route::Timing;
use crate::alert::{Alert, DedupKey, digest};

/// What makes a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupBy {
    /// Each alert is a group of its own.
    Each,
    /// The same values of these; of none: all alerts of the route are one group.
    Same(Vec<Subject>),
}

/// Stable over restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GroupId(pub(crate) u64);

// === impl GroupBy ===

impl Default for GroupBy {
    fn default() -> Self {
        Self::Same(Vec::new())
    }
}

impl GroupBy {
    /// `...` is Alertmanager's word for "each on its own".
    pub(crate) fn new(names: &[String]) -> Result<Self, String> {
        if names.iter().any(|name| name == "...") {
            return match names.len() {
                1 => Ok(Self::Each),
                _ => Err("`...` stands alone".to_owned()),
            };
        }
        let subject = |name: &String| Subject::named(name).ok_or_else(|| format!("`{name}` is no label name"));
        Ok(Self::Same(names.iter().map(subject).collect::<Result<_, _>>()?))
    }

    /// The group of an alert, for one receiver of one route.
    pub(crate) fn group(&self, receiver: &str, route: &str, alert: &Alert) -> GroupId {
        let key;
        let mut parts = vec![receiver, route];
        match self {
            Self::Each => {
                key = alert.key();
                parts.push(key.as_str());
            }
            Self::Same(subjects) => parts.extend(subjects.iter().map(|subject| subject.of(alert))),
        }
        let [a, b, c, d, e, f, g, h, ..] = digest(parts);
        // Databases have no unsigned numbers.
        GroupId(u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1)
    }

    /// What receivers merge by: the alert's own key where it is alone.
    pub(crate) fn key(&self, id: GroupId, alert: &Alert) -> DedupKey {
        match self {
            Self::Each => alert.key(),
            Self::Same(_) => DedupKey::new(format!("group-{:016x}", id.0)),
        }
    }

    /// What its alerts have in common, for people: `service=api, dc=eu`; empty when that is nothing.
    pub(crate) fn title(&self, alert: &Alert) -> String {
        match self {
            Self::Each => String::new(),
            Self::Same(subjects) => {
                let same = subjects.iter().map(|s| (s.name(), s.of(alert))).filter(|(_, value)| !value.is_empty());
                same.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// When a group that has something to say says it.
pub(crate) fn due(last_sent: Option<Moment>, timing: Timing, now: Moment) -> Moment {
    match last_sent {
        None => now + timing.wait,
        Some(last) => now.max(last + timing.interval),
    }
}

/// The longest of a list that people read; the rest is a number.
pub(crate) const SHOWN: usize = 50;

/// Shortest sensible wait between two looks at something that cannot say when it changes.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use sre_core::Severity;

    use super::*;

    fn alert(title: &str, dc: &str) -> Alert {
        let alert = Alert::builder(Severity::Critical, title).label("dc", dc);
        alert.starts_at(jiff::Timestamp::UNIX_EPOCH).build().unwrap()
    }

    #[test]
    fn what_belongs_together() {
        let by = |names: &[&str]| GroupBy::new(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).unwrap();
        let group = |by: &GroupBy, title, dc| by.group("slack", "r", &alert(title, dc));
        assert_eq!(group(&by(&[]), "a", "eu"), group(&by(&[]), "b", "us"));
        assert_eq!(group(&by(&["dc"]), "a", "eu"), group(&by(&["dc"]), "b", "eu"));
        assert_ne!(group(&by(&["dc"]), "a", "eu"), group(&by(&["dc"]), "a", "us"));
        assert_ne!(group(&by(&["..."]), "a", "eu"), group(&by(&["..."]), "b", "eu"));
        assert_ne!(by(&[]).group("slack", "r", &alert("a", "eu")), by(&[]).group("pager", "r", &alert("a", "eu")));
        assert_eq!(by(&["dc", "none"]).title(&alert("a", "eu")), "dc=eu");
    }

    #[test]
    fn when() {
        let timing = Timing { wait: Duration::from_secs(10), interval: Duration::from_secs(60), ..Timing::default() };
        assert_eq!(due(None, timing, Moment(0)), Moment(10_000));
        assert_eq!(due(Some(Moment(0)), timing, Moment(5_000)), Moment(60_000));
        assert_eq!(due(Some(Moment(0)), timing, Moment(90_000)), Moment(90_000));
    }
}
