//! What is said back, in Slack's shape (<https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>).
//!
//! ```
//! use sre_alerts::chatops::Reply;
//!
//! let reply = Reply::in_channel("deploying `shop` v2").output("ok <1>");
//! assert_eq!(reply.json()["response_type"], "in_channel");
//! assert_eq!(reply.json()["text"], "deploying `shop` v2\n```\nok &lt;1&gt;\n```");
//! ```

use serde_json::{Value, json};

use crate::slack::escape;

/// Slack cuts texts at 40,000 characters and recommends 4,000; whole messages beyond 12,000 are refused now and then.
const LONGEST: usize = 3500;

/// A message in answer to a command. Text is in Slack's own markup; use [`escape`] for words of
/// others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    in_channel: bool,
    text: String,
}

// === impl Reply ===

impl Reply {
    /// Seen by whoever asked.
    #[must_use]
    pub fn ephemeral(text: impl Into<String>) -> Self {
        Self { in_channel: false, text: text.into() }
    }

    /// Seen by everybody in the channel.
    #[must_use]
    pub fn in_channel(text: impl Into<String>) -> Self {
        Self { in_channel: true, text: text.into() }
    }

    /// Other people's words, for whoever asked.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self::ephemeral(escape::text(text))
    }

    /// Adds the output of a program, as it is, cut where a message ends.
    #[must_use]
    pub fn output(mut self, output: &str) -> Self {
        let room = LONGEST.saturating_sub(self.text.chars().count() + 20);
        let end = output.char_indices().nth(room).map_or(output.len(), |(end, _)| end);
        let cut = if end < output.len() { "\n…" } else { "" };
        let shown = escape::text(output[..end].trim_end()).replace("```", "'''");
        self.text.push_str(&format!("\n```\n{shown}{cut}\n```"));
        self
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The JSON of the answer.
    #[must_use]
    pub fn json(&self) -> Value {
        let response_type = if self.in_channel { "in_channel" } else { "ephemeral" };
        let text = match self.text.char_indices().nth(LONGEST * 2) {
            Some((end, _)) => format!("{}…", &self.text[..end]),
            None => self.text.clone(),
        };
        json!({ "response_type": response_type, "text": text })
    }
}
