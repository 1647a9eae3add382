//! Discord's limits on a message of a webhook.
//!
//! Sources: <https://discord.com/developers/docs/resources/webhook#execute-webhook> (content 2,000; 10 embeds; one of
//! content and embeds), <https://discord.com/developers/docs/resources/message#embed-object-embed-limits> (title 256,
//! description 4,096, 25 fields of 256 and 1,024, footer 2,048, author 256; 6,000 over all embeds of a message).

use serde_json::Value;

use crate::double::{length, list};

const MAX_CONTENT: usize = 2_000;
const MAX_EMBEDS: usize = 10;
const MAX_TOTAL: usize = 6_000;
const MAX_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 4_096;
const MAX_FIELDS: usize = 25;
const MAX_NAME: usize = 256;
const MAX_VALUE: usize = 1_024;
const MAX_FOOTER: usize = 2_048;
const MAX_AUTHOR: usize = 256;
const MAX_COLOR: u64 = 0xff_ff_ff;

/// The field that Discord would name, and why.
///
/// # Errors
/// That, for a message that breaks a limit.
pub fn refusal(message: &Value) -> Result<(), (String, String)> {
    let embeds = list(message, "embeds");
    if length(&message["content"]) == 0 && embeds.is_empty() {
        return Err((String::new(), "Cannot send an empty message".to_owned()));
    }
    within(length(&message["content"]), MAX_CONTENT, "content")?;
    within(embeds.len(), MAX_EMBEDS, "embeds")?;
    let mut total = 0;
    for (at, embed) in embeds.iter().enumerate() {
        total += check_embed(embed).map_err(|(field, why)| (format!("embeds.{at}.{field}"), why))?;
    }
    within(total, MAX_TOTAL, "embeds")
}

/// How many characters count.
fn check_embed(embed: &Value) -> Result<usize, (String, String)> {
    let (title, description) = (length(&embed["title"]), length(&embed["description"]));
    let (footer, author) = (length(&embed["footer"]["text"]), length(&embed["author"]["name"]));
    let fields = list(embed, "fields");
    within(title, MAX_TITLE, "title")?;
    within(description, MAX_DESCRIPTION, "description")?;
    within(footer, MAX_FOOTER, "footer.text")?;
    within(author, MAX_AUTHOR, "author.name")?;
    within(fields.len(), MAX_FIELDS, "fields")?;
    let mut total = title + description + footer + author;
    for (at, field) in fields.iter().enumerate() {
        for (part, most) in [("name", MAX_NAME), ("value", MAX_VALUE)] {
            let text = field[part].as_str().unwrap_or_default();
            let name = format!("fields.{at}.{part}");
            if text.trim().is_empty() {
                return Err((name, "This field is required".to_owned()));
            }
            within(text.chars().count(), most, &name)?;
            total += text.chars().count();
        }
    }
    if total == 0 {
        return Err(("description".to_owned(), "This field is required".to_owned()));
    }
    let is = |field: &str, good: bool, why: &str| {
        if good || embed[field].is_null() { Ok(()) } else { Err((field.to_owned(), why.to_owned())) }
    };
    let url = embed["url"].as_str().unwrap_or_default();
    is("url", ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)), "Not a well formed URL.")?;
    let time = embed["timestamp"].as_str().unwrap_or_default();
    is("timestamp", time.parse::<jiff::Timestamp>().is_ok(), "Could not parse. Should be ISO8601.")?;
    is("color", embed["color"].as_u64().is_some_and(|color| color <= MAX_COLOR), "Not a colour.")?;
    Ok(total)
}

fn within(count: usize, most: usize, field: &str) -> Result<(), (String, String)> {
    if count <= most { Ok(()) } else { Err((field.to_owned(), format!("{count}, must be {most} or fewer"))) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(message: &Value) -> String {
        refusal(message).err().map_or("ok".to_owned(), |(field, _)| field)
    }

    #[test]
    fn each_limit_holds_to_the_character() {
        let embed = |key: &str, n: usize| field(&json!({ "embeds": [{ key: "ü".repeat(n), "color": 1 }] }));
        for (key, most) in [("title", 256), ("description", 4096)] {
            assert_eq!((embed(key, most), embed(key, most + 1)), ("ok".to_owned(), format!("embeds.0.{key}")));
        }
        let content = |n: usize| field(&json!({ "content": "c".repeat(n) }));
        assert_eq!((content(2000), content(2001), content(0)), ("ok".into(), "content".into(), String::new()));
        let fields = |n: usize, name: usize, value: usize| {
            let one = json!({ "name": "n".repeat(name), "value": "v".repeat(value) });
            field(&json!({ "embeds": [{ "fields": vec![one; n] }] }))
        };
        assert_eq!((fields(25, 1, 1), fields(26, 1, 1)), ("ok".into(), "embeds.0.fields".into()));
        assert_eq!((fields(1, 256, 1024), fields(1, 257, 1)), ("ok".into(), "embeds.0.fields.0.name".into()));
        assert_eq!((fields(1, 1, 1025), fields(1, 1, 0)).0, "embeds.0.fields.0.value");
        assert_eq!(fields(1, 1, 0), "embeds.0.fields.0.value");
        let many = |n: usize, each: usize| field(&json!({ "embeds": vec![json!({ "title": "t".repeat(each) }); n] }));
        assert_eq!((many(10, 1), many(11, 1)), ("ok".into(), "embeds".into()));
        let total = |last: usize| {
            let texts = [4000, 1744, last].map(|n| json!({ "description": "d".repeat(n) }));
            field(&json!({ "embeds": texts }))
        };
        assert_eq!((total(256), total(257)), ("ok".into(), "embeds".into()), "6,000 over all embeds");
        for (key, value) in [("url", "javascript:x"), ("timestamp", "noon"), ("color", "red")] {
            assert_eq!(field(&json!({ "embeds": [{ "title": "t", key: value }] })), format!("embeds.0.{key}"));
        }
    }
}
