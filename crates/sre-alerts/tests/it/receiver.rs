//! A receiver that enforces Slack's limits, and a clock that sleeps without waiting.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use sre_core::Clock;
use sre_core::clock::Sleep;
use tokio::time::Instant;

/// Why Slack would refuse this message, if it would.
pub(crate) fn refusal(message: &Value) -> Option<String> {
    let blocks = list(message, "blocks");
    let attachments = list(message, "attachments");
    if message["text"].as_str().is_none_or(str::is_empty) && blocks.is_empty() && attachments.is_empty() {
        return Some("no_text".to_owned());
    }
    let inner = attachments.iter().flat_map(|a| list(a, "blocks"));
    let all: Vec<&Value> = blocks.iter().chain(inner).collect();
    if all.len() > 50 || attachments.len() > 20 {
        return Some(format!("{} blocks, {} attachments", all.len(), attachments.len()));
    }
    let total = message.to_string().encode_utf16().count();
    if total > 10_000 {
        return Some(format!("{total} characters"));
    }
    all.into_iter().find_map(bad_block).or_else(|| attachments.iter().find_map(bad_attachment))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn bad_block(block: &Value) -> Option<String> {
    match block["type"].as_str() {
        Some("header") => bad_text(&block["text"], 150, "plain_text"),
        Some("section") => {
            let fields = list(block, "fields");
            let text = &block["text"];
            if text.is_null() && fields.is_empty() || fields.len() > 10 {
                return Some(format!("section with {} fields", fields.len()));
            }
            let bad = if text.is_null() { None } else { bad_text(text, 3000, "") };
            bad.or_else(|| fields.iter().find_map(|f| bad_text(f, 2000, "")))
        }
        Some("context") => {
            let elements = list(block, "elements");
            let bad = elements.is_empty() || elements.len() > 10;
            if bad { Some("context".to_owned()) } else { elements.iter().find_map(|e| bad_text(e, 3000, "")) }
        }
        Some("divider") => None,
        other => Some(format!("block {other:?}")),
    }
}

fn bad_text(text: &Value, limit: usize, kind: &str) -> Option<String> {
    let is = text["type"].as_str().unwrap_or_default();
    let s = text["text"].as_str().unwrap_or_default();
    let known = matches!(is, "plain_text" | "mrkdwn") && (kind.is_empty() || kind == is);
    let hidden = s.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    let bad = !known || s.trim().is_empty() || s.chars().count() > limit || hidden;
    bad.then(|| format!("text {text}"))
}

fn bad_attachment(attachment: &Value) -> Option<String> {
    let color = attachment["color"].as_str().unwrap_or_default();
    let known = ["#36a64f", "#ff9900", "#ff0000", "#cccccc"].contains(&color);
    let mixed = !list(attachment, "blocks").is_empty() && !attachment["title"].is_null();
    let long = list(attachment, "fields").len() > 10
        || attachment["text"].as_str().is_some_and(|t| t.chars().count() > 3000)
        || list(attachment, "fields").iter().any(|f| f["value"].as_str().unwrap_or_default().chars().count() > 2000);
    (!known || mixed || long).then(|| format!("attachment {attachment}"))
}

/// Sleeps take no time but are counted.
#[derive(Debug)]
pub(crate) struct SkippingClock {
    start: Instant,
    slept: Mutex<Duration>,
}

impl SkippingClock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), slept: Mutex::default() }
    }

    pub(crate) fn slept(&self) -> Duration {
        *self.slept.lock().unwrap()
    }
}

impl Clock for SkippingClock {
    fn now(&self) -> Timestamp {
        "2026-03-23T07:00:00Z".parse().unwrap()
    }

    fn instant(&self) -> Instant {
        self.start + self.slept()
    }

    fn sleep(&self, d: Duration) -> Sleep {
        *self.slept.lock().unwrap() += d;
        Box::pin(async {})
    }
}
