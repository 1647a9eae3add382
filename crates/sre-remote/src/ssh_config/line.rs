//! One line of a configuration file: a keyword and its arguments.

const BLANK: [char; 2] = [' ', '\t'];

/// A line with something on it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) keyword: &'a str,
    pub(super) arguments: Vec<String>,
}

/// Splits `keyword arguments` or `keyword=arguments`; `None` for an empty line and a comment. An error is a lower-case
/// fragment.
pub(super) fn split(text: &str) -> Result<Option<Line<'_>>, String> {
    let text = text.trim_end_matches([' ', '\t', '\r', '\n', '\x0c']).trim_start_matches([' ', '\t', '\r']);
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let (keyword, rest) = keyword(text)?;
    let rest = rest.trim_start_matches(BLANK);
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start_matches(BLANK);
    if rest.is_empty() {
        return Err(format!("{keyword} has no value"));
    }
    Ok(Some(Line { keyword, arguments: arguments(rest)? }))
}

fn keyword(text: &str) -> Result<(&str, &str), String> {
    match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or_else(|| "a quote is not closed".to_owned()),
        None => Ok(text.split_at(text.find([' ', '\t', '=']).unwrap_or(text.len()))),
    }
}

/// Words between blanks; quotes of both kinds keep blanks together, a backslash protects a quote, a backslash and,
/// outside of quotes, a blank; `#` at the start of a word ends the line. As ssh does since 8.7.
fn arguments(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(BLANK);
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, after) = argument(rest)?;
        words.push(word);
        rest = after.trim_start_matches(BLANK);
    }
    Ok(words)
}

fn argument(text: &str) -> Result<(String, &str), String> {
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (_, '\\') => {
                let next = chars.peek().map(|(_, c)| *c);
                let protected = |c: &char| matches!(c, '"' | '\'' | '\\') || (quote.is_none() && *c == ' ');
                match next.filter(protected) {
                    Some(next) => {
                        chars.next();
                        word.push(next);
                    }
                    None => word.push('\\'),
                }
            }
            (None, ' ' | '\t') => return Ok((word, &text[at..])),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            _ => word.push(c),
        }
    }
    if quote.is_some() { Err("a quote is not closed".to_owned()) } else { Ok((word, "")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let line = split(text).unwrap().unwrap();
        [vec![line.keyword.to_owned()], line.arguments].concat()
    }

    #[test]
    fn keywords_and_arguments() {
        for (text, expected) in [
            ("Port 22", &["Port", "22"][..]),
            ("\tPort\t22 \r", &["Port", "22"]),
            ("Port=22", &["Port", "22"]),
            ("Port = 22", &["Port", "22"]),
            ("Port == 22", &["Port", "=", "22"]),
            ("Port = 22 = 3", &["Port", "22", "=", "3"]),
            ("\"User\" x", &["User", "x"]),
            ("User a\"b\"c", &["User", "abc"]),
            ("User 'a b' # c", &["User", "a b"]),
            ("User a#b", &["User", "a#b"]),
            (r"User a\ b\c\'d", &["User", r"a b\c'd"]),
            (r#"User "a\ b\"c""#, &["User", r#"a\ b"c"#]),
            ("User \"\"", &["User", ""]),
            ("Host \u{e4}  b", &["Host", "\u{e4}", "b"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        for text in ["", "  \t", "# Port 22", " #"] {
            assert_eq!(split(text).unwrap(), None);
        }
    }

    #[test]
    fn what_cannot_be_split_says_why() {
        for (text, why) in [
            ("Port", "Port has no value"),
            ("Port =", "Port has no value"),
            ("Port \"22", "a quote is not closed"),
            ("ProxyCommand nc 'x", "a quote is not closed"),
            ("\"Port", "a quote is not closed"),
        ] {
            assert_eq!(split(text).unwrap_err(), why, "{text}");
        }
    }
}
