//! What a scalar's text means once a type is asked for.
//!
//! The rules are those of the core schema of YAML 1.2 (section 10.3.2), with two differences that only matter once the
//! field's type is known: `yes`/`no`/`on`/`off` are accepted for a `bool`, and a leading zero is refused in a number.

/// Text, and what is known about how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) style: Style,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Bare, in a file: may be anything.
    Plain,
    /// Quoted or in a block, in a file: text and nothing else.
    Text,
    /// From a variable or a flag: may be anything, and a list when a list is asked for.
    Outside,
}

/// What a scalar is when no type is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Resolved {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text,
}

// === impl Scalar ===

impl Scalar {
    /// A value from a variable or a flag.
    pub(super) fn outside(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::Outside }
    }

    pub(super) fn is_null(&self) -> bool {
        self.style == Style::Plain && is_null(&self.text)
    }

    pub(super) fn resolve(&self) -> Resolved {
        match self.style {
            Style::Text => Resolved::Text,
            Style::Plain => resolve(&self.text),
            Style::Outside if is_null(&self.text) => Resolved::Text,
            Style::Outside => resolve(&self.text),
        }
    }

    /// The scalar as a truth value.
    pub(super) fn as_bool(&self) -> Option<bool> {
        let word = self.text.to_ascii_lowercase();
        let consistent = word == self.text || word.to_ascii_uppercase() == self.text || is_title(&self.text);
        match (self.style, word.as_str()) {
            (Style::Text, _) => None,
            (_, "true" | "yes" | "on") if consistent => Some(true),
            (_, "false" | "no" | "off") if consistent => Some(false),
            (Style::Outside, "1") => Some(true),
            (Style::Outside, "0") => Some(false),
            _ => None,
        }
    }
}

fn is_title(word: &str) -> bool {
    word.chars().enumerate().all(|(i, c)| c.is_ascii_uppercase() == (i == 0))
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn resolve(text: &str) -> Resolved {
    if is_null(text) {
        return Resolved::Null;
    }
    match text {
        "true" | "True" | "TRUE" => return Resolved::Bool(true),
        "false" | "False" | "FALSE" => return Resolved::Bool(false),
        _ => {}
    }
    if has_leading_zero(text) {
        return Resolved::Text;
    }
    if let Some(int) = int(text) {
        return Resolved::Int(int);
    }
    float(text).map_or(Resolved::Text, Resolved::Float)
}

/// `0777` is 511 to YAML 1.1 and 777 to YAML 1.2.
pub(super) fn has_leading_zero(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
}

/// A whole number: decimal, `0x` or `0o`.
pub(super) fn int(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        _ => (10, digits),
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let magnitude = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// A number with a fraction or an exponent, `.inf` or `.nan`.
pub(super) fn float(text: &str) -> Option<f64> {
    match text.strip_prefix(['-', '+']).unwrap_or(text) {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => return Some(f64::NEG_INFINITY),
        ".inf" | ".Inf" | ".INF" => return Some(f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        digits if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => return None,
        _ => {}
    }
    text.parse().ok().filter(|n: &f64| n.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar {
        Scalar { text: text.to_owned(), style: Style::Plain }
    }

    #[test]
    fn the_core_schema_decides_when_no_type_does() {
        for (text, is) in [
            ("", Resolved::Null),
            ("~", Resolved::Null),
            ("true", Resolved::Bool(true)),
            ("NO", Resolved::Text),
            ("1.10", Resolved::Float(1.1)),
            ("0777", Resolved::Text),
            ("0o777", Resolved::Int(511)),
            ("-0x1F", Resolved::Int(-31)),
            ("0", Resolved::Int(0)),
            ("2026-03-23", Resolved::Text),
            ("1e3", Resolved::Float(1000.0)),
            ("1e999", Resolved::Text),
            ("inf", Resolved::Text),
            ("NaN", Resolved::Text),
            ("--5", Resolved::Text),
            ("0x-5", Resolved::Text),
        ] {
            assert_eq!(plain(text).resolve(), is, "{text}");
        }
    }

    #[test]
    fn a_truth_value_may_be_written_as_people_write_it() {
        for (text, is) in [("NO", Some(false)), ("Yes", Some(true)), ("off", Some(false)), ("nO", None), ("1", None)] {
            assert_eq!(plain(text).as_bool(), is, "{text}");
        }
        assert_eq!(Scalar::outside("1").as_bool(), Some(true));
        assert_eq!(Scalar { text: "true".into(), style: Style::Text }.as_bool(), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = (plain(&text).resolve(), plain(&text).as_bool(), Scalar::outside(text).resolve());
        }
    }
}
