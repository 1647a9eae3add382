//! Patterns for host names as OpenSSH has them: `*` is any text, `?` any one byte, and nothing else is special
//! (ssh_config(5), PATTERNS).

/// Whether `text` as a whole fits `pattern`. Linear in practice: a `*` is only ever taken back to the last one.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last star does not fit: one byte more belongs to the star.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

/// Whether a list of patterns, some of them with a leading `!`, takes `text`: one fits, and none of the negated ones.
pub(crate) fn list_matches<'a>(patterns: impl IntoIterator<Item = &'a str>, text: &str) -> bool {
    let mut taken = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(not) if matches(not, text) => return false,
            Some(_) => {}
            None => taken = taken || matches(pattern, text),
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "web-01", true),
            ("web-*", "web-", true),
            ("web-??", "web-01", true),
            ("web-??", "web-1", false),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("[*]:2222", "[db-1]:2222", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = format!("{}b", "*a".repeat(200));
        assert!(!matches(&pattern, &"a".repeat(20_000)));
        assert!(matches(&pattern, &format!("{}b", "a".repeat(20_000))));
    }

    #[test]
    fn a_negated_pattern_wins_wherever_it_stands() {
        assert!(list_matches(["*.example", "!db.example"], "web.example"));
        assert!(!list_matches(["*.example", "!db.example"], "db.example"));
        assert!(!list_matches(["!db.example", "*.example"], "db.example"));
        assert!(!list_matches(["!db.example"], "web.example"), "a negated pattern alone takes nothing");
    }
}
