//! Slack's limits and ours, and a clock that sleeps without waiting.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use sre_core::Clock;
use sre_core::clock::Sleep;
use tokio::time::Instant;

/// Why Slack would refuse this message, or why we would rather not send it.
pub(crate) fn refusal(message: &Value) -> Option<String> {
    if let Err((error, why)) = sre_testkit::slack::refusal(message) {
        return Some(format!("{error}: {why}"));
    }
    let attachments = list(message, "attachments");
    let blocks = list(message, "blocks").len() + attachments.iter().map(|a| list(a, "blocks").len()).sum::<usize>();
    let total = message.to_string().encode_utf16().count();
    if blocks > 50 || attachments.len() > 20 || total > 10_000 {
        return Some(format!("{blocks} blocks, {} attachments, {total} characters", attachments.len()));
    }
    attachments.iter().find_map(bad_attachment)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Slack documents no limits for these, and ignores everything else beside blocks.
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

    /// Lets time pass.
    pub(crate) fn skip(&self, d: Duration) {
        *self.slept.lock().unwrap() += d;
    }
}

impl Clock for SkippingClock {
    fn now(&self) -> Timestamp {
        "2026-03-23T07:00:00Z".parse::<Timestamp>().unwrap() + self.slept()
    }

    fn instant(&self) -> Instant {
        self.start + self.slept()
    }

    fn sleep(&self, d: Duration) -> Sleep {
        *self.slept.lock().unwrap() += d;
        Box::pin(async {})
    }
}
