//! What Teams shows of a message, from <https://adaptivecards.io/explorer/> and
//! <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using> (about 28 KB a
//! message; cards up to version 1.5; six actions).

use serde_json::Value;

use crate::double::list;

/// Bytes of a message. Teams counts two bytes a character of some of them, so that 21 KB fail at times.
pub(super) const MAX_MESSAGE: usize = 28 * 1024;
const MAX_ACTIONS: usize = 6;
const VERSIONS: [&str; 6] = ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"];
const CARD: &str = "application/vnd.microsoft.card.adaptive";
/// <https://adaptivecards.io/explorer/TextRun.html>.
const COLORS: [&str; 7] = ["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"];

/// Why the workflow could not post it.
///
/// # Errors
/// That, in our words.
pub fn refusal(message: &Value) -> Result<(), String> {
    if message["type"] != "message" {
        return Err("it is no message".to_owned());
    }
    let [attachment] = list(message, "attachments") else { return Err("not one attachment".to_owned()) };
    if attachment["contentType"] != CARD {
        return Err(format!("a content type of {}", attachment["contentType"]));
    }
    let card = &attachment["content"];
    let version = card["version"].as_str().unwrap_or_default();
    if card["type"] != "AdaptiveCard" || !VERSIONS.contains(&version) {
        return Err(format!("no Adaptive Card that Teams shows: {} {version}", card["type"]));
    }
    if list(card, "body").is_empty() {
        return Err("an empty card".to_owned());
    }
    list(card, "body").iter().try_for_each(check_element)?;
    check_actions(list(card, "actions"))
}

fn check_element(element: &Value) -> Result<(), String> {
    match element["type"].as_str().unwrap_or_default() {
        "TextBlock" => check_text(element),
        "RichTextBlock" => {
            let inlines = list(element, "inlines");
            if inlines.is_empty() {
                return Err("a RichTextBlock without inlines".to_owned());
            }
            inlines.iter().try_for_each(|run| match run["type"].as_str() {
                Some("TextRun") => check_text(run),
                other => Err(format!("an inline of type {other:?}")),
            })
        }
        "FactSet" => {
            let facts = list(element, "facts");
            let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
            // Teams leaves out a fact without a title or value.
            let good = !facts.is_empty() && facts.iter().all(|fact| text(&fact["title"]) && fact["value"].is_string());
            good.then_some(()).ok_or_else(|| "a FactSet without facts, or a fact without words".to_owned())
        }
        other => Err(format!("an element of type {other:?}")),
    }
}

fn check_text(element: &Value) -> Result<(), String> {
    if element["text"].as_str().is_none_or(str::is_empty) {
        return Err("an empty text".to_owned());
    }
    let color = element["color"].as_str().unwrap_or("Default");
    COLORS.contains(&color).then_some(()).ok_or_else(|| format!("the colour {color}"))
}

fn check_actions(actions: &[Value]) -> Result<(), String> {
    if actions.len() > MAX_ACTIONS {
        return Err(format!("{} actions", actions.len()));
    }
    let opens = |action: &Value| {
        action["type"] == "Action.OpenUrl" && action["url"].as_str().is_some_and(|url| url.starts_with("http"))
    };
    actions.iter().all(opens).then_some(()).ok_or_else(|| "an action that a webhook's card cannot have".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn card(body: &Value, actions: &Value) -> Result<(), String> {
        let content = json!({ "type": "AdaptiveCard", "version": "1.4", "body": body, "actions": actions });
        refusal(&json!({ "type": "message", "attachments": [{ "contentType": CARD, "content": content }] }))
    }

    #[test]
    fn only_what_teams_shows_is_taken() {
        let text = json!({ "type": "TextBlock", "text": "x" });
        let open = json!({ "type": "Action.OpenUrl", "title": "Open", "url": "https://x.example" });
        assert_eq!(card(&json!([text]), &json!(vec![open.clone(); 6])), Ok(()));
        for (body, actions) in [
            (json!([]), json!([])),
            (json!([{ "type": "TextBlock", "text": "" }]), json!([])),
            (json!([{ "type": "RichTextBlock", "inlines": [] }]), json!([])),
            (json!([{ "type": "FactSet", "facts": [] }]), json!([])),
            (json!([{ "type": "FactSet", "facts": [{ "title": "", "value": "x" }] }]), json!([])),
            (json!([{ "type": "Table" }]), json!([])),
            (json!([{ "type": "TextBlock", "text": "x", "color": "#ff0000" }]), json!([])),
            (json!([text]), json!(vec![open; 7])),
            (json!([text]), json!([{ "type": "Action.Submit" }])),
        ] {
            assert!(card(&body, &actions).is_err(), "{body} {actions}");
        }
        assert!(refusal(&json!({ "type": "message", "attachments": [] })).is_err());
    }
}
