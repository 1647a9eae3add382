//! A Slack message as people think of it: as long as it has to be.

use serde::Serialize;

use super::attachment::Attachment;
use super::escape;
use super::pack::{self, Part};
use super::text::Text;
use crate::text::visible;

/// What to say. It may be of any size; [`parts`](Self::parts) cuts it up so that Slack takes it.
///
/// Slack shows the blocks first and the attachments under them. The text is what notifications and screen readers
/// say; it is shown in the channel only when there are no blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub(super) text: String,
    pub(super) channel: Option<String>,
    pub(super) blocks: Vec<Block>,
    pub(super) attachments: Vec<Attachment>,
}

/// A block of Slack's Block Kit (<https://api.slack.com/reference/block-kit/blocks>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Block {
    /// One large line.
    Header {
        /// Plain text.
        text: Text,
    },
    /// A paragraph, or facts in two columns, or both.
    Section {
        /// The paragraph.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<Text>,
        /// The facts.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        fields: Vec<Text>,
    },
    /// A thin line.
    Divider,
    /// Small grey text.
    Context {
        /// Shown side by side.
        elements: Vec<Text>,
    },
}

// === impl Message ===

impl Message {
    /// A message with nothing but text, which is plain and is escaped here.
    #[must_use]
    pub fn new(text: impl AsRef<str>) -> Self {
        let text = visible(&escape::text(text.as_ref()));
        Self { text, channel: None, blocks: Vec::new(), attachments: Vec::new() }
    }

    /// Adds a block.
    #[must_use]
    pub fn block(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// Adds blocks.
    #[must_use]
    pub fn blocks(mut self, blocks: impl IntoIterator<Item = Block>) -> Self {
        self.blocks.extend(blocks);
        self
    }

    /// Adds an attachment.
    #[must_use]
    pub fn attachment(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self
    }

    /// Asks for another channel. Only Slack's old custom integrations heed it: the webhook of an app always posts to
    /// the channel it was made for.
    #[must_use]
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = Some(channel.into());
        self
    }

    /// What goes over the wire: one or more messages, each within every limit of [`limits`](super::limits), or none
    /// when there is nothing to say. Long texts are split; single lines that are too long and whatever is beyond
    /// [`limits::PARTS`](super::limits::PARTS) messages are cut off with a mark that says how much.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        pack::parts(self)
    }
}

// === impl Block ===

impl Block {
    /// One large line of plain text.
    #[must_use]
    pub fn header(text: impl AsRef<str>) -> Self {
        Self::Header { text: Text::plain(text.as_ref().replace(['\n', '\r'], " ")) }
    }

    /// A paragraph.
    #[must_use]
    pub fn section(text: Text) -> Self {
        Self::Section { text: Some(text), fields: Vec::new() }
    }

    /// Facts in two columns.
    #[must_use]
    pub fn fields(fields: impl IntoIterator<Item = Text>) -> Self {
        Self::Section { text: None, fields: fields.into_iter().collect() }
    }

    /// A thin line.
    #[must_use]
    pub fn divider() -> Self {
        Self::Divider
    }

    /// Small grey text.
    #[must_use]
    pub fn context(elements: impl IntoIterator<Item = Text>) -> Self {
        Self::Context { elements: elements.into_iter().collect() }
    }
}
