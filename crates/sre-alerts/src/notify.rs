//! The one door to every receiver: chat, pager, mail.
//!
//! A [`Notification`] says what happened in words of no particular receiver; a [`Notifier`] turns it into its own
//! format and delivers it. The trait is object-safe, so routing and the outbox hold receivers as
//! [`SharedNotifier`]s.
//!
//! ```
//! use sre_alerts::notify::{Event, Notification};
//! use sre_core::Severity;
//!
//! let n = Notification::new(Severity::Critical, "api is down")
//!     .key("http:api")
//!     .text("no answer from 3 of 3 probes")
//!     .field("Host", "web-03");
//! assert_eq!((n.key.as_str(), n.fields.len()), ("http:api", 1));
//!
//! // Later: the same key, so that a pager closes the incident it opened.
//! let over = Notification::new(Severity::Critical, "api is up again").key("http:api").event(Event::Resolved);
//! assert_eq!(over.subject(), "RESOLVED: api is up again");
//! ```

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sre_core::output::width;
use sre_core::{Severity, Target};

use crate::alert::{self, Alert, Labels};
use crate::error::Error;

/// What [`Notifier::notify`] returns.
pub type NotifyFuture<'a> = Pin<Box<dyn Future<Output = Result<Receipt, Error>> + Send + 'a>>;

/// A receiver that many tasks share.
pub type SharedNotifier = Arc<dyn Notifier>;

/// Delivers notifications to one receiver.
///
/// What a caller that keeps notifications until they are delivered (an outbox) needs to know:
/// - a failed one whose kind [`is_permanent`](crate::ErrorKind::is_permanent) will never be taken: dead-letter it;
///   any other may be sent again, after [`RetryHint::After`](sre_core::RetryHint::After) at the earliest if that is
///   its [hint](sre_core::Classify::retry_hint);
/// - it calls [`attempt`](Self::attempt), as it does the retrying: receivers over HTTP and SMTP try up to 3 times in
///   [`notify`](Self::notify);
/// - [`notify`](Self::notify) paces itself; [`min_interval`](Self::min_interval) says how, so that what piles up
///   meanwhile can be grouped;
/// - [`resend`](Self::resend) says whether the receiver forgets what it is not told again.
pub trait Notifier: fmt::Debug + Send + Sync {
    /// The kind of receiver, as one lower-case word: `slack`, `pagerduty`, `email`.
    fn kind(&self) -> &'static str;

    /// Which one of that kind, without secrets.
    fn target(&self) -> &Target;

    /// Delivers it. `Ok` means that the receiver said it has it.
    ///
    /// # Errors
    /// [`Classify::delivery`](sre_core::Classify::delivery) tells whether it may have arrived all the same, and
    /// [`ErrorKind::is_permanent`](crate::ErrorKind::is_permanent) whether a later try makes sense.
    ///
    /// # Cancel safety
    /// Dropping the future may leave it delivered or not.
    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a>;

    /// Tries to deliver it, once: for callers that keep notifications and come back by themselves. Receivers that try
    /// more than once in [`notify`](Self::notify) have their own; what wraps a receiver passes this on too.
    ///
    /// # Errors
    /// As [`notify`](Self::notify).
    fn attempt<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        self.notify(notification)
    }

    /// Delivers [`Notification::test`], to see that the settings work. Pagers close what they opened.
    ///
    /// # Errors
    /// As [`notify`](Self::notify).
    fn send_test(&self) -> NotifyFuture<'_> {
        Box::pin(async move { self.notify(&Notification::test()).await })
    }

    /// The time kept between two messages. Default: none.
    fn min_interval(&self) -> Duration {
        Duration::ZERO
    }

    /// How many alerts one notification carries. Default: 50, and the number of the others: people read no more.
    ///
    /// A receiver that asks to be sent things again ([`resend`](Self::resend)) keeps the state of each alert: it is
    /// given all of them, in as many notifications as that takes.
    fn carries(&self) -> usize {
        50
    }

    /// Whether a firing alert has to be sent again and again. Default: no.
    ///
    /// Silences do not stop that: for such a receiver an alert that is not sent again is over.
    fn resend(&self) -> Option<Resend> {
        None
    }
}

/// How a receiver wants to be reminded of the state of an alert, whether or not people are notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resend {
    /// Time between two of the same alert.
    pub every: Duration,
    /// For how long after it was resolved.
    pub after_resolved: Duration,
}

/// What has become of the thing a [`Notification`] speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Event {
    /// It is so now.
    #[default]
    Firing,
    /// Somebody looks after it.
    Acknowledged,
    /// It is over.
    Resolved,
}

/// What happened, in words of no particular receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Notification {
    /// The same thing has the same key every time; receivers that can (pagers) merge by it. May be empty.
    pub key: String,
    /// What has become of it.
    #[serde(default)]
    pub event: Event,
    /// How much it matters.
    pub severity: Severity,
    /// Who noticed: a host, a service, a tool. May be empty.
    #[serde(default)]
    pub source: String,
    /// One line.
    pub title: String,
    /// Plain text of any length, or empty.
    pub text: String,
    /// Short facts: name and value.
    pub fields: Vec<(String, String)>,
    /// What it is about, in the words of routes and silences.
    #[serde(default)]
    pub labels: Labels,
    /// The alerts it speaks of; empty for a plain message.
    #[serde(default)]
    pub alerts: Vec<Alert>,
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
            event: Event::Firing,
            severity,
            source: String::new(),
            title: title.into(),
            text: String::new(),
            fields: Vec::new(),
            labels: Labels::new(),
            alerts: Vec::new(),
            link: None,
            at: None,
        }
    }

    /// What [`Notifier::send_test`] sends: harmless, and says so.
    #[must_use]
    pub fn test() -> Self {
        Self::new(Severity::Info, "test notification: this receiver works")
            .key("sre-alerts:test")
            .source("sre-alerts")
            .text("Somebody asked for this test. There is nothing to do.")
    }

    /// Severity or event, and the title, as one line for subjects and fallbacks.
    #[must_use]
    pub fn subject(&self) -> String {
        let word = match self.event {
            Event::Firing => self.severity.as_str(),
            event => event.as_str(),
        };
        format!("{}: {}", word.to_uppercase(), width::clean(&self.title))
    }

    /// The key, or where there is none 128 bits of SHA-256 over source and title, in hex: what receivers merge by.
    #[must_use]
    pub fn identity(&self) -> String {
        match self.key.as_str() {
            "" => {
                let digest = alert::digest([self.source.as_str(), self.title.as_str()]);
                format!("{:032x}", u128::from_be_bytes(digest))
            }
            key => key.to_owned(),
        }
    }

    /// The same thing has the same key every time.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// What has become of it.
    #[must_use]
    pub fn event(mut self, event: Event) -> Self {
        self.event = event;
        self
    }

    /// Who noticed.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
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

    /// Sets a label.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Adds alerts that it speaks of.
    #[must_use]
    pub fn alerts(mut self, alerts: impl IntoIterator<Item = Alert>) -> Self {
        self.alerts.extend(alerts);
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

// === impl Event ===

impl Event {
    /// The lower-case word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

// === impl Resend ===

impl Resend {
    /// Again after `every`, and until `after_resolved` has passed since it was over.
    #[must_use]
    pub fn new(every: Duration, after_resolved: Duration) -> Self {
        Self { every, after_resolved }
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
