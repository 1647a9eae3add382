//! What stands between `[` and `]`: numbers with their padding, letters, words, steps.

use super::error::{Flaw, InventoryErrorKind, clip};

/// One item of a bracket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Range {
    /// Just this text.
    Word(String),
    /// `01-20/2`: width 0 means that nothing is padded.
    Numbers { first: u64, last: u64, step: u64, width: usize },
    /// `a-f/2`, `AA-AC`: counted as numbers of base 26 with that many digits.
    Letters { first: u64, last: u64, step: u64, width: usize, upper: bool },
}

/// Digits that surely fit a `u64`.
pub(super) const MAX_DIGITS: usize = 18;

/// Letters whose count surely fits.
const MAX_LETTERS: usize = 6;

// === impl Range ===

impl Range {
    /// Reads one item; offsets in flaws count from its first byte.
    pub(super) fn parse(item: &str) -> Result<Self, Flaw> {
        let text = item.trim();
        let at = item.len() - item.trim_start().len();
        if text.is_empty() {
            return Err(Flaw::syntax(at, "nothing stands here").help(EXAMPLE));
        }
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range.trim_end(), Some(step)),
            None => (text, None),
        };
        let Some((first, last)) = range.split_once('-') else {
            return match step {
                None => Ok(Self::Word(text.to_owned())),
                Some(_) => Err(Flaw::syntax(at, format!("the step of `{}` needs a range", clip(text))).help(EXAMPLE)),
            };
        };
        let step = step.map_or(Ok(1), |step| parse_step(step, text).map_err(|flaw| flaw.shifted(at)))?;
        Self::between(first.trim(), last.trim(), step, range).map_err(|flaw| flaw.shifted(at))
    }

    fn between(first: &str, last: &str, step: u64, range: &str) -> Result<Self, Flaw> {
        let all = |text: &str, is: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|b| is(&b));
        let both = |is: fn(&u8) -> bool| all(first, is) && all(last, is);
        let made = if both(u8::is_ascii_digit) {
            numbers(first, last, step, range)?
        } else if both(u8::is_ascii_lowercase) || both(u8::is_ascii_uppercase) {
            letters(first, last, step, range)?
        } else {
            return Err(Flaw::syntax(0, format!("`{}` is not a range", clip(range))).help(EXAMPLE));
        };
        match made {
            Self::Numbers { first: a, last: b, .. } | Self::Letters { first: a, last: b, .. } if a > b => {
                let flaw = Flaw::syntax(0, format!("the range `{}` runs backwards", clip(range)));
                Err(flaw.help(format!("write `{}-{}`", clip(last), clip(first))))
            }
            made => Ok(made),
        }
    }

    /// How many texts it stands for; at least one.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Word(_) => 1,
            Self::Numbers { first, last, step, .. } | Self::Letters { first, last, step, .. } => {
                (last - first) / step + 1
            }
        }
    }

    /// Appends the text number `index`, which is below [`count`](Self::count).
    pub(super) fn push(&self, index: u64, out: &mut String) {
        match self {
            Self::Word(word) => out.push_str(word),
            Self::Numbers { first, step, width, .. } => push_number(first + index * step, *width, out),
            Self::Letters { first, step, width, upper, .. } => {
                push_letters(first + index * step, *width, if *upper { b'A' } else { b'a' }, out);
            }
        }
    }
}

const EXAMPLE: &str = "expected numbers or letters as in `01-20`, `0-20/4`, `a-c`, or single ones between commas";

fn parse_step(step: &str, text: &str) -> Result<u64, Flaw> {
    let flaw = || {
        let at = text.len() - step.len();
        Flaw::syntax(at, format!("the step `{}` is not a number from 1", clip(step)))
            .help("write `0-20/4` for 0, 4, 8, …")
    };
    let digits = step.trim();
    if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(flaw());
    }
    digits.parse().ok().filter(|step| *step > 0).ok_or_else(flaw)
}

