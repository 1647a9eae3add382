//! A notification as an Adaptive Card (<https://adaptivecards.io/explorer/>) that fits.

use serde_json::{Value, json};
use sre_core::Severity;
use sre_core::output::width;

use crate::notify::{Event, Notification};
use crate::text::{self, escape_markdown, truncate, visible};

/// Bytes of the whole message.
const TOTAL: usize = 20_000;
/// Bytes of the facts; the text has the rest.
const FACTS: usize = 6_000;
/// Characters of title, fact names and fact values.
const TITLE: usize = 500;
const NAME: usize = 100;
const VALUE: usize = 1_000;
/// Characters of one line of text.
const LINE: usize = 2_000;
/// What is around the elements: schema, title's styles, the line that says what was left out.
const FRAME: usize = 1_000;

/// The body of the POST.
pub(super) fn message(n: &Notification) -> Value {
    let facts = facts(n);
    let button = n
        .link
        .as_deref()
        .and_then(text::safe_link)
        .map(|url| json!({ "type": "Action.OpenUrl", "title": "Open", "url": url }));
    let title = run(&truncate(&title(n), TITLE), json!({ "size": "Large", "weight": "Bolder", "color": color(n) }));
    let used = FRAME + size(&title) + size(&facts) + button.as_ref().map_or(0, size);
    let mut body = vec![title];
    body.extend(lines(&n.text, TOTAL.saturating_sub(used)));
    body.extend((facts["facts"] != json!([])).then_some(facts));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "Full" },
                "body": body,
                "actions": button.into_iter().collect::<Vec<_>>(),
            },
        }],
    })
}

fn title(n: &Notification) -> String {
    let title = n.subject();
    if n.source.is_empty() { title } else { format!("{title} ({})", width::clean(&n.source)) }
}

fn color(n: &Notification) -> &'static str {
    match (n.event, n.severity) {
        (Event::Resolved, _) | (Event::Firing, Severity::Info) => "Good",
        (Event::Acknowledged, _) => "Default",
        (Event::Firing, Severity::Warning) => "Warning",
        (Event::Firing, Severity::Error | Severity::Critical) => "Attention",
    }
}

/// A `TextRun` shows its text as it is; a `TextBlock` would take it for Markdown.
fn run(text: &str, mut style: Value) -> Value {
    style["type"] = json!("TextRun");
    style["text"] = json!(text);
    json!({ "type": "RichTextBlock", "inlines": [style] })
}

/// A block a line, and at the end how many there was no room for.
fn lines(text: &str, mut room: usize) -> Vec<Value> {
    let text = visible(text);
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut blocks = Vec::new();
    for line in &all {
        let block = run(&truncate(line, LINE), json!({}));
        if size(&block) > room {
            break;
        }
        room -= size(&block);
        blocks.push(block);
    }
    let left = all.len() - blocks.len();
    if left > 0 {
        blocks.push(run(&format!("… (+{left} lines)"), json!({ "isSubtle": true })));
    }
    blocks
}

/// Facts are Markdown wherever they are shown, so theirs is escaped.
fn facts(n: &Notification) -> Value {
    // Teams leaves out a fact without a title or a value.
    let shown = |text: String| if text.trim().is_empty() { "–".to_owned() } else { text };
    let clean = |text: &str, limit: usize| shown(escape_markdown(&truncate(&width::clean(text), limit)));
    let mut room = FACTS;
    let mut facts = Vec::new();
    for (name, value) in &n.fields {
        let fact = json!({ "title": clean(name, NAME), "value": clean(value, VALUE) });
        if size(&fact) > room {
            break;
        }
        room -= size(&fact);
        facts.push(fact);
    }
    let left = n.fields.len() - facts.len();
    if left > 0 {
        facts.push(json!({ "title": "…", "value": format!("{left} more") }));
    }
    json!({ "type": "FactSet", "facts": facts })
}

fn size(value: &Value) -> usize {
    value.to_string().len() + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_notification_becomes_a_card() {
        let n = Notification::new(Severity::Critical, "api is down")
            .source("prober-1")
            .text("no answer from 3 of 3 probes\n\n[click](https://evil.example)")
            .field("Host", "web_03 *x*")
            .link("https://status.example/api");
        insta::assert_json_snapshot!(message(&n));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_card_fits(pattern in "[a\u{7}🦀\"*\n]{1,9}", size in 0_usize..60_000, fields in 0_usize..60) {
            let long = pattern.repeat(size / 9);
            let n = Notification::new(Severity::Error, long.clone()).text(long.clone()).link("https://x.example/".repeat(90));
            let n = (0..fields).fold(n, |n, i| n.field(format!("{i}"), long.clone()));
            let sent = message(&n).to_string();
            prop_assert!(sent.len() <= TOTAL, "{}", sent.len());
            let (lines, shown) = (long.lines().filter(|l| !l.trim().is_empty()).count(), sent.matches("TextRun").count() - 1);
            prop_assert!(lines == shown || sent.contains("lines)"), "{} of {}", shown, lines);
        }
    }
}
