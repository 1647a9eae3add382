//! A notification as an event, within every limit.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sre_core::output::width;

use crate::notify::{Event, Notification};
use crate::text::{self, truncate};

/// Characters of a dedup key.
const DEDUP_KEY: usize = 255;
/// Characters of a summary.
const SUMMARY: usize = 1024;
/// Characters of the short values, for which no limit is documented.
const SHORT: usize = 255;
/// Characters of the text; a pager is no place for more.
const TEXT: usize = 64 * 1024;
/// Characters of one field.
const FIELD: usize = 10_000;
/// Bytes of custom details: an event has 512 KB, and links and the rest take their share.
const DETAILS: usize = 450_000;
/// Links under an incident.
const LINKS: usize = 10;

/// One event as it goes over the wire.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    routing_key: &'a str,
    event_action: &'static str,
    dedup_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Payload>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Value>,
}

/// What a trigger tells besides.
#[derive(Debug, Serialize)]
struct Payload {
    summary: String,
    source: String,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    custom_details: Map<String, Value>,
}

// === impl Message ===

impl<'a> Message<'a> {
    pub(super) fn new(n: &Notification, routing_key: &'a str) -> Self {
        let event_action = match n.event {
            Event::Firing => "trigger",
            Event::Acknowledged => "acknowledge",
            Event::Resolved => "resolve",
        };
        let trigger = n.event == Event::Firing;
        Self {
            routing_key,
            event_action,
            dedup_key: dedup_key(n.identity()),
            payload: trigger.then(|| payload(n)),
            links: if trigger { links(n) } else { Vec::new() },
        }
    }
}

/// Cutting a long key short would merge what is not the same, so its hash takes the place of the end.
fn dedup_key(key: String) -> String {
    if text::length(&key) <= DEDUP_KEY {
        return key;
    }
    let hash = crate::signature::hex(&Sha256::digest(&key));
    let mut kept = String::new();
    for c in key.chars() {
        if text::length(&kept) + c.len_utf16() + 1 + hash.len() > DEDUP_KEY {
            break;
        }
        kept.push(c);
    }
    format!("{kept}#{hash}")
}

fn payload(n: &Notification) -> Payload {
    let label = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| n.labels.get(*name)).filter(|value| !value.is_empty());
        found.map(|value| truncate(value, SHORT).into_owned())
    };
    let filled = |text: &str, otherwise: &str, limit: usize| match width::clean(text).trim() {
        "" => otherwise.to_owned(),
        text => truncate(text, limit).into_owned(),
    };
    Payload {
        summary: filled(&n.title, "notification without a title", SUMMARY),
        source: filled(&n.source, "sre-alerts", SHORT),
        severity: n.severity.as_str(),
        timestamp: n.at,
        component: label(["component", "service"]),
        group: label(["group", "cluster"]),
        class: label(["class", "alertname"]),
        custom_details: details(n),
    }
}

/// As many of the facts as there is room for, the first ones first, and how many were left out.
fn details(n: &Notification) -> Map<String, Value> {
    let mut details = Map::new();
    let (mut room, mut omitted) = (DETAILS, 0_usize);
    let text = (!n.text.is_empty()).then(|| ("text".to_owned(), json!(truncate(&n.text, TEXT))));
    let fields = n.fields.iter().map(|(name, value)| {
        let name = if name.is_empty() { "field" } else { name };
        (truncate(name, SHORT).into_owned(), json!(truncate(value, FIELD)))
    });
    let labels = (!n.labels.is_empty()).then(|| ("labels".to_owned(), json!(n.labels)));
    for (name, value) in text.into_iter().chain(fields).chain(labels) {
        // Quotes, colon and comma; a control character is six bytes of JSON.
        let size = name.len() * 6 + 16 + value.to_string().len();
        if size > room {
            omitted += 1;
            continue;
        }
        room -= size;
        details.insert(unused(&details, &name), value);
    }
    if omitted > 0 {
        details.insert(unused(&details, "omitted"), json!(format!("{omitted} more: no room in the event")));
    }
    details
}

/// Two fields of one name are both shown.
fn unused(details: &Map<String, Value>, name: &str) -> String {
    let mut free = name.to_owned();
    let mut number = 1;
    while details.contains_key(&free) {
        number += 1;
        free = format!("{name} ({number})");
    }
    free
}

fn links(n: &Notification) -> Vec<Value> {
    let own = n.link.iter().map(|url| (url.as_str(), "details"));
    let theirs = n.alerts.iter().flat_map(|alert| &alert.links).map(|link| (link.url.as_str(), link.title.as_str()));
    let safe = own.chain(theirs).filter_map(|(url, words)| Some((text::safe_link(url)?, words)));
    safe.take(LINKS).map(|(url, words)| json!({ "href": url, "text": truncate(words, SHORT) })).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sre_core::Severity;

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_notification_becomes_an_event() {
        let n = Notification::new(Severity::Critical, "api is\ndown")
            .key("http:api")
            .source("prober-1")
            .text("no answer from 3 of 3 probes")
            .field("Host", "web-03")
            .field("Host", "web-04")
            .label("service", "api")
            .link("https://status.example/api")
            .at("2026-03-23T07:00:00Z".parse().unwrap());
        insta::assert_json_snapshot!(Message::new(&n, KEY));
        insta::assert_json_snapshot!(Message::new(&n.event(Event::Resolved), KEY));
    }

    #[test]
    fn long_keys_stay_different() {
        let key = |end: &str| dedup_key(format!("{}{end}", "🦀".repeat(200)));
        assert!(text::length(&key("a")) <= DEDUP_KEY && key("a") != key("b") && key("a") == key("a"));
        assert_eq!(dedup_key("k".repeat(255)), "k".repeat(255));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_event_is_within_the_limits(
            title in ".{0,30}", key in ".{0,300}", pattern in "[a\u{7}🦀\"]{1,5}", size in 0_usize..300_000, fields in 0_usize..80,
        ) {
            let long = pattern.repeat(size / 4);
            let mut n = Notification::new(Severity::Error, format!("{title}{long}")).key(key).text(long.clone());
            for i in 0..fields {
                n = n.field(format!("{i}{title}"), long.clone());
            }
            let message = Message::new(&n.label("x", long), KEY);
            let sent = serde_json::to_string(&message).unwrap();
            prop_assert!(sent.len() <= 512_000, "{}", sent.len());
            prop_assert!((1..=DEDUP_KEY).contains(&text::length(&message.dedup_key)));
            prop_assert!((1..=SUMMARY).contains(&text::length(&message.payload.unwrap().summary)));
        }
    }
}
