//! One term of an expression: text with brackets in it, which stands for the product of its ranges.

use super::error::{Flaw, InventoryErrorKind, clip};
use super::range::Range;

/// The most hosts that one expression or one inventory may have. Some 150 bytes each: 150 MB at the limit.
pub const MAX_HOSTS: usize = 1_000_000;

/// Brackets in one term. More than any naming scheme has; bounds the recursion.
const MAX_RANGES: usize = 32;

/// Text and brackets in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Ranges(Vec<Range>),
}

// === impl Pattern ===

impl Pattern {
    /// Reads a term; offsets in flaws count from its first byte. A bracket with a colon in it is an IPv6 address and
    /// stays text.
    pub(super) fn parse(term: &str) -> Result<Self, Flaw> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = term;
        let mut at = 0;
        while let Some(found) = rest.find(['[', ']']) {
            check_text(&rest[..found]).map_err(|flaw| flaw.shifted(at))?;
            text.push_str(&rest[..found]);
            at += found;
            if rest[found..].starts_with(']') {
                return Err(Flaw::syntax(at, "a `]` without its `[`"));
            }
            let Some(inside) = closed(&rest[found + 1..]) else {
                return Err(Flaw::syntax(at, "this `[` is not closed").help("expected a `]` behind the range"));
            };
            if inside.contains(':') {
                check_text(inside).map_err(|flaw| flaw.shifted(at + 1))?;
                text.extend(["[", inside, "]"]);
            } else {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Ranges(ranges(inside).map_err(|flaw| flaw.shifted(at + 1))?));
            }
            rest = &rest[found + inside.len() + 2..];
            at += inside.len() + 2;
        }
        check_text(rest).map_err(|flaw| flaw.shifted(at))?;
        text.push_str(rest);
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        let pattern = Self { pieces };
        pattern.check_size(term)?;
        Ok(pattern)
    }

    fn check_size(&self, term: &str) -> Result<(), Flaw> {
        let dimensions = self.pieces.iter().filter(|piece| matches!(piece, Piece::Ranges(_))).count();
        if dimensions > MAX_RANGES {
            let message = format!("more than {MAX_RANGES} brackets in one name");
            return Err(Flaw::new(InventoryErrorKind::Limit, 0, message));
        }
        if self.count() > MAX_HOSTS as u64 {
            let message = format!("`{}` stands for more than {MAX_HOSTS} hosts", clip(term));
            return Err(Flaw::new(InventoryErrorKind::Limit, 0, message).help("split it, or look for a digit too many"));
        }
        Ok(())
    }

    /// How many names it stands for.
    pub(super) fn count(&self) -> u64 {
        self.pieces.iter().fold(1, |product: u64, piece| match piece {
            Piece::Text(_) => product,
            Piece::Ranges(ranges) => {
                product.saturating_mul(ranges.iter().fold(0, |sum: u64, range| sum.saturating_add(range.count())))
            }
        })
    }

    /// Hands out every name, the last range running fastest.
    pub(super) fn expand<E>(&self, mut name: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        walk(&self.pieces, &mut String::new(), &mut name)
    }
}

fn walk<E>(pieces: &[Piece], so_far: &mut String, name: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    let Some((piece, rest)) = pieces.split_first() else { return name(so_far) };
    let length = so_far.len();
    match piece {
        Piece::Text(text) => {
            so_far.push_str(text);
            walk(rest, so_far, name)?;
            so_far.truncate(length);
        }
        Piece::Ranges(ranges) => {
            for range in ranges {
                for index in 0..range.count() {
                    range.push(index, so_far);
                    walk(rest, so_far, name)?;
                    so_far.truncate(length);
                }
            }
        }
    }
    Ok(())
}

/// Up to the `]` that closes it.
fn closed(text: &str) -> Option<&str> {
    let end = text.find(['[', ']'])?;
    text[end..].starts_with(']').then(|| &text[..end])
}

