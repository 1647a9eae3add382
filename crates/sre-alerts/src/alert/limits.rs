//! What an alert may be, so that whatever comes in from outside stays small and plain.

use std::borrow::Cow;

use super::model::{Alert, Link};

/// An alert that cannot be taken: which field, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct InvalidAlert {
    field: Cow<'static, str>,
    why: Cow<'static, str>,
}

/// In bytes. The first six are generous for people and receivers alike; PagerDuty takes 255 characters of key.
pub(crate) mod longest {
    pub(crate) const TITLE: usize = 1024;
    pub(crate) const SOURCE: usize = 255;
    pub(crate) const KEY: usize = 255;
    pub(crate) const NAME: usize = 128;
    pub(crate) const LABEL: usize = 1024;
    pub(crate) const URL: usize = 2048;
    pub(crate) const FIELD: usize = 8 * 1024;
    pub(crate) const MESSAGE: usize = 64 * 1024;
}

/// How many of each.
pub(crate) mod most {
    pub(crate) const FIELDS: usize = 64;
    pub(crate) const LABELS: usize = 64;
    pub(crate) const LINKS: usize = 16;
}

// === impl Alert ===

impl Alert {
    /// Checks an alert that did not come out of the builder (its fields are public, and serde reads them as they are).
    ///
    /// # Errors
    /// An empty title; control characters in title, source or key; a label name that is none; a title over 1 KiB,
    /// a source or key over 255 bytes, a label value over 1 KiB, a field over 8 KiB, a message over 64 KiB, a URL over
    /// 2 KiB or other than http and https; more than 64 fields, 64 labels or 16 links; resolved before it started.
    pub fn validate(&self) -> Result<(), InvalidAlert> {
        if self.title.trim().is_empty() {
            return Err(InvalidAlert::new("title", "is empty"));
        }
        one_line("title", &self.title, longest::TITLE)?;
        one_line("source", &self.source, longest::SOURCE)?;
        short("message", &self.message, longest::MESSAGE)?;
        if let Some(key) = &self.dedup_key {
            if key.is_empty() {
                return Err(InvalidAlert::new("dedup_key", "is empty"));
            }
            one_line("dedup_key", key, longest::KEY)?;
        }
        few("fields", self.fields.len(), most::FIELDS)?;
        for (name, value) in &self.fields {
            short("fields", name, longest::NAME)?;
            short("fields", value, longest::FIELD)?;
        }
        few("labels", self.labels.len(), most::LABELS)?;
        self.labels.iter().try_for_each(|(name, value)| label(name, value))?;
        few("links", self.links.len(), most::LINKS)?;
        self.links.iter().try_for_each(link)?;
        match self.resolved_at {
            Some(at) if at < self.starts_at => Err(InvalidAlert::new("resolved_at", "is before starts_at")),
            _ => Ok(()),
        }
    }
}

fn short(field: &'static str, text: &str, longest: usize) -> Result<(), InvalidAlert> {
    match text.len() {
        len if len > longest => Err(InvalidAlert::new(field, format!("is {len} bytes long, {longest} are allowed"))),
        _ => Ok(()),
    }
}

fn one_line(field: &'static str, text: &str, longest: usize) -> Result<(), InvalidAlert> {
    if text.chars().any(char::is_control) {
        return Err(InvalidAlert::new(field, "has control characters"));
    }
    short(field, text, longest)
}

fn few(field: &'static str, count: usize, most: usize) -> Result<(), InvalidAlert> {
    match count {
        count if count > most => Err(InvalidAlert::new(field, format!("has {count} entries, {most} are allowed"))),
        _ => Ok(()),
    }
}

/// The names of Prometheus: <https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>.
fn label(name: &str, value: &str) -> Result<(), InvalidAlert> {
    short("labels", name, longest::NAME)?;
    if !is_label_name(name) {
        let shown = name.chars().take(40).collect::<String>().escape_debug().to_string();
        return Err(InvalidAlert::new(format!("labels.{shown}"), "is no label name: [a-zA-Z_][a-zA-Z0-9_]*"));
    }
    match value.len() {
        len if len > longest::LABEL => {
            let why = format!("is {len} bytes long, {} are allowed", longest::LABEL);
            Err(InvalidAlert::new(format!("labels.{name}"), why))
        }
        _ => Ok(()),
    }
}

pub(crate) fn is_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Other schemes (`javascript:`, `file:`) have no place in a message that people click on.
fn link(link: &Link) -> Result<(), InvalidAlert> {
    one_line("links", &link.title, longest::TITLE)?;
    one_line("links", &link.url, longest::URL)?;
    if link.url.starts_with("https://") || link.url.starts_with("http://") {
        Ok(())
    } else {
        Err(InvalidAlert::new("links", "has a URL that is not http or https"))
    }
}

// === impl InvalidAlert ===

impl InvalidAlert {
    pub(super) fn new(field: impl Into<Cow<'static, str>>, why: impl Into<Cow<'static, str>>) -> Self {
        Self { field: field.into(), why: why.into() }
    }

    /// The field, as in JSON: `title`, `labels.my-label`.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong with it, as a fragment that reads well after the field.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

#[cfg(test)]
mod tests {
    use sre_core::Severity;

    use super::*;
    use crate::alert::AlertBuilder;

    const AT: &str = "2026-03-23T07:00:00Z";

    fn builder() -> AlertBuilder {
        Alert::builder(Severity::Warning, "cpu is high").source("web-01").starts_at(AT.parse().unwrap())
    }

    #[test]
    fn json_has_only_what_is_there_and_reads_back() {
        let alert = builder().label("dc", "eu").link("runbook", "https://wiki/cpu").build().unwrap();
        let json = serde_json::to_string(&alert).unwrap();
        assert_eq!(
            json,
            r#"{"title":"cpu is high","severity":"warning","source":"web-01","labels":{"dc":"eu"},"links":[{"title":"runbook","url":"https://wiki/cpu"}],"starts_at":"2026-03-23T07:00:00Z"}"#
        );
        assert_eq!(serde_json::from_str::<Alert>(&json).unwrap(), alert);
    }

    #[test]
    fn what_breaks_a_limit_is_named() {
        let long = |n| "x".repeat(n);
        let many = (0..65).map(|i| (format!("l{i}"), String::new()));
        for (built, expected) in [
            (builder().source(long(256)), "source: is 256 bytes long, 255 are allowed"),
            (builder().message(long(65_537)), "message: is 65537 bytes long, 65536 are allowed"),
            (builder().label("my-label", "x"), "labels.my-label: is no label name: [a-zA-Z_][a-zA-Z0-9_]*"),
            (builder().label("l", long(1025)), "labels.l: is 1025 bytes long, 1024 are allowed"),
            (builder().labels(many), "labels: has 65 entries, 64 are allowed"),
            (builder().dedup_key(""), "dedup_key: is empty"),
            (builder().dedup_key("a\nb"), "dedup_key: has control characters"),
            (builder().link("x", "javascript:alert(1)"), "links: has a URL that is not http or https"),
            (builder().resolved_at(jiff::Timestamp::UNIX_EPOCH), "resolved_at: is before starts_at"),
            (Alert::builder(Severity::Info, "x"), "starts_at: is missing"),
        ] {
            assert_eq!(built.build().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_title_is_one_line() {
        let alert = Alert::builder(Severity::Info, " a\nb\u{1b}[31m ").starts_at(AT.parse().unwrap()).build().unwrap();
        assert!(!alert.title.chars().any(char::is_control) && alert.title.starts_with('a'), "{:?}", alert.title);
    }
}
