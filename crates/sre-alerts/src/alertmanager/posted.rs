//! Alerts in the shape of `POST /api/v2/alerts`
//! (<https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::alert::{self, Alert, Labels};
use crate::notify::{Event, Notification};
use crate::text;

/// One alert. Alertmanager refuses a whole request for one that ends before it starts or has an odd label name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Posted {
    labels: Labels,
    annotations: Labels,
    starts_at: Timestamp,
    ends_at: Timestamp,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator_url: Option<String>,
}

/// What to post at `now`; what fires is over after `valid_for` unless it is posted again.
pub(super) fn all(n: &Notification, now: Timestamp, valid_for: Duration) -> Vec<Posted> {
    if n.alerts.is_empty() {
        return vec![plain(n, now, valid_for)];
    }
    n.alerts.iter().map(|alert| one(alert, now, valid_for)).collect()
}

fn one(alert: &Alert, now: Timestamp, valid_for: Duration) -> Posted {
    let mut labels = named(alert.labels.iter());
    identify(&mut labels, &alert.title, alert.severity.as_str(), &alert.source, alert.dedup_key.as_deref());
    let url = alert.links.iter().find_map(|link| text::safe_link(&link.url));
    let annotations = annotations(&alert.title, &alert.message, &alert.fields);
    posted(labels, annotations, url, Span { starts: alert.starts_at, ended: alert.resolved_at, now, valid_for })
}

fn plain(n: &Notification, now: Timestamp, valid_for: Duration) -> Posted {
    let mut labels = named(n.labels.iter());
    let key = (!n.key.is_empty()).then_some(n.key.as_str());
    identify(&mut labels, &n.title, n.severity.as_str(), &n.source, key);
    let at = n.at.unwrap_or(now);
    let ended = (n.event == Event::Resolved).then_some(at);
    let url = n.link.as_deref().and_then(text::safe_link);
    posted(labels, annotations(&n.title, &n.text, &n.fields), url, Span { starts: at, ended, now, valid_for })
}

#[derive(Debug, Clone, Copy)]
struct Span {
    starts: Timestamp,
    ended: Option<Timestamp>,
    now: Timestamp,
    valid_for: Duration,
}

/// Clocks differ: nothing starts in the future, and nothing ends before it starts or, once it is over, after now.
fn posted(labels: Labels, annotations: Labels, url: Option<&str>, span: Span) -> Posted {
    let Span { starts, ended, now, valid_for } = span;
    let starts_at = ended.map_or(starts, |ended| starts.min(ended)).min(now);
    let ends_at = match ended {
        Some(ended) => ended.min(now).max(starts_at),
        None => now.checked_add(valid_for).unwrap_or(Timestamp::MAX),
    };
    Posted { labels, annotations, starts_at, ends_at, generator_url: url.map(str::to_owned) }
}

fn identify(labels: &mut Labels, title: &str, severity: &str, source: &str, key: Option<&str>) {
    let title = if title.is_empty() { "notification without a title" } else { title };
    for (name, value) in
        [("alertname", title), ("severity", severity), ("source", source), ("dedup_key", key.unwrap_or_default())]
    {
        // An empty label is none.
        if !value.is_empty() && labels.get(name).is_none_or(String::is_empty) {
            labels.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn annotations(title: &str, message: &str, fields: &[(String, String)]) -> Labels {
    let mut annotations = named(fields.iter().map(|(name, value)| (name, value)));
    for (name, value) in [("summary", title), ("description", message)] {
        if !value.is_empty() {
            annotations.insert(name.to_owned(), value.to_owned());
        }
    }
    annotations
}

/// With names that Alertmanager takes: what is no letter or digit becomes `_`.
fn named<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> Labels {
    pairs.map(|(name, value)| (label_name(name), value.clone())).collect::<BTreeMap<_, _>>()
}

fn label_name(name: &str) -> String {
    if alert::is_label_name(name) {
        return name.to_owned();
    }
    let replaced = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "_");
    if alert::is_label_name(&replaced) { replaced } else { format!("_{replaced}") }
}

#[cfg(test)]
mod tests {
    use sre_core::Severity;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(time: &str) -> Timestamp {
        format!("2026-03-23T{time}:00Z").parse().unwrap()
    }

    fn alert() -> Alert {
        let builder = Alert::builder(Severity::Critical, "disk /data is 97 % full").source("web-03");
        let builder = builder.label("service", "api").field("Free space", "1.2 GiB").message("it grows");
        builder.starts_at(at("07:00")).link("graph", "https://prom.example/g").build().unwrap()
    }

    #[test]
    fn an_alert_is_posted_with_its_names() {
        let n = Notification::new(Severity::Critical, "2 alerts").alerts([alert(), alert().resolved(at("07:20"))]);
        insta::assert_json_snapshot!(all(&n, at("07:30"), 4 * MINUTE));
    }

    #[test]
    fn clocks_that_differ_make_no_impossible_span() {
        for (starts, ended, now, expected) in [
            ("07:00", None, "07:10", ("07:00", "07:14")),
            ("07:20", None, "07:10", ("07:10", "07:14")),
            ("07:00", Some("07:05"), "07:10", ("07:00", "07:05")),
            ("07:00", Some("07:20"), "07:10", ("07:00", "07:10")),
            ("07:20", Some("07:30"), "07:10", ("07:10", "07:10")),
        ] {
            let mut alert = alert();
            alert.starts_at = at(starts);
            alert.resolved_at = ended.map(at);
            let posted = one(&alert, at(now), 4 * MINUTE);
            assert_eq!(
                (posted.starts_at, posted.ends_at),
                (at(expected.0), at(expected.1)),
                "{starts} {ended:?} {now}"
            );
        }
    }

    #[test]
    fn names_are_made_fit() {
        assert_eq!(["a-b", "1st", "", "ok_1", "größe"].map(label_name), ["a_b", "_1st", "_", "ok_1", "gr__e"]);
    }
}
