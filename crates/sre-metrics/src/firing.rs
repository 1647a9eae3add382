//! Which alerts people should know of: what Prometheus says, less what Alertmanager silences.
//!
//! Prometheus knows no silences; Alertmanager knows only what it was told. An alert is suppressed when Alertmanager
//! has it and silences or inhibits it. What fires in Prometheus and is unknown to Alertmanager is kept: nobody is told of
//! it otherwise. What only Alertmanager has comes from another Prometheus and is kept too.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use crate::alert::{Alert, AlertState};
use crate::alertmanager::ManagedAlert;
use crate::severity::AlertSeverity;
use crate::value::{Labels, SampleValue};

/// Labels that tell not what is wrong but who noticed, how bad it is now, or which replica said so; they would make a
/// new finding of an old one.
const VOLATILE: [&str; 8] =
    ["alertname", "severity", "value", "prometheus", "prometheus_replica", "__replica__", "replica", "monitor"];

/// An alert that fires.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FiringAlert {
    /// Its `alertname`.
    pub name: String,
    /// As its `severity` label says.
    pub severity: AlertSeverity,
    /// All its labels.
    pub labels: Labels,
    /// The annotation `summary`, or `message`, or empty.
    pub summary: String,
    /// The annotation `description`, or empty.
    pub description: String,
    /// The annotation `runbook_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The value of its expression, where Prometheus itself said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<SampleValue>,
    /// Whether Alertmanager has it; `None` when it was not asked or did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_alertmanager: Option<bool>,
    /// Ids of the silences that cover it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub silenced_by: Vec<String>,
    /// Fingerprints of the alerts that inhibit it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inhibited_by: Vec<String>,
}

/// The alerts of both, told apart.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    pub(crate) firing: Vec<FiringAlert>,
    pub(crate) suppressed: Vec<FiringAlert>,
    /// Not for people, but the watchdog is among them.
    pub(crate) silent: Vec<FiringAlert>,
}

/// Puts both views together. `None` is a side that was not asked or did not answer.
pub(crate) fn merge(prometheus: Option<Vec<Alert>>, alertmanager: Option<&[ManagedAlert]>) -> Merged {
    let mut by_name: HashMap<&str, Vec<(usize, &ManagedAlert)>> = HashMap::new();
    for (i, managed) in alertmanager.unwrap_or_default().iter().enumerate() {
        by_name.entry(managed.labels.get("alertname")).or_default().push((i, managed));
    }
    let prometheus: Vec<Alert> = prometheus.unwrap_or_default();
    let everywhere = common_labels(&prometheus);
    let mut matched = HashSet::new();
    let mut all = Vec::new();
    for alert in prometheus.into_iter().filter(|a| a.state == AlertState::Firing) {
        let everywhere = everywhere.get(alert.labels.get("alertname"));
        let same_name = by_name.get(alert.labels.get("alertname")).map_or(&[][..], Vec::as_slice);
        let same = best_matches(&alert.labels, same_name, everywhere);
        matched.extend(same.iter().map(|(i, _)| *i));
        let mut firing = FiringAlert::new(alert.labels, &alert.annotations, alert.active_at);
        firing.value = alert.value;
        firing.in_alertmanager = alertmanager.is_some().then_some(!same.is_empty());
        if same.iter().all(|(_, m)| m.is_suppressed()) {
            for (_, managed) in same {
                firing.suppress(managed);
            }
        }
        all.push(firing);
    }
    let others = alertmanager.unwrap_or_default().iter().enumerate().filter(|(i, _)| !matched.contains(i));
    all.extend(others.map(|(_, managed)| {
        let mut firing = FiringAlert::new(managed.labels.clone(), &managed.annotations, managed.starts_at);
        firing.in_alertmanager = Some(true);
        firing.suppress(managed);
        firing
    }));
    sorted(all)
}

