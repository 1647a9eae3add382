//! What stands in a mail: a subject, and the same words as text and as HTML.
//!
//! ```
//! use sre_alerts::{Notification, mail::Mail};
//! use sre_core::Severity;
//!
//! let mail = Mail::from(&Notification::new(Severity::Critical, "api is <down>").field("Host", "web-03"));
//! assert_eq!(mail.subject, "CRITICAL: api is <down>");
//! assert!(mail.text.contains("Host: web-03") && mail.html.contains("api is &lt;down&gt;"));
//! ```

use std::fmt::{self, Write};
use std::sync::Arc;

use sre_core::output::width;

use crate::notify::{Event, Notification, NotifyFuture};
use crate::text::{safe_link, truncate, visible};

/// Characters of a subject: what a mailbox shows, and more.
const SUBJECT: usize = 200;
/// Characters of a text; servers take megabytes, people do not.
const TEXT: usize = 200_000;

/// A mail that is yet to be addressed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// For readers of text.
    pub text: String,
    /// A whole HTML document, for the others.
    pub html: String,
    /// Mails with the same key are one thread; empty for one that stands alone.
    pub key: String,
}

/// Who sends mails: `email::Email` (feature `email`).
pub trait Mailer: fmt::Debug + Send + Sync {
    /// Sends it, once. `Ok` means that the server said it has it.
    ///
    /// # Errors
    /// As [`Notifier::attempt`](crate::Notifier::attempt).
    fn mail<'a>(&'a self, mail: &'a Mail) -> NotifyFuture<'a>;
}

/// A mailer that many tasks share.
pub type SharedMailer = Arc<dyn Mailer>;

// === impl Mail ===

impl Mail {
    /// A mail that stands alone. `body` is the inside of the HTML document's body, escaped by whoever made it.
    #[must_use]
    pub fn new(subject: &str, text: impl Into<String>, body: &str) -> Self {
        let subject = truncate(&width::clean(subject), SUBJECT).into_owned();
        let html = format!(
            "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{}</title></head>\n\
             <body style=\"font-family: sans-serif\">\n{body}</body></html>\n",
            escape(&subject)
        );
        Self { subject, text: text.into(), html, key: String::new() }
    }

    /// Makes it part of a thread.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }
}

impl From<&Notification> for Mail {
    fn from(n: &Notification) -> Self {
        let body = truncate(&n.text, TEXT);
        Self::new(&n.subject(), text(n, &body), &html(n, &body)).key(n.identity())
    }
}

/// The facts of a notification: its own, then the fields.
fn facts(n: &Notification) -> Vec<(String, String)> {
    let at = n.at.map(|at| at.to_string()).unwrap_or_default();
    let state = format!("{} ({})", n.severity, n.event.as_str());
    let own = [("Severity", state), ("Source", n.source.clone()), ("Time", at)];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    let clean = |text: &str| width::clean(text).into_owned();
    let all = own.chain(n.fields.iter().cloned()).filter(|(_, value)| !value.is_empty());
    all.map(|(name, value)| (clean(&name), clean(&value))).collect()
}

// Writing to a String cannot fail: the results below are not looked at.

fn text(n: &Notification, body: &str) -> String {
    let mut text = format!("{}\n\n", width::clean(&n.title));
    for (name, value) in facts(n) {
        let _ = writeln!(text, "{name}: {value}");
    }
    if !body.is_empty() {
        let _ = writeln!(text, "\n{}", visible(body));
    }
    if let Some(link) = n.link.as_deref().and_then(safe_link) {
        let _ = writeln!(text, "\n{link}");
    }
    text
}

fn html(n: &Notification, body: &str) -> String {
    let color = match (n.event, n.severity.as_str()) {
        (Event::Resolved, _) | (Event::Firing, "info") => "#36a64f",
        (Event::Acknowledged, _) => "#cccccc",
        (Event::Firing, "warning") => "#ff9900",
        _ => "#ff0000",
    };
    let mut html = format!(
        "<h2 style=\"border-left: 6px solid {color}; padding-left: 8px\">{}</h2>\n<table>\n",
        escape(&width::clean(&n.title))
    );
    for (name, value) in facts(n) {
        let _ = writeln!(html, "<tr><th align=\"left\">{}</th><td>{}</td></tr>", escape(&name), escape(&value));
    }
    html.push_str("</table>\n");
    if !body.is_empty() {
        let _ = writeln!(html, "<pre>{}</pre>", escape(&visible(body)));
    }
    if let Some(link) = n.link.as_deref().and_then(safe_link) {
        let _ = writeln!(html, "<p><a href=\"{0}\">{0}</a></p>", escape(link));
    }
    html
}

/// Text that is safe between tags and in a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use sre_core::Severity;

    use super::*;

    #[test]
    fn a_notification_becomes_text_and_html() {
        let n = Notification::new(Severity::Critical, "api is <down>\r\nBcc: all@example.org")
            .source("prober-1")
            .text("no answer from 3 of 3 probes\n<script>alert(1)</script>")
            .field("Host", "web-03 & \"web-04\"")
            .link("https://status.example/api?a=1&b=2")
            .at("2026-03-23T07:00:00Z".parse().unwrap());
        let mail = Mail::from(&n);
        assert_eq!(mail.subject, "CRITICAL: api is <down>  Bcc: all@example.org");
        insta::assert_snapshot!(mail.text);
        insta::assert_snapshot!(mail.html);
        assert!(Mail::from(&n.link("javascript:alert(1)")).html.contains("javascript").eq(&false));
    }
}
