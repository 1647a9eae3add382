//! Reduces warnings to one line for each owner and reason.
//!
//! Counted are warnings last seen within the window (default 30 min). Forty replicas that fail to mount the same
//! volume are one line: events are joined on kind, namespace, owner (as [`OwnerRef::guess`] sees it) and reason.
//! At most [`MAX_WARNINGS`] lines are kept; events of further ones are counted in `left_out`.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::event::Event;
use super::message::message;
use super::meta::age;
use super::owner::{Owner, OwnerRef};

/// So many different warnings are kept.
pub const MAX_WARNINGS: usize = 1000;

/// Warnings about one owner for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WarningEvent {
    /// The namespace, or empty.
    pub namespace: Box<str>,
    /// The object of the latest event: `pod/api-7d9f8b6c5-x2x4z`.
    pub object: String,
    /// One word why.
    pub reason: Box<str>,
    /// The latest event's sentence.
    pub message: Box<str>,
    /// How often, over all objects of the owner.
    pub count: u64,
    /// When last.
    pub last: Timestamp,
    /// Who answers for the object, as far as its name tells.
    #[serde(skip)]
    pub owner: Owner,
    /// The object's kind as the API writes it.
    #[serde(skip)]
    pub kind: Box<str>,
    /// The object's name.
    #[serde(skip)]
    pub name: Box<str>,
}

/// What is left of all events.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct EventReport {
    /// The latest first.
    pub warnings: Vec<WarningEvent>,
    /// How many events found no place.
    pub left_out: u64,
}

/// The reducer.
#[derive(Debug, Clone)]
pub struct EventTally {
    now: Timestamp,
    window: Duration,
    warnings: BTreeMap<(Box<str>, Owner, Box<str>), WarningEvent>,
    left_out: u64,
}

// === impl EventTally ===

impl EventTally {
    /// Counts warnings last seen at most `window` before `now`.
    #[must_use]
    pub fn new(now: Timestamp, window: Duration) -> Self {
        Self { now, window, warnings: BTreeMap::new(), left_out: 0 }
    }

    /// Takes one event into account.
    pub fn observe(&mut self, event: &Event) {
        let Some(last) = event.last_seen().filter(|last| age(self.now, *last) <= self.window) else { return };
        if !event.is_warning() {
            return;
        }
        let object = &event.involved_object;
        let owner = OwnerRef::guess(&object.kind, &object.namespace, &object.name).to_owner();
        let key = (object.kind.clone(), owner, event.reason.clone());
        let full = self.warnings.len() >= MAX_WARNINGS;
        if let Some(warning) = self.warnings.get_mut(&key) {
            warning.count = warning.count.saturating_add(event.times());
            if last > warning.last {
                warning.last = last;
                warning.show(event);
            }
        } else if full {
            self.left_out += 1;
        } else {
            let mut warning = WarningEvent {
                namespace: object.namespace.clone(),
                object: String::new(),
                reason: event.reason.clone(),
                message: Box::default(),
                count: event.times(),
                last,
                owner: key.1.clone(),
                kind: object.kind.clone(),
                name: Box::default(),
            };
            warning.show(event);
            self.warnings.insert(key, warning);
        }
    }

    /// What is left of all events that were seen.
    #[must_use]
    pub fn finish(self) -> EventReport {
        let mut warnings: Vec<_> = self.warnings.into_values().collect();
        warnings.sort_by_key(|w| std::cmp::Reverse(w.last));
        EventReport { warnings, left_out: self.left_out }
    }
}

// === impl WarningEvent ===

impl WarningEvent {
    fn show(&mut self, event: &Event) {
        let object = &event.involved_object;
        self.object = format!("{}/{}", object.kind.to_lowercase(), object.name);
        self.name = object.name.clone();
        self.message = message(&event.message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(pod: &str, reason: &str, last: &str, count: u32) -> Event {
        serde_json::from_str(&format!(
            r#"{{"type": "Warning", "reason": "{reason}", "message": "m {pod}", "count": {count}, "lastTimestamp": "{last}",
                "involvedObject": {{"kind": "Pod", "namespace": "ns", "name": "{pod}"}}}}"#
        ))
        .unwrap()
    }

    fn tally() -> EventTally {
        EventTally::new("2026-03-23T07:00:00Z".parse().unwrap(), Duration::from_secs(1800))
    }

    #[test]
    fn joins_replicas_and_keeps_reasons_apart() {
        let mut tally = tally();
        tally.observe(&event("api-7d9f8b6c5-x2x4z", "BackOff", "2026-03-23T06:50:00Z", 3));
        tally.observe(&event("api-7d9f8b6c5-b2b4b", "BackOff", "2026-03-23T06:55:00Z", 4));
        tally.observe(&event("api-7d9f8b6c5-b2b4b", "FailedMount", "2026-03-23T06:40:00Z", 1));
        let warnings = tally.finish().warnings;
        assert_eq!(warnings.len(), 2);
        assert_eq!((warnings[0].count, warnings[0].object.as_str()), (7, "pod/api-7d9f8b6c5-b2b4b"));
        assert_eq!(&*warnings[1].reason, "FailedMount");
    }

    #[test]
    fn window_includes_its_edge() {
        let mut tally = tally();
        tally.observe(&event("a", "Edge", "2026-03-23T06:30:00Z", 1));
        tally.observe(&event("a", "Older", "2026-03-23T06:29:59Z", 1));
        let mut normal = event("a", "Normal", "2026-03-23T06:59:00Z", 1);
        normal.kind = "Normal".into();
        tally.observe(&normal);
        let reasons: Vec<_> = tally.finish().warnings.into_iter().map(|w| w.reason).collect();
        assert_eq!(reasons, [Box::from("Edge")]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut tally = tally();
        for i in 0..MAX_WARNINGS + 5 {
            tally.observe(&event("a", &format!("R{i}"), "2026-03-23T06:59:00Z", 1));
        }
        let report = tally.finish();
        assert_eq!((report.warnings.len(), report.left_out), (MAX_WARNINGS, 5));
    }
}
