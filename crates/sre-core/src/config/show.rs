//! What `--show-config` prints: YAML that can be used as a file, with each value's origin in a comment; or JSON.

use std::fmt;

use serde::Serialize;
use serde_json::{Map as JsonMap, Value as Json, json};
use serde_yaml::{Mapping, Value as Yaml};
use unicode_width::UnicodeWidthStr as _;

use super::origin::Origin;
use crate::redact;

/// A configuration with its origins, ready to print; `Display` is YAML with comments.
#[derive(Debug, Clone)]
pub struct Shown {
    rows: Vec<Row>,
}

/// One line.
#[derive(Debug, Clone)]
struct Row {
    key: String,
    /// Indentation, dash and key, as YAML.
    head: String,
    /// `None` for a line that only opens a section.
    value: Option<Json>,
    origin: Origin,
}

/// Words in a key's last part that make its value a secret, unless it is a reference (`_env`, `_file`).
const SECRET_WORDS: [&str; 5] = ["password", "token", "secret", "webhook", "api_key"];

/// Words that YAML 1.1 takes for true or false; other readers of the file may.
const OLD_TRUTHS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];

/// Comments begin at this column, or after the value where that is longer.
const COMMENT: usize = 40;

// === impl Shown ===

impl Shown {
    pub(super) fn new<T: Serialize>(config: &T, origin: impl Fn(&str) -> Origin) -> Self {
        let mut rows = Rows { rows: Vec::new(), origin };
        // serde_yaml's tree keeps the order of the fields. It fails on nothing that a settings struct has.
        if let Ok(Yaml::Mapping(map)) = serde_yaml::to_value(config) {
            rows.map("", "", "", map);
        }
        Self { rows: rows.rows }
    }

    /// An object with an entry a value: `{"timeout": {"value": "30s", "layer": "flag", "origin": "flag --timeout"}}`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let entry = |row: &Row| {
            let value = row.value.as_ref()?;
            let entry = json!({ "value": value, "layer": row.origin.layer(), "origin": row.origin.to_string() });
            Some((row.key.clone(), entry))
        };
        Json::Object(self.rows.iter().filter_map(entry).collect::<JsonMap<_, _>>())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let Some(value) = &row.value else {
                writeln!(f, "{}", row.head)?;
                continue;
            };
            let line = format!("{} {}", row.head, scalar(value));
            let pad = COMMENT.saturating_sub(line.width());
            writeln!(f, "{line}{:pad$}  # {}", "", row.origin)?;
        }
        Ok(())
    }
}

/// Collects the rows, depth first.
struct Rows<F> {
    rows: Vec<Row>,
    origin: F,
}

impl<F: Fn(&str) -> Origin> Rows<F> {
    /// `first` stands before the first key (`- ` in a list), `indent` before the others.
    fn map(&mut self, path: &str, first: &str, indent: &str, map: Mapping) {
        let mut before = first;
        for (name, value) in map {
            let name = text(&name);
            let dot = if path.is_empty() { "" } else { "." };
            let key = format!("{path}{dot}{name}");
            self.value(key, &format!("{before}{}:", word(&name)), indent, value);
            before = indent;
        }
    }

    fn value(&mut self, key: String, head: &str, indent: &str, value: Yaml) {
        match untagged(value) {
            Yaml::Mapping(map) if !map.is_empty() => {
                self.open(&key, head);
                let indent = format!("{indent}  ");
                self.map(&key, &indent, &indent, map);
            }
            Yaml::Sequence(items) if items.iter().any(|item| item.is_mapping() || item.is_sequence()) => {
                self.open(&key, head);
                for (i, item) in items.into_iter().enumerate() {
                    let key = format!("{key}[{i}]");
                    let (dash, deeper) = (format!("{indent}  - "), format!("{indent}    "));
                    match untagged(item) {
                        Yaml::Mapping(map) if !map.is_empty() => self.map(&key, &dash, &deeper, map),
                        other => self.leaf(key, dash.trim_end(), other),
                    }
                }
            }
            other => self.leaf(key, head, other),
        }
    }

    fn open(&mut self, key: &str, head: &str) {
        self.rows.push(Row { key: key.to_owned(), head: head.to_owned(), value: None, origin: Origin::Default });
    }

    fn leaf(&mut self, key: String, head: &str, value: Yaml) {
        let origin = (self.origin)(&key);
        let value = serde_json::to_value(value).unwrap_or_default();
        let value = if is_secret(&key) && !value.is_null() { Json::from("***") } else { masked(value) };
        self.rows.push(Row { key, head: head.to_owned(), value: Some(value), origin });
    }
}

/// A variant with data (`!Every 5m`) as the map that a file has for it (`Every: 5m`).
fn untagged(value: Yaml) -> Yaml {
    match value {
        Yaml::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            Yaml::Mapping(Mapping::from_iter([(Yaml::from(name.trim_start_matches('!')), tagged.value)]))
        }
        other => other,
    }
}

/// A key as text.
fn text(key: &Yaml) -> String {
    key.as_str().map_or_else(|| serde_json::to_value(key).unwrap_or_default().to_string(), str::to_owned)
}

fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
    let reference = last.ends_with("_env") || last.ends_with("_file");
    !reference && SECRET_WORDS.iter().any(|word| last.contains(word))
}

fn masked(value: Json) -> Json {
    match value {
        Json::String(text) => Json::String(redact::text(&text).into_owned()),
        Json::Array(items) => Json::Array(items.into_iter().map(masked).collect()),
        other => other,
    }
}

/// A value on one line of YAML.
fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) => word(text),
        Json::Array(items) => format!("[{}]", items.iter().map(scalar).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Text as YAML reads it back: bare where that is safe, else quoted as JSON, which is YAML too.
fn word(text: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | ':' | '@' | '+' | ' ');
    let bare = text.starts_with(|c: char| c.is_alphanumeric() || c == '/')
        && text.contains(char::is_alphabetic)
        && text.chars().all(safe)
        && !OLD_TRUTHS.iter().any(|word| text.eq_ignore_ascii_case(word))
        && !text.contains(": ")
        && !text.ends_with([':', ' ']);
    let plain = bare && serde_yaml::from_str::<serde_yaml::Value>(text).is_ok_and(|v| v.as_str() == Some(text));
    if plain { text.to_owned() } else { Json::from(text).to_string() }
}
