//! A piece of text in a Slack message.

use serde::Serialize;

use super::escape;
use crate::text::visible;

/// Plain text, or text in Slack's markup ("mrkdwn"). Control characters other than line breaks and tabs are replaced
/// by U+FFFD: Slack refuses some, and none can be seen.
///
/// ```
/// use sre_alerts::slack::Text;
/// assert_eq!(Text::plain("a < b").as_str(), "a &lt; b");
/// assert_eq!(Text::mrkdwn("*bold*").as_str(), "*bold*");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    #[serde(rename = "type")]
    kind: Kind,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    PlainText,
    Mrkdwn,
}

// === impl Text ===

impl Text {
    /// Text to be shown as it is; it is escaped here.
    #[must_use]
    pub fn plain(raw: impl AsRef<str>) -> Self {
        Self { kind: Kind::PlainText, text: visible(&escape::text(raw.as_ref())) }
    }

    /// Slack's markup; whatever comes from outside must have gone through [`escape`] before.
    #[must_use]
    pub fn mrkdwn(markup: impl AsRef<str>) -> Self {
        Self { kind: Kind::Mrkdwn, text: visible(markup.as_ref()) }
    }

    /// The text as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same kind of text with other words, which are in sendable form already.
    pub(super) fn with(&self, text: impl Into<String>) -> Self {
        Self { kind: self.kind, text: text.into() }
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}
