//! What goes into the pipeline: one thing that is wrong, or was.
//!
//! An [`Alert`] has two identities. Its [`key`](Alert::key) says which *problem* it is: suppression, reminders and the
//! resolve go by it, and receivers that can (pagers) merge by it. Its [`fingerprint`](Alert::fingerprint) says which
//! *labels* it came with as well. Both are the same on every machine and in every version.
//!
//! ```
//! use sre_alerts::alert::{Alert, State};
//! use sre_core::Severity;
//!
//! let alert = Alert::builder(Severity::Critical, "disk /data is 97 % full")
//!     .source("web-03")
//!     .label("service", "api")
//!     .field("Free", "1.2 GiB")
//!     .starts_at("2026-03-23T07:00:00Z".parse()?)
//!     .build()?;
//! assert_eq!(alert.state(), State::Firing);
//! assert_eq!(alert.key(), alert.clone().resolved("2026-03-23T07:20:00Z".parse()?).key());
//!
//! let error = Alert::builder(Severity::Info, " ").build().unwrap_err();
//! assert_eq!(error.to_string(), "title: is empty");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sre_core::Severity;
use sre_core::output::width;

/// Names and values that routes, silences and groups go by; names are `[a-zA-Z_][a-zA-Z0-9_]*`, as in Prometheus.
pub type Labels = BTreeMap<String, String>;

/// What is wrong, since when, and where to read on. Made with [`Alert::builder`]; [`validate`](Self::validate) has the
/// limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Alert {
    /// One line that says what is wrong.
    pub title: String,
    /// How much it matters.
    pub severity: Severity,
    /// Who says so: a host, a check, a service. May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Plain text, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Short facts for a person, in their order: name and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(String, String)>,
    /// What it is about, for machines.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The same problem has the same key every time. Without one, title and source are the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup_key: Option<String>,
    /// Pages to open: a runbook, a graph.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Since when.
    pub starts_at: Timestamp,
    /// Until when; `None` while it fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
}

/// A page to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Link {
    /// What it is.
    pub title: String,
    /// Where it is.
    pub url: String,
}

/// Whether the problem is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is.
    Firing,
    /// It was.
    Resolved,
}

/// Which problem it is: an explicit key, or 128 bits of SHA-256 over source and title, in hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DedupKey(String);

/// Which problem with which labels: 64 bits of SHA-256, shown as 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u64);

/// Builds an [`Alert`].
#[derive(Debug, Clone)]
#[must_use]
pub struct AlertBuilder {
    alert: Alert,
    started: bool,
}

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
    /// Starts an alert; [`starts_at`](AlertBuilder::starts_at) is needed too, as a library reads no clock.
    pub fn builder(severity: Severity, title: impl Into<String>) -> AlertBuilder {
        let alert = Self {
            title: title.into(),
            severity,
            source: String::new(),
            message: String::new(),
            fields: Vec::new(),
            labels: Labels::new(),
            dedup_key: None,
            links: Vec::new(),
            starts_at: Timestamp::UNIX_EPOCH,
            resolved_at: None,
        };
        AlertBuilder { alert, started: false }
    }

    /// Which problem it is: the explicit key, or a hash of source and title.
    #[must_use]
    pub fn key(&self) -> DedupKey {
        match &self.dedup_key {
            Some(key) => DedupKey(key.clone()),
            None => {
                let digest = digest([self.source.as_str(), self.title.as_str()]);
                DedupKey(format!("{:032x}", u128::from_be_bytes(digest)))
            }
        }
    }

    /// Which problem with which labels.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let key = self.key();
        let labels = self.labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let [a, b, c, d, e, f, g, h, ..] = digest(std::iter::once(key.as_str()).chain(labels));
        Fingerprint(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    /// Whether the problem is there.
    #[must_use]
    pub fn state(&self) -> State {
        if self.is_resolved() { State::Resolved } else { State::Firing }
    }

    /// Whether the problem is over.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.resolved_at.is_some()
    }

    /// The same alert, resolved.
    #[must_use]
    pub fn resolved(mut self, at: Timestamp) -> Self {
        self.resolved_at = Some(at);
        self
    }

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

