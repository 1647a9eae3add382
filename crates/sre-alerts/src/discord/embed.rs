//! A notification as an embed that fits.

use serde_json::{Value, json};
use sre_core::Severity;
use sre_core::output::width;

use crate::notify::{Event, Notification};
use crate::text::{self, escape_markdown, length, truncate, visible};

/// Characters, of each and over all; see the module above. The total is kept a little lower, for the footer's own words.
const TITLE: usize = 256;
const DESCRIPTION: usize = 4_096;
const FIELDS: usize = 25;
const NAME: usize = 256;
const VALUE: usize = 1_024;
const TOTAL: usize = 5_900;
/// What the text may take when there are fields too.
const TEXT_BESIDE_FIELDS: usize = 3_000;

/// The body of the POST.
pub(super) fn message(n: &Notification) -> Value {
    let title = fitted(&n.subject(), TITLE);
    let limit = if n.fields.is_empty() { DESCRIPTION } else { TEXT_BESIDE_FIELDS };
    let description = fitted(&visible(&n.text), limit);
    let source = truncate(&width::clean(&n.source), NAME).into_owned();
    let used = length(&title) + length(&description) + length(&source);
    let (fields, left) = fields(n, TOTAL.saturating_sub(used));
    let more = (left > 0).then(|| format!("{left} more fields"));
    let footer: Vec<String> = Some(source).filter(|s| !s.is_empty()).into_iter().chain(more).collect();
    let mut embed = json!({ "title": title, "color": color(n), "fields": fields });
    let optional = [
        ("description", (!description.is_empty()).then(|| json!(description))),
        ("url", n.link.as_deref().and_then(text::safe_link).map(|url| json!(url))),
        ("timestamp", n.at.map(|at| json!(at))),
        ("footer", (!footer.is_empty()).then(|| json!({ "text": footer.join(" · ") }))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            embed[name] = value;
        }
    }
    json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } })
}

/// As many as there is room for, and how many are left.
fn fields(n: &Notification, mut room: usize) -> (Vec<Value>, usize) {
    let mut fields = Vec::new();
    for (name, value) in n.fields.iter().take(FIELDS) {
        // Discord refuses empty ones.
        let shown = |text: String| if text.trim().is_empty() { "–".to_owned() } else { text };
        let (name, value) = (shown(fitted(&width::clean(name), NAME)), shown(fitted(&visible(value), VALUE)));
        let size = length(&name) + length(&value);
        if size > room {
            break;
        }
        room -= size;
        fields.push(json!({ "name": name, "value": value, "inline": length(&value) <= 40 }));
    }
    let left = n.fields.len() - fields.len();
    (fields, left)
}

/// Escaped, and cut so that it fits with the escapes.
fn fitted(text: &str, limit: usize) -> String {
    let escaped = escape_markdown(text);
    let cut = truncate(&escaped, limit).into_owned();
    // A backslash that lost its character would take the mark's.
    match cut.split_once("\\…") {
        Some((kept, mark)) if length(&escaped) > limit && !mark.contains('…') => format!("{kept}…{mark}"),
        _ => cut,
    }
}

fn color(n: &Notification) -> u32 {
    match (n.event, n.severity) {
        (Event::Resolved, _) | (Event::Firing, Severity::Info) => 0x36_a6_4f,
        (Event::Acknowledged, _) => 0xcc_cc_cc,
        (Event::Firing, Severity::Warning) => 0xff_99_00,
        (Event::Firing, Severity::Error | Severity::Critical) => 0xff_00_00,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_notification_becomes_an_embed() {
        let n = Notification::new(Severity::Critical, "api is down @everyone")
            .source("prober-1")
            .text("no answer from 3 of 3 probes\n[click](https://evil.example)")
            .field("Host", "web_03")
            .field("Empty", "")
            .link("https://status.example/api")
            .at("2026-03-23T07:00:00Z".parse().unwrap());
        insta::assert_json_snapshot!(message(&n));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_embed_fits(pattern in "[a\u{7}🦀\"*_\n]{1,9}", size in 0_usize..9_000, fields in 0_usize..40) {
            let long = pattern.repeat(size / 9);
            let n = Notification::new(Severity::Error, long.clone()).text(long.clone()).source(long.clone());
            let n = (0..fields).fold(n, |n, i| n.field(format!("{i}{long}"), long.clone()));
            let embed = &message(&n)["embeds"][0];
            let of = |value: &Value| length(value.as_str().unwrap_or_default());
            let list = embed["fields"].as_array().unwrap();
            prop_assert!(list.len() <= 25 && of(&embed["title"]) <= 256 && of(&embed["description"]) <= 4096);
            prop_assert!(list.iter().all(|f| (1..=256).contains(&of(&f["name"])) && (1..=1024).contains(&of(&f["value"]))));
            let all: usize = list.iter().map(|f| of(&f["name"]) + of(&f["value"])).sum();
            let total = all + of(&embed["title"]) + of(&embed["description"]) + of(&embed["footer"]["text"]);
            prop_assert!(total <= 6000, "{}", total);
        }
    }
}
