//! `/webhook/alert`: our own JSON, for scripts and for whatever can be taught a body.
//!
//! One object, or a list of them. `title` is needed; the rest may be left out:
//!
//! ```json
//! { "type": "disk_full", "title": "disk /data is 97 % full", "severity": "critical", "hostname": "web-03",
//!   "source": "node-check", "message": "…", "fields": {"Free": "1.2 GiB"}, "labels": {"service": "api"},
//!   "dedup_key": "disk:web-03:/data", "links": [{"title": "runbook", "url": "https://…"}],
//!   "starts_at": "2026-03-23T07:00:00Z", "status": "firing" }
//! ```
//!
//! `type` and `hostname` become the labels `type` and `host`, by which routes and remediation go; the host is the
//! source where none is given. Severity is `warning` by default, `starts_at` the time of arrival. A key that is not
//! known is refused: a misspelt `severity` must not be a silent default. The JSON of an [`Alert`] is understood too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use sre_core::Severity;

use super::json;
use super::rejection::{Rejection, RejectionKind};
use crate::alert::{Alert, Link, State};

/// The label that `type` becomes.
pub const TYPE_LABEL: &str = "type";

/// The label that `hostname` becomes.
pub const HOST_LABEL: &str = "host";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(rename = "type")]
    kind: Option<String>,
    title: String,
    severity: Option<String>,
    source: Option<String>,
    #[serde(alias = "host")]
    hostname: Option<String>,
    #[serde(default, alias = "description")]
    message: String,
    #[serde(default)]
    fields: Pairs,
    #[serde(default)]
    labels: BTreeMap<String, Text>,
    dedup_key: Option<String>,
    #[serde(default)]
    links: Vec<Link>,
    starts_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    status: Option<State>,
}

/// Reads one alert or a list of them. `types` are the known ones; when there are none, every type is.
///
/// # Errors
/// [`RejectionKind::Malformed`] with the field, [`RejectionKind::UnknownType`].
pub fn parse(body: &[u8], types: &BTreeSet<String>, now: Timestamp) -> Result<Vec<Alert>, Rejection> {
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        let bodies: Vec<Body> = json::read(body)?;
        bodies.into_iter().enumerate().map(|(i, one)| alert(one, types, now, &format!("[{i}]."))).collect()
    } else {
        Ok(vec![alert(json::read(body)?, types, now, "")?])
    }
}

fn alert(body: Body, types: &BTreeSet<String>, now: Timestamp, path: &str) -> Result<Alert, Rejection> {
    let malformed =
        |field: &str, why: &str| Rejection::new(RejectionKind::Malformed, why).field(format!("{path}{field}"));
    let severity = match &body.severity {
        Some(word) => word.parse().map_err(|_| malformed("severity", "is none of critical, error, warning, info"))?,
        None => Severity::Warning,
    };
    let source = body.source.or_else(|| body.hostname.clone()).unwrap_or_default();
    let mut builder = Alert::builder(severity, body.title)
        .source(source)
        .message(body.message)
        .labels(body.labels.into_iter().map(|(name, value)| (name, value.0)))
        .starts_at(body.starts_at.unwrap_or(now));
    if let Some(kind) = body.kind {
        if !types.is_empty() && !types.contains(&kind) {
            return Err(Rejection::new(RejectionKind::UnknownType, "is not known here").field(format!("{path}type")));
        }
        builder = builder.label(TYPE_LABEL, kind);
    }
    if let Some(host) = body.hostname {
        builder = builder.label(HOST_LABEL, host);
    }
    for (name, value) in body.fields.0 {
        builder = builder.field(name, value);
    }
    for link in body.links {
        builder = builder.link(link.title, link.url);
    }
    if let Some(key) = body.dedup_key {
        builder = builder.dedup_key(key);
    }
    match (body.resolved_at, body.status) {
        (Some(_), Some(State::Firing)) => return Err(malformed("status", "is firing, but there is a resolved_at")),
        (Some(at), _) => builder = builder.resolved_at(at),
        (None, Some(State::Resolved)) => builder = builder.resolved_at(now.max(body.starts_at.unwrap_or(now))),
        (None, _) => {}
    }
    builder.build().map_err(|invalid| malformed(invalid.field(), invalid.why()))
}