fn numbers(first: &str, last: &str, step: u64, range: &str) -> Result<Range, Flaw> {
    let padded = |digits: &str| digits.len() > 1 && digits.starts_with('0');
    if first.len() > MAX_DIGITS || last.len() > MAX_DIGITS {
        let message = format!("the numbers of `{}` are longer than {MAX_DIGITS} digits", clip(range));
        return Err(Flaw::new(InventoryErrorKind::Limit, 0, message));
    }
    let width = if padded(first) || padded(last) { first.len() } else { 0 };
    if width > 0 && first.len() != last.len() {
        let wide = first.len().max(last.len());
        let flaw = Flaw::syntax(0, format!("the ends of `{range}` differ in width, and one has a leading zero"));
        return Err(flaw.help(format!("write `{first:0>wide$}-{last:0>wide$}`, or leave the zeros out")));
    }
    let (Ok(first), Ok(last)) = (first.parse(), last.parse()) else {
        return Err(Flaw::syntax(0, format!("`{}` is not a range", clip(range))).help(EXAMPLE));
    };
    Ok(Range::Numbers { first, last, step, width })
}

fn letters(first: &str, last: &str, step: u64, range: &str) -> Result<Range, Flaw> {
    if first.len() != last.len() || first.len() > MAX_LETTERS {
        let flaw = Flaw::syntax(0, format!("`{}` is not a range", clip(range)));
        return Err(
            flaw.help(format!("letters count as in `a-f` or `aa-cz`: both ends of one length, at most {MAX_LETTERS}"))
        );
    }
    let value = |text: &str| text.bytes().fold(0, |sum, b| sum * 26 + u64::from(b.to_ascii_lowercase() - b'a'));
    let upper = first.bytes().all(|b| b.is_ascii_uppercase());
    Ok(Range::Letters { first: value(first), last: value(last), step, width: first.len(), upper })
}

/// In decimal, with zeros in front up to `width`.
pub(super) fn push_number(mut number: u64, width: usize, out: &mut String) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    for _ in digits.len() - at..width {
        out.push('0');
    }
    out.extend(digits[at..].iter().map(|b| char::from(*b)));
}

fn push_letters(mut number: u64, width: usize, base: u8, out: &mut String) {
    let mut letters = [base; MAX_LETTERS];
    for slot in letters.iter_mut().take(width).rev() {
        *slot = base + (number % 26) as u8;
        number /= 26;
    }
    out.extend(letters.iter().take(width).map(|b| char::from(*b)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(item: &str) -> Vec<String> {
        let range = Range::parse(item).unwrap();
        let text = |i| {
            let mut out = String::new();
            range.push(i, &mut out);
            out
        };
        (0..range.count()).map(text).collect()
    }

    #[test]
    fn padding_steps_letters_and_words() {
        assert_eq!(texts("8-11"), ["8", "9", "10", "11"]);
        assert_eq!(texts("08-11"), ["08", "09", "10", "11"]);
        assert_eq!(texts(" 0-20/8 "), ["0", "8", "16"]);
        assert_eq!(texts("007"), ["007"]);
        assert_eq!(texts("a-c"), ["a", "b", "c"]);
        assert_eq!(texts("az-bb"), ["az", "ba", "bb"]);
        assert_eq!(texts("A-E/2"), ["A", "C", "E"]);
        assert_eq!(texts("blue"), ["blue"]);
        assert_eq!(texts("5-5"), ["5"]);
    }

    #[test]
    fn what_is_no_range_says_so() {
        for (item, message) in [
            ("", "nothing stands here"),
            ("3-1", "the range `3-1` runs backwards"),
            ("01-3", "the ends of `01-3` differ in width, and one has a leading zero"),
            ("9-010", "the ends of `9-010` differ in width, and one has a leading zero"),
            ("a-C", "`a-C` is not a range"),
            ("a-10", "`a-10` is not a range"),
            ("1-", "`1-` is not a range"),
            ("-1", "`-1` is not a range"),
            ("1-2-3", "`1-2-3` is not a range"),
            ("5/2", "the step of `5/2` needs a range"),
            ("1-5/0", "the step `0` is not a number from 1"),
            ("1-5/x", "the step `x` is not a number from 1"),
            ("1-9999999999999999999", "the numbers of `1-9999999999999999999` are longer than 18 digits"),
        ] {
            assert_eq!(Range::parse(item).unwrap_err().message, message, "{item}");
        }
        assert_eq!(Range::parse("01-3").unwrap_err().help.unwrap(), "write `01-03`, or leave the zeros out");
    }
}
