//! Text with holes for the version and the host.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use sre_core::config::nearest;

/// Text in which `{version}`, `{host}` and `{address}` stand for what is deployed and where. Braces around anything that
/// is no word are text (`{{.Id}}`, `{job="api"}`); `{{host}}` is the text `{host}`.
///
/// ```
/// use sre_remote::deploy::Template;
/// let path: Template = "/opt/app/{version}".parse()?;
/// assert!(path.mentions_version());
/// let error = "/opt/app/{verson}".parse::<Template>().unwrap_err();
/// assert_eq!(error.to_string(), "there is no `{verson}`; did you mean {version}?");
/// # Ok::<(), sre_remote::deploy::ParseTemplateError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

/// A word in braces that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no `{{{name}}}`; {}", advice(.name))]
pub struct ParseTemplateError {
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Hole(Hole),
}

/// What a hole stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hole {
    Version,
    Host,
    Address,
}

const NAMES: [(&str, Hole); 3] = [("version", Hole::Version), ("host", Hole::Host), ("address", Hole::Address)];

fn advice(name: &str) -> String {
    match nearest(name, NAMES.iter().map(|(known, _)| *known)) {
        Some(known) => format!("did you mean {{{known}}}?"),
        None => format!("there are {{version}}, {{host}} and {{address}}; {{{{{name}}}}} is that text itself"),
    }
}

// === impl Template ===

impl Template {
    /// The text with its holes filled.
    pub(super) fn fill(&self, with: impl Fn(Hole) -> String) -> String {
        self.parts.iter().fold(String::new(), |text, part| match part {
            Part::Text(more) => text + more,
            Part::Hole(hole) => text + &with(*hole),
        })
    }

    /// Whether it has a hole for the version.
    #[must_use]
    pub fn mentions_version(&self) -> bool {
        self.parts.contains(&Part::Hole(Hole::Version))
    }

    /// Whether it differs from host to host.
    #[must_use]
    pub fn mentions_host(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Hole(Hole::Host | Hole::Address)))
    }

    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    fn push(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }
}

impl FromStr for Template {
    type Err = ParseTemplateError;

    fn from_str(source: &str) -> Result<Self, ParseTemplateError> {
        let mut template = Self { source: source.to_owned(), parts: Vec::new() };
        let mut rest = source;
        while let Some(open) = rest.find('{') {
            template.push(&rest[..open]);
            rest = &rest[open..];
            if let Some(name) = rest.strip_prefix("{{").and_then(word).filter(|name| closes_twice(rest, name)) {
                template.push(&rest[1..name.len() + 3]);
                rest = &rest[name.len() + 4..];
            } else if let Some(name) = rest.strip_prefix('{').and_then(word) {
                let known = NAMES.iter().find(|(known, _)| *known == name);
                let (_, hole) = known.ok_or_else(|| ParseTemplateError { name: name.to_owned() })?;
                template.parts.push(Part::Hole(*hole));
                rest = &rest[name.len() + 2..];
            } else {
                template.push("{");
                rest = &rest[1..];
            }
        }
        template.push(rest);
        Ok(template)
    }
}

/// The word that `text` begins with, when a brace closes right behind it.
fn word(text: &str) -> Option<&str> {
    let (name, _) = text.split_once('}')?;
    (!name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')).then_some(name)
}

fn closes_twice(rest: &str, name: &str) -> bool {
    rest[2 + name.len()..].starts_with("}}")
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TemplateVisitor)
    }
}

struct TemplateVisitor;

impl Visitor<'_> for TemplateVisitor {
    type Value = Template;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `{version}` without quotes is a map in YAML.
        f.write_str("text, in quotes where it begins with a brace")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Template, E> {
        text.parse().map_err(E::custom)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        text.parse::<Template>().unwrap().fill(|hole| match hole {
            Hole::Version => "v1".to_owned(),
            Hole::Host => "web".to_owned(),
            // What is filled in is not looked at again.
            Hole::Address => "{version}".to_owned(),
        })
    }

    #[test]
    fn only_known_words_in_braces_are_holes() {
        for (text, expected) in [
            ("", ""),
            ("/opt/{version}/x", "/opt/v1/x"),
            ("{host}{version}", "webv1"),
            ("{address}", "{version}"),
            ("{{.Id}}", "{{.Id}}"),
            ("{{host}}", "{host}"),
            ("{{{host}}}", "{{host}}"),
            (r#"up{instance="{host}:9100"}"#, r#"up{instance="web:9100"}"#),
            ("a{b c}d{", "a{b c}d{"),
            ("{}", "{}"),
            ("é{version}é", "év1é"),
        ] {
            assert_eq!(filled(text), expected, "{text}");
        }
        assert!("{other}".parse::<Template>().is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[{}a-z é]{0,30}") {
            let _ = text.parse::<Template>();
        }
    }
}
