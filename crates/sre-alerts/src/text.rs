//! Makes words fit where they are sent: cut on a character boundary, split without loss, free of control characters.
//!
//! Lengths are counted in UTF-16 units, the strictest of the ways in which receivers count: a limit in characters or
//! code points is never exceeded. A cut says how much is missing.

use std::borrow::Cow;

/// Room for `… (+18446744073709551615 characters)` and the end of a code fence.
const MARK: usize = 40;
/// Below this, marks and fences would leave no room for text.
const SHORTEST: usize = 80;
/// A link that is longer is no link a person can use.
const LONGEST_LINK: usize = 2048;
const FENCE: &str = "```";

/// Length in UTF-16 units.
#[must_use]
pub fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Cuts the end off when `text` is longer than `limit` (taken as 80 if less), and says how many characters went.
#[must_use]
pub fn truncate(text: &str, limit: usize) -> Cow<'_, str> {
    let limit = limit.max(SHORTEST);
    if length(text) <= limit {
        return Cow::Borrowed(text);
    }
    let end = cut_at(text, limit.saturating_sub(MARK), false);
    let kept = text[..end].trim_end();
    let gone = text[kept.len()..].chars().count();
    let fence = if in_fence(kept) { "\n```" } else { "" };
    Cow::Owned(format!("{kept}{fence}… (+{gone} characters)"))
}

/// Cuts `text` into pieces of at most `limit` (taken as 80 if less), at line breaks or spaces where there are any. Nothing is
/// lost: the pieces joined are the text, but for code fences, which are closed and opened again around a cut.
#[must_use]
pub fn split(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(SHORTEST);
    let mut pieces = Vec::new();
    let mut rest = Cow::Borrowed(text);
    while length(&rest) > limit {
        let end = cut_at(&rest, limit.saturating_sub(FENCE.len() + 1), true);
        let mut piece = rest[..end].to_owned();
        rest = if in_fence(&piece) {
            piece.push_str("\n```");
            Cow::Owned(format!("{FENCE}{}", &rest[end..]))
        } else {
            Cow::Owned(rest[end..].to_owned())
        };
        pieces.push(piece);
    }
    if !rest.is_empty() {
        pieces.push(rest.into_owned());
    }
    pieces
}

/// Replaces control characters other than line breaks and tabs: some receivers refuse them, and none can be seen.
pub(crate) fn visible(text: &str) -> String {
    let hidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.replace("\r\n", "\n").replace(hidden, "\u{fffd}")
}

/// Puts a backslash before what Markdown would take for markup.
pub(crate) fn escape_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\*_~`|>#[]()<".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// A link that may be put behind words that people click on.
pub(crate) fn safe_link(url: &str) -> Option<&str> {
    let http = url.starts_with("https://") || url.starts_with("http://");
    (http && url.len() <= LONGEST_LINK && !url.contains(char::is_whitespace)).then_some(url)
}

fn in_fence(text: &str) -> bool {
    text.matches(FENCE).count() % 2 == 1
}

/// The byte at which to cut so that at most `limit` units remain: never inside a character, an entity or a link, and
/// with `nicely` after a line break or a space if one is in the second half. At least one character remains.
fn cut_at(text: &str, limit: usize, nicely: bool) -> usize {
    let hard = hard_cut(text, limit);
    let kept = &text[..hard];
    let late = |at: usize| at > hard / 2;
    let nice = || [kept.rfind('\n'), kept.rfind(' ')].into_iter().flatten().map(|at| at + 1).find(|&at| late(at));
    let end = if nicely { nice().unwrap_or(hard) } else { hard };
    let kept = &text[..end];
    let inside = |open: char, close: char, longest: usize| {
        kept.rfind(open).filter(|&at| {
            let ends_later = text[at..].find(close).is_some_and(|len| len <= longest && at + len >= end);
            late(at) && ends_later
        })
    };
    // A link may be long; an entity is `&amp;` at most.
    let end = inside('<', '>', usize::MAX).or_else(|| inside('&', ';', 4)).unwrap_or(end);
    // A fence cut in two would be counted as none.
    let ticks = text[..end].len() - text[..end].trim_end_matches('`').len();
    let splits_fence = ticks > 0 && ticks < FENCE.len() && text[end..].starts_with('`') && late(end - ticks);
    if splits_fence { end - ticks } else { end }
}

fn hard_cut(text: &str, limit: usize) -> usize {
    let mut units = 0;
    let first = text.chars().next().map_or(0, char::len_utf8);
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if units > limit {
            return at.max(first);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_and_links_stay_whole() {
        let text = format!("{}&amp; more text to be cut off here", "x".repeat(107));
        assert!(truncate(&text, 150).len() <= 150);
        for pad in 60..110 {
            let text = format!("{}&amp;{}", "x".repeat(pad), "y".repeat(200));
            let cut = truncate(&text, 120);
            assert!(!cut.contains('&') || cut.contains("&amp;"), "{cut}");
            let text = format!("{}<https://a.example|b>{}", "x".repeat(pad), "y".repeat(200));
            let pieces = split(&text, 100);
            assert!(pieces.iter().all(|p| p.matches('<').count() == p.matches('>').count()), "{pieces:?}");
        }
    }

    #[test]
    fn code_stays_code_in_every_piece() {
        let code = format!("```\n{}\n```", "line of code\n".repeat(40));
        let pieces = split(&code, 120);
        assert!(pieces.len() > 3);
        for piece in &pieces {
            assert!(piece.starts_with("```") && piece.trim_end().ends_with("```") && length(piece) <= 120, "{piece}");
        }
        assert!(truncate(&code, 120).contains("\n```…"));
    }

    #[test]
    fn a_surrogate_pair_counts_twice_and_is_never_cut() {
        let text = "🦀".repeat(100);
        let cut = truncate(&text, 99);
        assert!(length(&cut) <= 99 && cut.ends_with("(+71 characters)"), "{cut}");
    }

    proptest::proptest! {
        #[test]
        fn truncated_text_fits(text in "[a-z&;<>|` \n🦀]{0,400}", limit in 80_usize..300) {
            assert!(length(&truncate(&text, limit)) <= limit);
        }

        #[test]
        fn split_text_fits_and_loses_nothing(text in "[a-z&;<>|` \n🦀é]{0,600}", limit in 80_usize..300) {
            let pieces = split(&text, limit);
            assert!(pieces.iter().all(|p| length(p) <= limit), "{pieces:?}");
            let bare = |t: &str| t.replace(['`', '\n'], "");
            assert_eq!(bare(&pieces.concat()), bare(&text));
        }
    }
}
