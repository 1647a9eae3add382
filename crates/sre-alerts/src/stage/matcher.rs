//! Which alerts a route, a silence or an inhibit rule is about.
//!
//! Written as in Prometheus: `service="api"`, `host!=web-01`, `service=~"api|web"`, `dc!~"test.*"`. Quotes may be left
//! out where nothing needs them. A regular expression must match the whole value. A label that is not there is empty.
//! `severity`, `source` and `title` name those fields of the alert; `severity` also knows `>=`, `<=`, `>` and `<`.
//!
//! ```
//! use sre_alerts::{Alert, stage::Matcher};
//! use sre_core::Severity;
//!
//! let alert = Alert::builder(Severity::Error, "cpu is high").label("service", "api-2")
//!     .starts_at(jiff::Timestamp::UNIX_EPOCH).build()?;
//! for text in ["service=~\"api-.*\"", "severity >= warning", "dc!=eu", "dc="] {
//!     assert!(text.parse::<Matcher>()?.matches(&alert), "{text}");
//! }
//! assert!(!"service=~api".parse::<Matcher>()?.matches(&alert)); // not the whole value
//! assert!("service=~(".parse::<Matcher>().is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use sre_core::Severity;

use crate::alert::{Alert, is_label_name};

/// One condition on an alert; serde reads and writes it as text.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Matcher {
    subject: Subject,
    op: Op,
    value: String,
    test: Test,
}

/// Text that is no matcher.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no matcher: {why}")]
pub struct InvalidMatcher {
    text: String,
    why: String,
}

/// What of an alert is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    Severity,
    Source,
    Title,
    Label(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Equal,
    NotEqual,
    Matches,
    MatchesNot,
    AtLeast,
    AtMost,
    Above,
    Below,
}

#[derive(Debug, Clone)]
enum Test {
    Text,
    Pattern(Regex),
    Severity(Severity),
}

/// Longer operators first, as the first that fits is taken.
const OPS: [(&str, Op); 9] = [
    ("=~", Op::Matches),
    ("!~", Op::MatchesNot),
    ("!=", Op::NotEqual),
    (">=", Op::AtLeast),
    ("<=", Op::AtMost),
    ("==", Op::Equal),
    ("=", Op::Equal),
    (">", Op::Above),
    ("<", Op::Below),
];

/// Silences come from people: a compiled expression may take this many bytes.
const LARGEST_PATTERN: usize = 1 << 20;

// === impl Matcher ===

impl Matcher {
    /// Whether the alert fits.
    #[must_use]
    pub fn matches(&self, alert: &Alert) -> bool {
        if let Test::Severity(wanted) = self.test {
            return match self.op {
                Op::Equal => alert.severity == wanted,
                Op::NotEqual => alert.severity != wanted,
                Op::AtLeast => alert.severity >= wanted,
                Op::AtMost => alert.severity <= wanted,
                Op::Above => alert.severity > wanted,
                Op::Below => alert.severity < wanted,
                Op::Matches | Op::MatchesNot => false,
            };
        }
        let value = self.subject.of(alert);
        match (&self.test, self.op) {
            (Test::Pattern(pattern), Op::MatchesNot) => !pattern.is_match(value),
            (Test::Pattern(pattern), _) => pattern.is_match(value),
            (_, Op::NotEqual) => value != self.value,
            _ => value == self.value,
        }
    }

    /// Whether it could fit an alert that says nothing: such a matcher alone would silence everything.
    pub(crate) fn fits_emptiness(&self) -> bool {
        match (&self.test, self.op) {
            (Test::Severity(_), _) => false,
            (Test::Pattern(pattern), op) => pattern.is_match("") == (op == Op::Matches),
            (_, op) => self.value.is_empty() == (op == Op::Equal),
        }
    }

    fn new(subject: Subject, op: Op, value: String) -> Result<Self, String> {
        let test = match (&subject, op) {
            (_, Op::Matches | Op::MatchesNot) => Test::Pattern(whole(&value)?),
            (Subject::Severity, _) => Test::Severity(value.parse().map_err(|e| format!("{e}"))?),
            (_, Op::Equal | Op::NotEqual) => Test::Text,
            _ => return Err("only a severity is above or below another".to_owned()),
        };
        Ok(Self { subject, op, value, test })
    }
}

/// Whether all of them fit; none at all fit anything.
pub(crate) fn all(matchers: &[Matcher], alert: &Alert) -> bool {
    matchers.iter().all(|m| m.matches(alert))
}

fn whole(pattern: &str) -> Result<Regex, String> {
    // Compiled alone first: `a)(b` would be valid between our parentheses.
    regex_syntax_check(pattern)?;
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(LARGEST_PATTERN).build().map_err(|e| e.to_string())
}

