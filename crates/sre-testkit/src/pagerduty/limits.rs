//! What PagerDuty takes, from <https://developer.pagerduty.com/docs/send-alert-event>.

use serde_json::Value;

use crate::double::length;

/// Bytes of a whole event.
pub(super) const MAX_EVENT: usize = 512 * 1024;
const MAX_DEDUP_KEY: usize = 255;
const MAX_SUMMARY: usize = 1024;

/// Why PagerDuty would call this event invalid: the entries of `errors` in its answer.
#[must_use]
pub fn refusal(event: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    let mut check = |good: bool, error: &str| {
        if !good {
            errors.push(error.to_owned());
        }
    };
    let key = event["routing_key"].as_str().unwrap_or_default();
    check(key.len() == 32 && key.chars().all(|c| c.is_ascii_alphanumeric()), "'routing_key' is invalid");
    let action = event["event_action"].as_str().unwrap_or_default();
    check(matches!(action, "trigger" | "acknowledge" | "resolve"), "'event_action' is invalid");
    let dedup_key = length(&event["dedup_key"]);
    check(dedup_key <= MAX_DEDUP_KEY, "'dedup_key' is too long (maximum is 255 characters)");
    check(dedup_key > 0 || action == "trigger", "'dedup_key' is missing or blank");
    if action == "trigger" {
        let payload = &event["payload"];
        check(
            (1..=MAX_SUMMARY).contains(&length(&payload["summary"])),
            "'payload.summary' is missing, blank or too long",
        );
        check(length(&payload["source"]) > 0, "'payload.source' is missing or blank");
        let severity = payload["severity"].as_str().unwrap_or_default();
        check(matches!(severity, "critical" | "error" | "warning" | "info"), "'payload.severity' is invalid");
        let timestamp = payload["timestamp"].as_str();
        check(timestamp.is_none_or(|t| t.parse::<jiff::Timestamp>().is_ok()), "'payload.timestamp' is invalid");
        let details = &payload["custom_details"];
        check(details.is_null() || details.is_object() || details.is_string(), "'payload.custom_details' is invalid");
    }
    for link in event["links"].as_array().into_iter().flatten() {
        let href = link["href"].as_str().unwrap_or_default();
        check(href.starts_with("http://") || href.starts_with("https://"), "'links.href' is invalid");
    }
    errors
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_limit_holds_to_the_character() {
        let event = |key: &str, summary: usize, action: &str| {
            let payload = json!({ "summary": "ü".repeat(summary), "source": "s", "severity": "info" });
            refusal(
                &json!({ "routing_key": "0".repeat(32), "event_action": action, "dedup_key": key, "payload": payload }),
            )
        };
        assert_eq!(event(&"k".repeat(255), 1024, "trigger"), [""; 0]);
        assert_eq!(event(&"k".repeat(256), 1024, "trigger").len(), 1);
        assert_eq!(event("k", 1025, "trigger").len(), 1);
        assert_eq!(event("k", 0, "trigger").len(), 1);
        assert_eq!((event("", 1, "trigger").len(), event("", 1, "resolve").len()), (0, 1));
        assert_eq!(refusal(&json!({})).len(), 3);
    }
}
