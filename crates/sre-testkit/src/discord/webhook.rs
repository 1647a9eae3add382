//! The webhook's endpoint: refuses what Discord refuses, and says so as Discord does.

use std::time::Duration;

use serde_json::{Value, json};

use super::limits;
use crate::double::{Double, Receiver, Refusal};
use crate::scripted::{Reply, Request};

/// A running webhook; it stops when dropped.
pub type DiscordWebhook = Double<Channel>;

/// How many messages the channel has had.
#[derive(Debug, Default)]
pub struct Channel {
    posted: u64,
}

/// Discord's codes (<https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>).
const UNKNOWN_WEBHOOK: u32 = 10_015;
const EMPTY_MESSAGE: u32 = 50_006;
const INVALID_FORM: u32 = 50_035;
const INVALID_JSON: u32 = 50_109;

impl Receiver for Channel {
    /// In the shape of a real one.
    const PATH: &'static str = "/api/webhooks/1234567890123456789/aSecretThatNoLogMayShow2";
    /// Not documented, and what the `X-RateLimit` headers of webhooks say: five in two seconds.
    const PACE: (usize, Duration) = (5, Duration::from_secs(2));

    fn take(&mut self, request: &Request) -> Result<(Value, Reply), Refusal> {
        if request.path != Self::PATH || request.method != "POST" {
            return Err(refuse(404, UNKNOWN_WEBHOOK, "Unknown Webhook", &request.path));
        }
        let Ok(message) = request.json::<Value>() else {
            return Err(refuse(400, INVALID_JSON, "The request body contains invalid JSON.", ""));
        };
        limits::refusal(&message).map_err(|(field, why)| match field.as_str() {
            "" => refuse(400, EMPTY_MESSAGE, &why, ""),
            field => refuse(400, INVALID_FORM, "Invalid Form Body", &format!("{field}: {why}")),
        })?;
        self.posted += 1;
        let reply = match request.query_value("wait").as_deref() {
            Some("true") => Reply::json(200, &json!({ "id": self.posted.to_string(), "type": 0 })),
            _ => Reply::text(204, ""),
        };
        Ok((message, reply))
    }

    /// The header has whole seconds, the body is exact.
    fn too_early(wait: Duration) -> Reply {
        let body =
            json!({ "message": "You are being rate limited.", "retry_after": wait.as_secs_f64(), "global": false });
        let seconds = wait.as_millis().div_ceil(1000).to_string();
        Reply::json(429, &body).header("retry-after", seconds).header("x-ratelimit-scope", "user")
    }
}

impl Double<Channel> {
    /// Answers the next post with 429 and how long to wait.
    pub fn rate_limit_next(&self, retry_after: Duration) {
        self.reply_next(Channel::too_early(retry_after));
    }
}

fn refuse(status: u16, code: u32, message: &str, why: &str) -> Refusal {
    let reply = Reply::json(status, &json!({ "message": message, "code": code, "errors": { "why": why } }));
    Refusal { word: format!("{code} {message}"), why: why.to_owned(), reply: Box::new(reply) }
}