fn sorted(mut all: Vec<FiringAlert>) -> Merged {
    all.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.labels.cmp(&b.labels)));
    let mut merged = Merged::default();
    for alert in all {
        if alert.severity == AlertSeverity::None {
            merged.silent.push(alert);
        } else if alert.silenced_by.is_empty() && alert.inhibited_by.is_empty() {
            merged.firing.push(alert);
        } else {
            merged.suppressed.push(alert);
        }
    }
    merged
}

/// The alerts that are the same as far as their labels tell. They are seldom equal: Prometheus adds its external labels on
/// the way to Alertmanager and relabelling drops others. So no label that both have may differ, and of several
/// candidates those with the most labels in common win.
///
/// A label that the candidate lacks must have been dropped by relabelling: no alert of this name has it in Alertmanager
/// and all have it in Prometheus (`everywhere`). Otherwise the candidate is another alert, and its silence not ours.
fn best_matches<'a>(
    labels: &Labels,
    candidates: &[(usize, &'a ManagedAlert)],
    everywhere: Option<&HashSet<String>>,
) -> Vec<(usize, &'a ManagedAlert)> {
    let dropped = |name: &str| {
        everywhere.is_some_and(|labels| labels.contains(name))
            && candidates.iter().all(|(_, m)| m.labels.get(name).is_empty())
    };
    let shared = |managed: &ManagedAlert| {
        let mut n = 0;
        for (name, value) in labels.iter() {
            match managed.labels.get(name) {
                "" if dropped(name) => {}
                other if other == value => n += 1,
                _ => return None,
            }
        }
        Some(n)
    };
    let scored: Vec<_> = candidates.iter().filter_map(|&(i, m)| shared(m).map(|n: usize| (n, i, m))).collect();
    let best = scored.iter().map(|(n, ..)| *n).max();
    scored.into_iter().filter(|(n, ..)| Some(*n) == best).map(|(_, i, m)| (i, m)).collect()
}

/// For each alert name, the labels that all its alerts in Prometheus have.
fn common_labels(alerts: &[Alert]) -> HashMap<String, HashSet<String>> {
    let mut common: HashMap<String, HashSet<String>> = HashMap::new();
    for alert in alerts {
        let has = |name: &str| !alert.labels.get(name).is_empty();
        let names = || alert.labels.iter().filter(|(name, _)| has(name)).map(|(name, _)| name.to_owned()).collect();
        let known = common.entry(alert.labels.get("alertname").to_owned()).or_insert_with(names);
        known.retain(|name| has(name));
    }
    common
}

// === impl FiringAlert ===

impl FiringAlert {
    fn new(labels: Labels, annotations: &BTreeMap<String, String>, since: Option<Timestamp>) -> Self {
        let note =
            |name: &str| annotations.get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Self {
            name: labels.get("alertname").to_owned(),
            severity: AlertSeverity::of_label(labels.get("severity")),
            summary: note("summary").or_else(|| note("message")).unwrap_or_default(),
            description: note("description").unwrap_or_default(),
            runbook: note("runbook_url"),
            labels,
            since,
            value: None,
            in_alertmanager: None,
            silenced_by: Vec::new(),
            inhibited_by: Vec::new(),
        }
    }

    /// The alert's name and its labels, sorted, without those that change from run to run.
    #[must_use]
    pub fn subject(&self) -> String {
        let words = self.labels.words(|name| VOLATILE.contains(&name));
        format!("{} {words}", self.name).trim().to_owned()
    }

    fn suppress(&mut self, managed: &ManagedAlert) {
        self.silenced_by.extend(managed.status.silenced_by.iter().cloned());
        self.inhibited_by.extend(managed.status.inhibited_by.iter().cloned());
        if managed.is_suppressed() && self.silenced_by.is_empty() && self.inhibited_by.is_empty() {
            // Muted by a time interval: suppressed without a silence to name.
            self.silenced_by.push("muted".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alert(labels: &serde_json::Value) -> Alert {
        serde_json::from_value(json!({"labels": labels, "state": "firing", "value": "1e+00"})).unwrap()
    }

    fn managed(labels: &serde_json::Value, silenced_by: &[&str]) -> ManagedAlert {
        let state = if silenced_by.is_empty() { "active" } else { "suppressed" };
        let status = json!({"state": state, "silencedBy": silenced_by, "inhibitedBy": []});
        serde_json::from_value(json!({"labels": labels, "status": status, "startsAt": "2026-03-23T07:00:00.000Z"}))
            .unwrap()
    }

    fn names(alerts: &[FiringAlert]) -> Vec<&str> {
        alerts.iter().map(|a| a.name.as_str()).collect()
    }

    #[test]
    fn a_silence_is_heeded_through_external_labels_and_dropped_ones() {
        let prometheus = vec![
            alert(&json!({"alertname": "Down", "instance": "a", "replica": "0"})),
            alert(&json!({"alertname": "Down", "instance": "b", "replica": "0"})),
            alert(&json!({"alertname": "Unsent", "instance": "a"})),
        ];
        let alertmanager = [
            managed(&json!({"alertname": "Down", "instance": "a", "region": "eu"}), &["s1"]),
            managed(&json!({"alertname": "Down", "instance": "b", "region": "eu"}), &[]),
            managed(&json!({"alertname": "Elsewhere"}), &[]),
        ];
        let merged = merge(Some(prometheus), Some(&alertmanager));
        assert_eq!(names(&merged.firing), ["Down", "Elsewhere", "Unsent"]);
        assert_eq!(merged.firing[0].labels.get("instance"), "b");
        assert_eq!(merged.firing[2].in_alertmanager, Some(false));
        assert_eq!(
            (names(&merged.suppressed), merged.suppressed[0].silenced_by.as_slice()),
            (vec!["Down"], &["s1".to_owned()][..])
        );
    }

    #[test]
    fn the_silence_of_another_alert_is_not_heeded() {
        let (job, b) =
            (json!({"alertname": "Down", "job": "x"}), json!({"alertname": "Down", "job": "x", "instance": "b"}));
        let a = json!({"alertname": "Down", "job": "x", "instance": "a"});
        let fires = |prometheus: &[&serde_json::Value], alertmanager: &[ManagedAlert]| {
            let merged = merge(Some(prometheus.iter().map(|labels| alert(labels)).collect()), Some(alertmanager));
            merged.firing.iter().any(|f| f.labels.get("instance") == "b" && f.in_alertmanager == Some(false))
        };
        // Alertmanager knows instances of this alert, so `instance` is not dropped on the way.
        assert!(fires(&[&b], &[managed(&job, &["s1"]), managed(&a, &[])]));
        // Prometheus has the silenced one itself.
        assert!(fires(&[&b, &job], &[managed(&job, &["s1"])]));
        // All lose their instance on the way.
        assert!(!fires(&[&a, &b], &[managed(&job, &["s1"])]));
    }

    #[test]
    fn without_alertmanager_everything_that_fires_fires() {
        let mut pending = alert(&json!({"alertname": "Soon"}));
        pending.state = AlertState::Pending;
        let merged = merge(Some(vec![pending, alert(&json!({"alertname": "Now"}))]), None);
        assert_eq!((names(&merged.firing), merged.firing[0].in_alertmanager), (vec!["Now"], None));
    }

    #[test]
    fn the_worst_come_first_and_none_is_for_nobody() {
        let prometheus =
            ["info", "critical", "none", "whatever", "error"].map(|s| alert(&json!({"alertname": s, "severity": s})));
        let merged = merge(Some(prometheus.into()), None);
        assert_eq!(names(&merged.firing), ["critical", "error", "whatever", "info"]);
        assert_eq!(names(&merged.silent), ["none"]);
    }

    #[test]
    fn the_subject_forgets_what_changes() {
        let a =
            alert(&json!({"alertname": "Slow", "severity": "page", "value": "0.93", "pod": "api-1", "replica": "1"}));
        let merged = merge(Some(vec![a]), None);
        assert_eq!(merged.firing[0].subject(), "Slow pod=api-1");
    }
}