fn ranges(inside: &str) -> Result<Vec<Range>, Flaw> {
    let mut found = Vec::new();
    let mut at = 0;
    for item in inside.split(',') {
        let range = Range::parse(item).map_err(|flaw| flaw.shifted(at))?;
        if let Range::Word(word) = &range {
            check_text(word).map_err(|flaw| flaw.shifted(at))?;
        }
        found.push(range);
        at += item.len() + 1;
    }
    Ok(found)
}

/// Characters that host, user, group and tag names have; `*` and `?` are looked at later.
fn check_text(text: &str) -> Result<(), Flaw> {
    let odd = |c: char| !(c.is_alphanumeric() || "-_.:@%+~$\\*?".contains(c));
    match text.char_indices().find(|(_, c)| odd(*c)) {
        None => Ok(()),
        Some((at, c)) if c.is_whitespace() => {
            Err(Flaw::syntax(at, "a name has no spaces").help("put a `,` between two hosts"))
        }
        Some((at, c)) => {
            let help = "names are letters, digits, `-`, `_` and `.`; `,` `!` `&` `^` stand between them";
            Err(Flaw::syntax(at, format!("{c:?} does not belong into a name")).help(help))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(term: &str) -> Vec<String> {
        let mut all = Vec::new();
        let done: Result<(), ()> = Pattern::parse(term).unwrap().expand(|name| {
            all.push(name.to_owned());
            Ok(())
        });
        done.unwrap();
        all
    }

    #[test]
    fn the_last_range_runs_fastest_and_order_is_as_written() {
        assert_eq!(names("rack[1-2]-node[09-10]"), ["rack1-node09", "rack1-node10", "rack2-node09", "rack2-node10"]);
        assert_eq!(names("web-[3,1].[eu,us]"), ["web-3.eu", "web-3.us", "web-1.eu", "web-1.us"]);
        assert_eq!(names("r[1-2][a-b]"), ["r1a", "r1b", "r2a", "r2b"]);
        assert_eq!(names("web-01.example"), ["web-01.example"]);
    }

    #[test]
    fn a_bracket_with_a_colon_is_an_address() {
        assert_eq!(names("sre@[2001:db8::1]:22"), ["sre@[2001:db8::1]:22"]);
        assert_eq!(names("[::1]:[22-23]"), ["[::1]:22", "[::1]:23"]);
        assert_eq!(names("2001:db8::[9-10]"), ["2001:db8::9", "2001:db8::10"]);
    }

    #[test]
    fn flaws_name_their_place() {
        for (term, at, message) in [
            ("web-[01-20", 4, "this `[` is not closed"),
            ("web-01]", 6, "a `]` without its `[`"),
            ("web-[1-[2]]", 4, "this `[` is not closed"),
            ("web-[1-2,,4]", 9, "nothing stands here"),
            ("web-[]", 5, "nothing stands here"),
            ("web 01", 3, "a name has no spaces"),
            ("web/01", 3, "'/' does not belong into a name"),
            ("a[1-10000].[1-10000]", 0, "`a[1-10000].[1-10000]` stands for more than 1000000 hosts"),
            (
                "a[0-999999999999999999][0-999999999999999999]",
                0,
                "`a[0-999999999999999999][0-999999999999999999]` stands for more than 1000000 hosts",
            ),
        ] {
            let flaw = Pattern::parse(term).unwrap_err();
            assert_eq!((flaw.at, flaw.message.as_str()), (at, message), "{term}");
        }
        assert!(Pattern::parse(&"[1]".repeat(33)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(term in r"[a-c\[\]0-9,/:@ é-]{0,24}|\PC*") {
            if let Ok(pattern) = Pattern::parse(&term) {
                let mut left = 1000;
                let _ = pattern.expand(|_| { left -= 1; if left > 0 { Ok(()) } else { Err(()) } });
            }
        }
    }
}