/// Text, or a number or truth value as text.
#[derive(Debug)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a number")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// `{"name": value, …}` in its order, or `[["name", value], …]`.
#[derive(Debug, Default)]
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of names and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, Text(value))) = map.next_entry()? {
                    pairs.push((name, value));
                }
                Ok(Pairs(pairs))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, Text(value))) = list.next_element()? {
                    pairs.push((name, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_any(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-23T07:00:00Z".parse().unwrap()
    }

    fn read(body: &str) -> Result<Vec<Alert>, Rejection> {
        parse(body.as_bytes(), &BTreeSet::new(), now())
    }

    #[test]
    fn a_whole_alert() {
        let alerts = read(
            r#"{"type":"disk_full","title":"disk /data is full","severity":"CRIT","hostname":"web-03",
                "fields":{"Free":"0 B","Used":97.5,"Read only":true},"labels":{"service":"api","shard":3},
                "links":[{"title":"runbook","url":"https://wiki/disk"}],"dedup_key":"disk:web-03"}"#,
        );
        insta::assert_json_snapshot!(alerts.unwrap());
    }

    #[test]
    fn what_an_alert_serializes_to_reads_back() {
        let alert = Alert::builder(Severity::Error, "x").source("y").field("a", "b").starts_at(now()).build().unwrap();
        assert_eq!(read(&serde_json::to_string(&alert).unwrap()).unwrap(), std::slice::from_ref(&alert));
        assert_eq!(read(&serde_json::to_string(&[&alert, &alert]).unwrap()).unwrap(), [alert.clone(), alert]);
    }

    #[test]
    fn a_fault_names_its_field() {
        for (body, expected) in [
            (r#"{"severity":"info"}"#, "title: missing field `title`"),
            (r#"{"title":"x","severity":"bad"}"#, "severity: is none of"),
            (r#"{"title":"x","severty":"info"}"#, "severty: unknown field"),
            (r#"{"title":" "}"#, "title: is empty"),
            (r#"[{"title":"x"},{"title":"x","labels":{"a-b":"c"}}]"#, "[1].labels.a-b: is no label name"),
            (r#"[{"title":"x"},{"title":3}]"#, "[1].title: invalid type"),
            (r#"{"title":"x","fields":{"a":{}}}"#, "fields.a: invalid type"),
            (r#"{"title":"x","starts_at":"yesterday"}"#, "starts_at: "),
            (r#"{"title":"x","status":"firing","resolved_at":"2026-03-23T07:00:00Z"}"#, "status: is firing"),
            (r#"{"title":"x","title":"y"}"#, "title: duplicate field"),
            ("null", "invalid type: null"),
        ] {
            let rejection = read(body).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::Malformed);
            assert!(rejection.to_string().starts_with(expected), "{body}: {rejection}");
        }
    }

    #[test]
    fn only_known_types_when_they_are_listed() {
        let types = BTreeSet::from(["high_cpu".to_owned()]);
        let read = |kind: &str| parse(format!(r#"{{"title":"x","type":"{kind}"}}"#).as_bytes(), &types, now());
        assert_eq!(read("high_cpu").unwrap()[0].labels["type"], "high_cpu");
        assert_eq!(read("high_gpu").unwrap_err().kind(), RejectionKind::UnknownType);
    }

    #[test]
    fn resolved_without_a_time_is_resolved_now() {
        let alert = read(r#"{"title":"x","status":"resolved","starts_at":"2030-01-01T00:00:00Z"}"#).unwrap().remove(0);
        assert!(alert.is_resolved());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(body: Vec<u8>, text in "\\PC*") {
            let _ = parse(&body, &BTreeSet::new(), now());
            let _ = read(&text);
            let _ = read(&serde_json::json!({ "title": text, "hostname": text, "labels": { "a": text } }).to_string());
        }
    }
}
