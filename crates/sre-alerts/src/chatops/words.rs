//! The words of a command's text. They are data: nothing is expanded, no shell ever sees them.
//!
//! Slack escapes `&`, `<` and `>`, and turns what looks like a link, a user or a channel into markup
//! (`<http://web-01.example|web-01.example>`, `<@U1|ada>`): the words are what was typed. Double quotes, the round ones
//! that telephones type too, hold words together.

use super::command::Usage;

/// More words than any command takes.
const MOST: usize = 100;

/// The words of `text`.
pub(super) fn split(text: &str) -> Result<Vec<String>, Usage> {
    let text = plain(text);
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' | '“' | '”' | '„' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c if c.is_control() => return Err(Usage::new("there are control characters in it")),
            c => word.get_or_insert_default().push(c),
        }
        if words.len() > MOST {
            return Err(Usage::new("these are too many words"));
        }
    }
    if quoted {
        return Err(Usage::new("a quote is not closed"));
    }
    words.extend(word);
    Ok(words)
}

/// Without markup and escapes.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    // Slack's own `<`; a typed one came as `&lt;`.
    while let Some((before, after)) = rest.split_once('<') {
        let Some((markup, after)) = after.split_once('>') else { break };
        plain.push_str(before);
        plain.push_str(shown(markup));
        rest = after;
    }
    plain.push_str(rest);
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Users and channels by their id, links by what was typed.
fn shown(markup: &str) -> &str {
    let (target, label) = markup.split_once('|').unwrap_or((markup, markup));
    if target.starts_with(['@', '#', '!']) { target } else { label }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed() {
        for (text, expected) in [
            ("", vec![]),
            ("  a  b ", vec!["a", "b"]),
            ("<http://web-01.example|web-01.example> <https://x.example>", vec!["web-01.example", "https://x.example"]),
            ("<@U1|ada> <#C1|ops> <!here>", vec!["@U1", "#C1", "!here"]),
            ("a &lt;b&gt; &amp;amp;", vec!["a", "<b>", "&amp;"]),
            ("\"two words\" “round ones” x=\"a b\" \"\"", vec!["two words", "round ones", "x=a b", ""]),
            ("don't $(reboot) `id` ; rm -rf / *", vec!["don't", "$(reboot)", "`id`", ";", "rm", "-rf", "/", "*"]),
            ("a < b", vec!["a", "<", "b"]),
        ] {
            assert_eq!(split(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read() {
        assert_eq!(split("\"a").unwrap_err().to_string(), "a quote is not closed");
        assert_eq!(split("a\u{1b}[2J").unwrap_err().to_string(), "there are control characters in it");
        assert_eq!(split(&"a ".repeat(200)).unwrap_err().to_string(), "these are too many words");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text: String) {
            let _ = split(&text);
        }
    }
}