fn regex_syntax_check(pattern: &str) -> Result<(), String> {
    match RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build() {
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) => Err("the regular expression is too large".to_owned()),
        Err(_) => Err("the regular expression is not valid".to_owned()),
    }
}

impl FromStr for Matcher {
    type Err = InvalidMatcher;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |why: &str| InvalidMatcher { text: text.chars().take(200).collect(), why: why.to_owned() };
        let at = text.find(['=', '!', '<', '>']).ok_or_else(|| fail("it has no operator (=, !=, =~, !~)"))?;
        let (name, rest) = text.split_at(at);
        let (sign, op) =
            OPS.iter().find(|(sign, _)| rest.starts_with(sign)).ok_or_else(|| fail("`!` is no operator"))?;
        let value = unquote(rest[sign.len()..].trim()).ok_or_else(|| fail("a quote is missing"))?;
        let subject = Subject::named(name.trim()).ok_or_else(|| fail("the name is no label name"))?;
        Self::new(subject, *op, value).map_err(|why| fail(&why))
    }
}

/// `None` when a quote is open.
fn unquote(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else { return Some(text.to_owned()) };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    loop {
        match chars.next()? {
            '"' if chars.as_str().is_empty() => return Some(out),
            '"' => return None,
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                c @ ('"' | '\\') => out.push(c),
                // `\.` of a regular expression stays what it is.
                c => out.extend(['\\', c]),
            },
            c => out.push(c),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = OPS.iter().rev().find(|(_, op)| *op == self.op).map_or("=", |(sign, _)| sign);
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(f, "{}{sign}\"{value}\"", self.subject.name())
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.subject, self.op, &self.value) == (&other.subject, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl TryFrom<String> for Matcher {
    type Error = InvalidMatcher;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Matcher> for String {
    fn from(matcher: Matcher) -> Self {
        matcher.to_string()
    }
}

// === impl Subject ===

impl Subject {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "severity" => Self::Severity,
            "source" => Self::Source,
            "title" => Self::Title,
            label if is_label_name(label) => Self::Label(label.to_owned()),
            _ => return None,
        })
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Severity => "severity",
            Self::Source => "source",
            Self::Title => "title",
            Self::Label(name) => name,
        }
    }

    /// Its value in the alert, or nothing.
    pub(crate) fn of<'a>(&self, alert: &'a Alert) -> &'a str {
        match self {
            Self::Severity => alert.severity.as_str(),
            Self::Source => &alert.source,
            Self::Title => &alert.title,
            Self::Label(name) => alert.labels.get(name).map_or("", String::as_str),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> Alert {
        let alert = Alert::builder(Severity::Error, "cpu is high").source("web-01").label("service", "api");
        alert.starts_at(jiff::Timestamp::UNIX_EPOCH).build().unwrap()
    }

    #[test]
    fn each_operator() {
        for (text, expected) in [
            ("service=api", true),
            ("service == \"api\"", true),
            ("service!=api", false),
            ("service=~a.i", true),
            ("service=~a", false),
            ("service!~a", true),
            ("service!~a.*|b", false),
            ("service=~\"a\\.i\"", false),
            ("missing=", true),
            ("missing!=x", true),
            ("missing=~.*", true),
            ("source=web-01", true),
            ("title=cpu is high", true),
            ("severity=error", true),
            ("severity=err", true),
            ("severity!=critical", true),
            ("severity>=warning", true),
            ("severity > error", false),
            ("severity<critical", true),
            ("severity<=warning", false),
            ("severity=~error|critical", true),
        ] {
            assert_eq!(text.parse::<Matcher>().unwrap().matches(&alert()), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_unclear() {
        for text in [
            "",
            "service",
            "a!b",
            "my-label=x",
            "=x",
            "a=\"x",
            "a=\"x\"y",
            "a>1",
            "severity=loud",
            "a=~(",
            "a=~x)(y",
            "a=~(a{999}){999}",
        ] {
            assert!(text.parse::<Matcher>().is_err(), "{text}");
        }
    }

    #[test]
    fn knows_what_would_fit_everything() {
        for (text, expected) in [
            ("a=~.*", true),
            ("a!=x", true),
            ("a=", true),
            ("a!~x", true),
            ("a=x", false),
            ("a!=", false),
            ("a=~.+", false),
            ("severity>=info", false),
        ] {
            assert_eq!(text.parse::<Matcher>().unwrap().fits_emptiness(), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_reads_back(value in ".*", op in proptest::sample::select(vec!["=", "!="])) {
            let matcher = Matcher::new(Subject::Label("l".into()), if op == "=" { Op::Equal } else { Op::NotEqual }, value).unwrap();
            assert_eq!(matcher.to_string().parse::<Matcher>().unwrap(), matcher);
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = text.parse::<Matcher>();
        }
    }
}
