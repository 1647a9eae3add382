//! The one door to every receiver: chat, pager, mail.
//!
//! A [`Notification`] says what happened in words of no particular receiver; a [`Notifier`] turns it into its own
//! format and delivers it. The trait is object-safe, so routing and the outbox hold receivers as
//! [`SharedNotifier`]s.
//!
//! ```
//! use sre_alerts::notify::Notification;
//! use sre_core::Severity;
//!
//! let n = Notification::new(Severity::Critical, "api is down")
//!     .key("http:api")
//!     .text("no answer from 3 of 3 probes")
//!     .field("Host", "web-03");
//! assert_eq!((n.key.as_str(), n.fields.len()), ("http:api", 1));
//! ```

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sre_core::{Severity, Target};

use crate::error::Error;

/// What [`Notifier::notify`] returns.
pub type NotifyFuture<'a> = Pin<Box<dyn Future<Output = Result<Receipt, Error>> + Send + 'a>>;

/// A receiver that many tasks share.
pub type SharedNotifier = Arc<dyn Notifier>;

/// Delivers notifications to one receiver.
pub trait Notifier: fmt::Debug + Send + Sync {
    /// The kind of receiver, as one lower-case word: `slack`, `pagerduty`, `email`.
    fn kind(&self) -> &'static str;

    /// Delivers it. `Ok` means that the receiver said it has it.
    ///
    /// # Errors
    /// [`Classify::delivery`](sre_core::Classify::delivery) tells whether it may have arrived all the same, and
    /// [`ErrorKind::is_permanent`](crate::ErrorKind::is_permanent) whether a later try makes sense.
    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a>;
}

/// What happened, in words of no particular receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Notification {
    /// The same thing has the same key every time; receivers that can (pagers) merge by it. May be empty.
    pub key: String,
    /// How much it matters.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// Plain text of any length, or empty.
    pub text: String,
    /// Short facts: name and value.
    pub fields: Vec<(String, String)>,
    /// A page to open.
    pub link: Option<String>,
    /// When it happened.
    pub at: Option<Timestamp>,
}

/// What the receiver confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// Who took it.
    pub target: Target,
    /// In how many messages.
    pub parts: usize,
    /// How many requests that took, the repeated ones included.
    pub attempts: u32,
    /// How long it took, pacing included.
    #[serde(with = "sre_core::duration::serde")]
    pub elapsed: Duration,
}

// === impl Notification ===

impl Notification {
    /// A notification with nothing but a title.
    #[must_use]
    pub fn new(severity: Severity, title: impl Into<String>) -> Self {
        Self {
            key: String::new(),
            severity,
            title: title.into(),
            text: String::new(),
            fields: Vec::new(),
            link: None,
            at: None,
        }
    }

    /// The same thing has the same key every time.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// Plain text of any length.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// Adds a short fact.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// A page to open.
    #[must_use]
    pub fn link(mut self, link: impl Into<String>) -> Self {
        self.link = Some(link.into());
        self
    }

    /// When it happened.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }
}

// === impl Receipt ===

impl Receipt {
    /// A receipt from `target`; notifiers make these.
    #[must_use]
    pub fn new(target: Target, parts: usize, attempts: u32, elapsed: Duration) -> Self {
        Self { target, parts, attempts, elapsed }
    }
}