/// Each part with its length, so that no two lists of parts look alike.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let full: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&full[..16]);
    half
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

// === impl AlertBuilder ===

impl AlertBuilder {
    /// Who says so: a host, a check, a service.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.alert.source = source.into();
        self
    }

    /// Plain text.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.alert.message = message.into();
        self
    }

    /// Adds a short fact.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.alert.fields.push((name.into(), value.into()));
        self
    }

    /// Adds a label, or replaces its value.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.alert.labels.insert(name.into(), value.into());
        self
    }

    /// Adds labels.
    pub fn labels(mut self, labels: impl IntoIterator<Item = (String, String)>) -> Self {
        self.alert.labels.extend(labels);
        self
    }

    /// The same problem has the same key every time.
    pub fn dedup_key(mut self, key: impl Into<String>) -> Self {
        self.alert.dedup_key = Some(key.into());
        self
    }

    /// Adds a page to open.
    pub fn link(mut self, title: impl Into<String>, url: impl Into<String>) -> Self {
        self.alert.links.push(Link { title: title.into(), url: url.into() });
        self
    }

    /// Since when.
    pub fn starts_at(mut self, at: Timestamp) -> Self {
        self.alert.starts_at = at;
        self.started = true;
        self
    }

    /// Until when: the problem is over.
    pub fn resolved_at(mut self, at: Timestamp) -> Self {
        self.alert.resolved_at = Some(at);
        self
    }

    /// Checks it. Line breaks and other control characters in title and source become spaces.
    ///
    /// # Errors
    /// No `starts_at`, and what [`Alert::validate`] refuses.
    pub fn build(self) -> Result<Alert, InvalidAlert> {
        let Self { mut alert, started } = self;
        alert.title = width::clean(&alert.title).trim().to_owned();
        alert.source = width::clean(&alert.source).trim().to_owned();
        alert.validate()?;
        if !started {
            return Err(InvalidAlert::new("starts_at", "is missing"));
        }
        Ok(alert)
    }
}

// === impl InvalidAlert ===

impl InvalidAlert {
    fn new(field: impl Into<Cow<'static, str>>, why: impl Into<Cow<'static, str>>) -> Self {
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

// === impl State ===

impl State {
    /// The lower-case word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// === impl DedupKey ===

impl DedupKey {
    /// A key as it was stored or typed.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DedupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Fingerprint ===

impl Fingerprint {
    /// As a number.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-03-23T07:00:00Z";

    fn builder() -> AlertBuilder {
        Alert::builder(Severity::Warning, "cpu is high").source("web-01").starts_at(AT.parse().unwrap())
    }

    #[test]
    fn identities_are_stable() {
        let alert = builder().label("dc", "eu").build().unwrap();
        // Python: sha256 over each part, the length of 8 bytes before it.
        assert_eq!(alert.key().as_str(), "1b0275077eb1e5ba24da2a24f77186d9");
        assert_eq!(alert.fingerprint().to_string(), "3ceeb1a94c18c8d9");
        assert_eq!(builder().dedup_key("mine").build().unwrap().key(), DedupKey::new("mine"));
    }

    #[test]
    fn labels_tell_fingerprints_apart_but_not_keys() {
        let [a, b] = ["eu", "us"].map(|dc| builder().label("dc", dc).build().unwrap());
        assert_eq!(a.key(), b.key());
        assert_ne!(a.fingerprint(), b.fingerprint());
        // The parts are told apart by their lengths.
        let [c, d] = [("ab", "c"), ("a", "bc")]
            .map(|(s, t)| Alert::builder(Severity::Info, t).source(s).starts_at(AT.parse().unwrap()).build().unwrap());
        assert_ne!(c.key(), d.key());
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
            (builder().resolved_at(Timestamp::UNIX_EPOCH), "resolved_at: is before starts_at"),
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
