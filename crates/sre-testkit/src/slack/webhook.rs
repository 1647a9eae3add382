//! The webhook's endpoint: refuses what Slack refuses, in Slack's words.

use std::time::Duration;

use serde_json::Value;

use super::limits;
use crate::double::{Double, Receiver, Refusal};
use crate::scripted::{Reply, Request};

/// A running webhook; it stops when dropped.
pub type SlackWebhook = Double<Slack>;

/// What Slack knows between two messages: nothing.
#[derive(Debug, Default)]
pub struct Slack;

impl Receiver for Slack {
    /// In the shape of a real one.
    const PATH: &'static str = "/services/T0TESTKIT/B0TESTKIT/aSecretThatNoLogMayShow1";
    /// <https://docs.slack.dev/apis/web-api/rate-limits>.
    const PACE: (usize, Duration) = (1, Duration::from_secs(1));

    fn take(&mut self, request: &Request) -> Result<(Value, Reply), Refusal> {
        if request.path != Self::PATH || request.method != "POST" {
            return Err(refuse(404, "no_service", format!("{} {}", request.method, request.path)));
        }
        let is_form =
            request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let text = if is_form { request.form_value("payload").unwrap_or_default() } else { request.text() };
        let message = serde_json::from_str::<Value>(&text)
            .map_err(|_| refuse(400, "invalid_payload", format!("not JSON: {text}")))?;
        limits::refusal(&message).map_err(|(error, why)| refuse(400, error, why))?;
        Ok((message, Reply::text(200, "ok")))
    }

    /// In whole seconds.
    fn too_early(wait: Duration) -> Reply {
        let seconds = wait.as_millis().div_ceil(1000);
        Reply::text(429, "rate_limited").header("retry-after", seconds.to_string())
    }
}

impl Double<Slack> {
    /// Refuses the next post with one of Slack's error strings and the status that belongs to it.
    ///
    /// # Panics
    /// When Slack has no such error.
    pub fn fail_next(&self, error: &str) {
        let status = match error {
            "invalid_payload" | "invalid_blocks" | "invalid_attachments" | "no_text" | "user_not_found" => 400,
            "action_prohibited" | "posting_to_general_channel_denied" | "invalid_token" | "team_disabled" => 403,
            "channel_not_found" | "no_service" | "no_team" => 404,
            "channel_is_archived" => 410,
            "rollup_error" => 500,
            other => panic!("Slack has no error {other}"),
        };
        self.reply_next(Reply::text(status, error));
    }

    /// Answers the next post with 429 and `Retry-After` in whole seconds.
    pub fn rate_limit_next(&self, retry_after: Duration) {
        self.reply_next(Slack::too_early(retry_after));
    }
}

fn refuse(status: u16, error: &str, why: String) -> Refusal {
    Refusal { word: error.to_owned(), why, reply: Box::new(Reply::text(status, error)) }
}
