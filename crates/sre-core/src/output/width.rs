//! Text measured in terminal columns: cleaned, cut and padded.
//!
//! ```
//! use sre_core::output::{Glyphs, width};
//! assert_eq!(width::of("日本"), 4);
//! assert_eq!(width::truncate("payments/api", 8, Glyphs::UNICODE), "payment…");
//! assert_eq!(width::pad("91%", 5, width::Align::Right), "  91%");
//! assert_eq!(width::clean("two\nlines\u{1b}[31m"), "two lines [31m");
//! ```

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::glyphs::Glyphs;

/// On which side the text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Align {
    /// Text and names.
    #[default]
    Left,
    /// Numbers.
    Right,
}

/// How many columns the text takes (Unicode Standard Annex 11).
#[must_use]
pub fn of(text: &str) -> usize {
    text.width()
}

/// One line without control characters (they become spaces) and without the marks that reverse the writing direction,
/// so that what a remote system sends can neither break the layout nor steer the terminal.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    let direction = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.chars().any(|c| c.is_control() || direction(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| !direction(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect())
}

/// Cuts the text to at most `columns`; what was cut shows as an ellipsis.
#[must_use]
pub fn truncate(text: &str, columns: usize, glyphs: Glyphs) -> Cow<'_, str> {
    if of(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mark = longest_prefix(glyphs.ellipsis, columns);
    let head = longest_prefix(text, columns - of(mark));
    Cow::Owned(format!("{head}{mark}"))
}

/// Fills the text up to `columns` with spaces; longer text stays as it is.
#[must_use]
pub fn pad(text: &str, columns: usize, align: Align) -> String {
    let fill = " ".repeat(columns.saturating_sub(of(text)));
    match align {
        Align::Left => format!("{text}{fill}"),
        Align::Right => format!("{fill}{text}"),
    }
}

/// Measured as a whole and not by character: in an emoji sequence the sum of the parts is not the width.
fn longest_prefix(text: &str, columns: usize) -> &str {
    let mut best = 0;
    for (start, c) in text.char_indices() {
        let end = start + c.len_utf8();
        match of(&text[..end]) {
            w if w <= columns => best = end,
            // A joiner may still make it narrower, but never by more than one wide character.
            w if w > columns + 2 => break,
            _ => {}
        }
    }
    &text[..best]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_character_is_not_halved() {
        assert_eq!(truncate("日本語", 4, Glyphs::UNICODE), "日…");
        assert_eq!(truncate("日本語", 6, Glyphs::UNICODE), "日本語");
        assert_eq!(truncate("abc", 1, Glyphs::ASCII), ".");
        assert_eq!(truncate("abc", 0, Glyphs::UNICODE), "");
    }

    proptest::proptest! {
        #[test]
        fn cut_text_fits_and_is_one_line(s in "\\PC*|.*", columns in 0_usize..40) {
            let line = clean(&s);
            proptest::prop_assert!(!line.chars().any(char::is_control));
            for glyphs in [Glyphs::UNICODE, Glyphs::ASCII] {
                proptest::prop_assert!(of(&truncate(&line, columns, glyphs)) <= columns);
            }
        }
    }
}
