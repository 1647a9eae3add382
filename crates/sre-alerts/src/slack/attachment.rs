//! Attachments: content beside a coloured bar.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use sre_core::Severity;

use super::escape;
use super::message::Block;
use crate::text::visible;

/// The bar's colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Color {
    /// `#36a64f`, green: info, all is well.
    Good,
    /// `#ff9900`, orange: warnings.
    Warning,
    /// `#ff0000`, red: errors and critical things.
    Danger,
    /// `#cccccc`, grey: unknown, anything else.
    Neutral,
}

/// Content beside a coloured bar: either a title with text and short fields, or blocks.
///
/// ```
/// use sre_alerts::slack::{Attachment, Color};
/// let a = Attachment::new(Color::Warning).title("checkout").field("5xx", "0.41/s").footer("prometheus");
/// assert_eq!(serde_json::to_value(&a).unwrap()["color"], "#ff9900");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attachment {
    pub(super) color: Color,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) blocks: Vec<Block>,
    #[serde(flatten)]
    pub(super) body: Body,
}

/// The part of an attachment that is not blocks.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(super) struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title_link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) fields: Vec<Field>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) footer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ts: Option<i64>,
    /// Without it Slack shows an attachment's markup as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) mrkdwn_in: Vec<&'static str>,
}

/// A short fact of an attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    pub(super) title: String,
    pub(super) value: String,
    pub(super) short: bool,
}

// === impl Color ===

impl Color {
    /// As Slack wants it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "#36a64f",
            Self::Warning => "#ff9900",
            Self::Danger => "#ff0000",
            Self::Neutral => "#cccccc",
        }
    }
}

impl From<Severity> for Color {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Good,
            Severity::Warning => Self::Warning,
            Severity::Error | Severity::Critical => Self::Danger,
        }
    }
}

impl Serialize for Color {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

// === impl Attachment ===

impl Attachment {
    /// An empty attachment; it is left out of the message until something is put into it.
    #[must_use]
    pub fn new(color: Color) -> Self {
        Self { color, blocks: Vec::new(), body: Body::default() }
    }

    /// Adds a block. Slack ignores title, text, fields and footer beside blocks, so such an attachment is sent as two.
    #[must_use]
    pub fn block(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// One bold line; plain text, escaped here.
    #[must_use]
    pub fn title(mut self, title: impl AsRef<str>) -> Self {
        self.body.title = Some(line(title.as_ref()));
        self
    }

    /// Makes the title a link; ignored when it is not `http(s)`.
    #[must_use]
    pub fn title_link(mut self, url: impl Into<String>) -> Self {
        let url = url.into();
        self.body.title_link = (url.starts_with("https://") || url.starts_with("http://")).then_some(url);
        self
    }

    /// Text in Slack's markup.
    #[must_use]
    pub fn text(mut self, markup: impl AsRef<str>) -> Self {
        self.body.text = Some(visible(markup.as_ref()));
        self.body.mrkdwn_in = vec!["text"];
        self
    }

    /// Adds a short fact, two of which share a line; plain text, escaped here.
    #[must_use]
    pub fn field(mut self, title: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let value = visible(&escape::text(value.as_ref()));
        self.body.fields.push(Field { title: line(title.as_ref()), short: value.chars().count() <= 40, value });
        self
    }

    /// One small line under it; plain text, escaped here.
    #[must_use]
    pub fn footer(mut self, footer: impl AsRef<str>) -> Self {
        self.body.footer = Some(line(footer.as_ref()));
        self
    }

    /// A time beside the footer, shown in each reader's own zone.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.body.ts = Some(at.as_second());
        self
    }
}

impl Body {
    pub(super) fn is_blank(&self) -> bool {
        let blank = |text: &Option<String>| text.as_ref().is_none_or(|t| t.trim().is_empty());
        blank(&self.title) && blank(&self.text) && self.fields.is_empty() && blank(&self.footer)
    }
}

fn line(raw: &str) -> String {
    visible(&escape::text(raw)).replace('\n', " ")
}
