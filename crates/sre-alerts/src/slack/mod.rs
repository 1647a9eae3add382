//! Slack incoming webhooks: typed messages, Slack's limits, delivery.
//!
//! Build a [`Message`]; its [`parts`](Message::parts) are what goes over the wire, each within every limit of
//! [`limits`]. [`SlackWebhook`] posts them. A dry run prints the parts and stops there.
//!
//! ```
//! use sre_alerts::slack::{Attachment, Block, Color, Message, Text};
//!
//! let message = Message::new("2 critical findings")
//!     .block(Block::header("UNHEALTHY"))
//!     .block(Block::section(Text::mrkdwn("*payments/api* CrashLoopBackOff")))
//!     .attachment(Attachment::new(Color::Danger).title("us-east-1").field("i-0abc", "impaired"));
//! let parts = message.parts();
//! assert_eq!(parts.len(), 1);
//! assert!(serde_json::to_string(&parts[0]).unwrap().contains("#ff0000"));
//! ```

mod attachment;
pub mod escape;
mod fit;
pub mod limits;
mod message;
mod pack;
mod render;
mod reply;
mod text;
mod webhook;

pub use attachment::{Attachment, Color, Field};
pub use message::{Block, Message};
pub use pack::Part;
pub use text::Text;
pub use webhook::{Posting, SlackWebhook};
