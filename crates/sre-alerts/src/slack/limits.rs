//! Slack's limits, and how text is made to fit them.
//!
//! Sources: the Block Kit reference (<https://api.slack.com/reference/block-kit/blocks>) for everything but
//! [`TOTAL`]: Slack refuses messages of somewhere near 13,000 characters without documenting it, so a message stays
//! under 10,000. Lengths are counted in UTF-16 units of the escaped text, the strictest of the ways Slack might count.
//!
//! ```
//! use sre_alerts::slack::limits;
//! assert_eq!(limits::truncate(&"x".repeat(3000), 150).chars().count(), 130);
//! assert!(limits::truncate(&"x".repeat(3000), 150).ends_with("x… (+2890 characters)"));
//! assert!(limits::split(&"one line\n".repeat(12), 80).iter().all(|piece| piece.ends_with("line\n")));
//! ```

pub use crate::text::{length, split, truncate};

/// Blocks in a message.
pub const BLOCKS: usize = 50;
/// Characters of a section's or context element's text.
pub const SECTION_TEXT: usize = 3000;
/// Characters of a header.
pub const HEADER_TEXT: usize = 150;
/// Fields of a section, and by our choice of an attachment.
pub const FIELDS: usize = 10;
/// Characters of a field.
pub const FIELD_TEXT: usize = 2000;
/// Elements of a context block.
pub const CONTEXT_ELEMENTS: usize = 10;
/// Attachments in a message: Slack allows 100 and asks for no more than 20.
pub const ATTACHMENTS: usize = 20;
/// Characters of a whole message, counted over its JSON.
pub const TOTAL: usize = 10_000;
/// Messages that one [`Message`](super::Message) may become; at one a second, more is a flood.
pub const PARTS: usize = 10;
