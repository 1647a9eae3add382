//! Building an alert, with checks.

use jiff::Timestamp;
use sre_core::output::width;

use super::limits::InvalidAlert;
use super::model::{Alert, Link};

/// Builds an [`Alert`].
#[derive(Debug, Clone)]
#[must_use]
pub struct AlertBuilder {
    alert: Alert,
    started: bool,
}

// === impl AlertBuilder ===

impl AlertBuilder {
    pub(super) fn new(alert: Alert) -> Self {
        Self { alert, started: false }
    }

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
