//! `/webhook/alertmanager`: what Prometheus' Alertmanager sends, version 4
//! (<https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>).
//!
//! Each alert of a group becomes one of ours: `summary` (or the alert's name) is the title, `description` the message,
//! `severity` the severity (`warning` where there is none, or another word), `instance` or `job` the source. Its
//! fingerprint is the dedup key, so that the resolve finds its alert. Alertmanager tries again after a 5xx and never
//! after a 4xx: what is merely too long is cut.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use sre_core::Severity;

use super::rejection::{Rejection, RejectionKind};
use super::{foreign, json};
use crate::alert::{Alert, longest, most};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    version: String,
    #[serde(default)]
    receiver: String,
    #[serde(default, rename = "externalURL")]
    external_url: String,
    /// How many alerts the sender's `max_alerts` cut off.
    #[serde(default)]
    truncated_alerts: u64,
    alerts: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    status: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    #[serde(default)]
    fingerprint: String,
}

/// Reads a notification of a group.
///
/// # Errors
/// [`RejectionKind::Malformed`] with the field, [`RejectionKind::UnknownType`] for another version than 4.
pub fn parse(body: &[u8], now: Timestamp) -> Result<Vec<Alert>, Rejection> {
    let payload: Payload = json::read(body)?;
    if payload.version != "4" {
        return Err(Rejection::new(RejectionKind::UnknownType, "only version 4 is known").field("version"));
    }
    if payload.truncated_alerts > 0 {
        let (truncated, receiver) = (payload.truncated_alerts, foreign::line(&payload.receiver, 100));
        tracing::warn!(truncated, receiver, "Alertmanager left alerts out: raise max_alerts of its webhook_config");
    }
    payload.alerts.iter().enumerate().map(|(i, entry)| alert(entry, &payload.external_url, now, i)).collect()
}

fn alert(entry: &Entry, external_url: &str, now: Timestamp, index: usize) -> Result<Alert, Rejection> {
    let label = |name: &str| entry.labels.get(name).map(String::as_str).filter(|text| !text.trim().is_empty());
    let annotation =
        |name: &str| entry.annotations.get(name).map(String::as_str).filter(|text| !text.trim().is_empty());
    let title = annotation("summary").or(label("alertname")).unwrap_or("alert without a name");
    let severity = label("severity").and_then(|word| word.parse().ok()).unwrap_or(Severity::Warning);
    let source = label("instance").or(label("job")).unwrap_or("alertmanager");
    let message = annotation("description").or(annotation("message")).unwrap_or_default();
    let mut builder = Alert::builder(severity, foreign::line(title, longest::TITLE))
        .source(foreign::line(source, longest::SOURCE))
        .message(foreign::clip(message, longest::MESSAGE))
        .labels(foreign::labels(entry.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
        .starts_at(entry.starts_at);
    if !entry.fingerprint.is_empty() {
        builder = builder.dedup_key(foreign::key(&format!("alertmanager:{}", entry.fingerprint)));
    }
    let told = ["summary", "description", "message", "runbook_url"];
    let rest = entry.annotations.iter().filter(|(name, _)| !told.contains(&name.as_str())).take(most::FIELDS);
    for (name, value) in rest {
        builder = builder.field(foreign::clip(name, longest::NAME), foreign::clip(value, longest::FIELD));
    }
    builder = foreign::link(builder, "runbook", annotation("runbook_url").unwrap_or_default());
    builder = foreign::link(builder, "graph", &entry.generator_url);
    builder = foreign::link(builder, "Alertmanager", external_url);
    builder = match entry.status.as_str() {
        "firing" => builder,
        "resolved" => builder.resolved_at(entry.ends_at.unwrap_or(now).max(entry.starts_at)),
        _ => {
            let field = format!("alerts[{index}].status");
            return Err(Rejection::new(RejectionKind::Malformed, "is neither firing nor resolved").field(field));
        }
    };
    foreign::build(builder, &format!("alerts[{index}]."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-23T07:00:00Z".parse().unwrap()
    }

    fn entry(extra: &str) -> String {
        format!(
            r#"{{"version":"4","groupKey":"{{}}:{{}}","status":"firing","receiver":"sre","externalURL":"http://am:9093",
            "groupLabels":{{}},"commonLabels":{{}},"commonAnnotations":{{}},"truncatedAlerts":0,"alerts":[{{
            "status":"firing","labels":{{"alertname":"HighCpu","instance":"web-03:9100","severity":"critical"}},
            "annotations":{{"summary":"cpu is high","description":"95 % for 10 min","runbook_url":"https://wiki/cpu","value":"95"}},
            "startsAt":"2026-03-23T06:50:00.123Z","endsAt":"0001-01-01T00:00:00Z",
            "generatorURL":"http://prom:9090/graph?g0.expr=x","fingerprint":"9f3a2b1c"{extra}}}]}}"#
        )
    }

    #[test]
    fn a_firing_alert() {
        insta::assert_json_snapshot!(parse(entry("").as_bytes(), now()).unwrap());
    }

    #[test]
    fn the_resolve_has_the_same_key() {
        let firing = parse(entry("").as_bytes(), now()).unwrap().remove(0);
        let body = entry("").replace(r#""status":"firing","labels""#, r#""status":"resolved","labels""#);
        let body = body.replace("0001-01-01T00:00:00Z", "2026-03-23T06:59:00Z");
        let resolved = parse(body.as_bytes(), now()).unwrap().remove(0);
        assert_eq!((resolved.key(), resolved.fingerprint()), (firing.key(), firing.fingerprint()));
        assert_eq!(resolved.resolved_at.unwrap().to_string(), "2026-03-23T06:59:00Z");
    }

    #[test]
    fn what_is_too_long_is_cut_and_not_refused() {
        let labels: BTreeMap<String, String> = (0..100).map(|i| (format!("l.{i}"), "v".repeat(3000))).collect();
        let annotations: BTreeMap<String, String> = (0..100)
            .map(|i| (format!("a{i}"), "ä".repeat(9000)))
            .chain([("summary".into(), "s".repeat(5000))])
            .collect();
        let body = serde_json::json!({ "version": "4", "alerts": [{
            "status": "resolved", "labels": labels, "annotations": annotations, "startsAt": "2026-03-23T06:50:00Z",
            "endsAt": "2026-03-23T06:40:00Z", "generatorURL": "javascript:alert(1)", "fingerprint": "x\n".repeat(500) }]});
        let alert = parse(body.to_string().as_bytes(), now()).unwrap().remove(0);
        assert_eq!((alert.labels.len(), alert.fields.len(), alert.links.len()), (64, 64, 0));
    }

    #[test]
    fn a_fault_names_its_field() {
        for (from, to, status, expected) in [
            (r#""version":"4""#, r#""version":"3""#, 422, "version: only version 4 is known"),
            (r#""startsAt""#, r#""begins""#, 400, "alerts[0].startsAt: missing field"),
            (r#""status":"firing","labels""#, r#""status":"odd","labels""#, 400, "alerts[0].status: is neither"),
        ] {
            let rejection = parse(entry("").replace(from, to).as_bytes(), now()).unwrap_err();
            assert_eq!(rejection.kind().status(), status);
            assert!(rejection.to_string().starts_with(expected), "{rejection}");
        }
    }
}
