//! Slack's limits on a message, from its reference of Block Kit and of attachments.
//!
//! Sources: <https://docs.slack.dev/reference/block-kit/blocks> (50 blocks; header 150; section 3,000 and 10 fields of
//! 2,000; context 10 elements; actions 25; block_id 255), <https://docs.slack.dev/reference/methods/chat.postMessage>
//! (text 40,000; 100 attachments). The total near 13,000 characters is undocumented, and met in practice.

use serde_json::Value;

use crate::double::list;

const MAX_BLOCKS: usize = 50;
const MAX_TOTAL: usize = 13_000;
const MAX_TEXT: usize = 40_000;
const MAX_ATTACHMENTS: usize = 100;

/// What Slack would answer instead of `ok`, and why in our words.
///
/// # Errors
/// The error string of Slack and the reason, for a message that breaks a limit.
pub fn refusal(message: &Value) -> Result<(), (&'static str, String)> {
    if !message.is_object() {
        return Err(("invalid_payload", "not an object".to_owned()));
    }
    let (blocks, attachments) = (list(message, "blocks"), list(message, "attachments"));
    let text = message["text"].as_str().unwrap_or_default();
    if text.is_empty() && blocks.is_empty() && attachments.is_empty() {
        return Err(("no_text", "neither text nor blocks nor attachments".to_owned()));
    }
    if text.chars().count() > MAX_TEXT {
        return Err(("invalid_payload", format!("text of {} characters", text.chars().count())));
    }
    if attachments.len() > MAX_ATTACHMENTS {
        return Err(("too_many_attachments", format!("{} attachments", attachments.len())));
    }
    check_blocks(blocks).map_err(|why| ("invalid_blocks", why))?;
    for attachment in attachments {
        check_blocks(list(attachment, "blocks")).map_err(|why| ("invalid_attachments", why))?;
    }
    let total = characters(&message["blocks"]) + characters(&message["attachments"]);
    if total > MAX_TOTAL {
        return Err(("invalid_blocks", format!("{total} characters in all")));
    }
    Ok(())
}

fn check_blocks(blocks: &[Value]) -> Result<(), String> {
    if blocks.len() > MAX_BLOCKS {
        return Err(format!("{} blocks", blocks.len()));
    }
    blocks.iter().enumerate().try_for_each(|(at, block)| check_block(block).map_err(|why| format!("block {at}: {why}")))
}

fn check_block(block: &Value) -> Result<(), String> {
    within(block["block_id"].as_str().unwrap_or_default(), 255, "block_id")?;
    match block["type"].as_str().unwrap_or_default() {
        "header" => text_object(&block["text"], 150, &["plain_text"]),
        "section" => check_section(block),
        "context" => {
            let elements = list(block, "elements");
            count(elements, 10, "elements")?;
            elements
                .iter()
                .filter(|element| element["type"] != "image")
                .try_for_each(|element| text_object(element, 3000, BOTH))
        }
        "actions" => count(list(block, "elements"), 25, "elements"),
        "image" => within(block["alt_text"].as_str().ok_or("no alt_text")?, 2000, "alt_text"),
        "divider" | "rich_text" | "markdown" | "table" => Ok(()),
        other => Err(format!("unknown type {other:?}")),
    }
}

fn check_section(block: &Value) -> Result<(), String> {
    let fields = list(block, "fields");
    match (&block["text"], fields.is_empty()) {
        (Value::Null, true) => return Err("neither text nor fields".to_owned()),
        (Value::Null, false) => {}
        (text, _) => text_object(text, 3000, BOTH)?,
    }
    if !fields.is_empty() {
        count(fields, 10, "fields")?;
    }
    fields.iter().try_for_each(|field| text_object(field, 2000, BOTH))
}

const BOTH: &[&str] = &["plain_text", "mrkdwn"];

fn text_object(object: &Value, limit: usize, kinds: &[&str]) -> Result<(), String> {
    let kind = object["type"].as_str().unwrap_or_default();
    if !kinds.contains(&kind) {
        return Err(format!("a text of type {kind:?}"));
    }
    let text = object["text"].as_str().unwrap_or_default();
    if text.is_empty() { Err("an empty text".to_owned()) } else { within(text, limit, "text") }
}

fn within(text: &str, limit: usize, what: &str) -> Result<(), String> {
    let length = text.chars().count();
    if length > limit { Err(format!("{what} of {length} characters, {limit} are allowed")) } else { Ok(()) }
}

fn count(items: &[Value], limit: usize, what: &str) -> Result<(), String> {
    if (1..=limit).contains(&items.len()) {
        Ok(())
    } else {
        Err(format!("{} {what}, 1 to {limit} are allowed", items.len()))
    }
}

/// The characters of all strings below, without the keys of the protocol.
fn characters(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.iter().map(characters).sum(),
        Value::Object(fields) => {
            fields.iter().filter(|(key, _)| *key != "type").map(|(_, value)| characters(value)).sum()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn verdict(message: &Value) -> &'static str {
        refusal(message).err().map_or("ok", |(error, _)| error)
    }

    #[test]
    fn each_limit_holds_to_the_character() {
        let header = |n: usize| json!({ "blocks": [{ "type": "header", "text": { "type": "plain_text", "text": "h".repeat(n) } }] });
        let section = |n: usize| json!({ "type": "section", "text": { "type": "mrkdwn", "text": "ü".repeat(n) } });
        let fields = |n: usize, each: usize| {
            let field = json!({ "type": "mrkdwn", "text": "f".repeat(each) });
            json!({ "blocks": [{ "type": "section", "fields": vec![field; n] }] })
        };
        assert_eq!((verdict(&header(150)), verdict(&header(151))), ("ok", "invalid_blocks"));
        let one = |n| json!({ "blocks": [section(n)] });
        assert_eq!(
            (verdict(&one(3000)), verdict(&one(3001)), verdict(&one(0))),
            ("ok", "invalid_blocks", "invalid_blocks")
        );
        assert_eq!((verdict(&fields(10, 1000)), verdict(&fields(11, 1))), ("ok", "invalid_blocks"));
        assert_eq!((verdict(&fields(1, 2000)), verdict(&fields(1, 2001))), ("ok", "invalid_blocks"));
        let many = |n: usize| json!({ "blocks": vec![section(1); n] });
        assert_eq!((verdict(&many(50)), verdict(&many(51))), ("ok", "invalid_blocks"));
        let total = |n: usize| json!({ "attachments": [{ "color": "#ff0000", "blocks": vec![section(2000); n] }] });
        assert_eq!((verdict(&total(6)), verdict(&total(7))), ("ok", "invalid_blocks"));
        assert_eq!(
            verdict(&json!({ "text": "x", "attachments": [{ "blocks": [{ "type": "bogus" }] }] })),
            "invalid_attachments"
        );
        assert_eq!((verdict(&json!([])), verdict(&json!({ "text": "" }))), ("invalid_payload", "no_text"));
    }
}
