//! The webhook's endpoint: records what it takes, refuses what Slack refuses, fails when it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::limits;
use crate::scripted::{Reply, Request, Server};

/// The secret part of the URL, in the shape of a real one: no log may show it.
const PATH: &str = "/services/T0TESTKIT/B0TESTKIT/aSecretThatNoLogMayShow1";

/// A running webhook; it stops when dropped.
#[derive(Debug)]
pub struct SlackWebhook {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    scripted: VecDeque<Reply>,
    messages: Vec<Value>,
    refused: Vec<(String, String)>,
}

// === impl SlackWebhook ===

impl SlackWebhook {
    /// Starts it over plain HTTP.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let inner = Arc::clone(&state);
        Self { server: Server::start(move |request| lock(&inner).answer(request)).await, state }
    }

    /// The webhook's URL: a secret, like a real one.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url() + PATH
    }

    /// The part of the URL that nobody may see.
    #[must_use]
    pub fn path(&self) -> &str {
        PATH
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn addr(&self) -> String {
        self.server.addr().to_string()
    }

    /// The server below, with every request.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The messages that were taken, in their order.
    #[must_use]
    pub fn messages(&self) -> Vec<Value> {
        lock(&self.state).messages.clone()
    }

    /// What was not taken: the answer's error string, and the reason or the body.
    #[must_use]
    pub fn refused(&self) -> Vec<(String, String)> {
        lock(&self.state).refused.clone()
    }

    /// Answers the next post that has no answer yet with this, whatever it says.
    pub fn reply_next(&self, reply: Reply) {
        lock(&self.state).scripted.push_back(reply);
    }

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
        self.reply_next(Reply::text(429, "rate_limited").header("retry-after", retry_after.as_secs().to_string()));
    }
}

// === impl State ===

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
        if let Some(reply) = self.scripted.pop_front() {
            self.refused.push(("scripted".to_owned(), request.text()));
            return reply;
        }
        if request.path != PATH || request.method != "POST" {
            return self.refuse(404, "no_service", format!("{} {}", request.method, request.path));
        }
        let is_form =
            request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let text = if is_form { request.form_value("payload").unwrap_or_default() } else { request.text() };
        let Ok(message) = serde_json::from_str::<Value>(&text) else {
            return self.refuse(400, "invalid_payload", format!("not JSON: {text}"));
        };
        match limits::refusal(&message) {
            Ok(()) => {
                self.messages.push(message);
                Reply::text(200, "ok")
            }
            Err((error, why)) => self.refuse(400, error, why),
        }
    }

    fn refuse(&mut self, status: u16, error: &str, why: String) -> Reply {
        self.refused.push((error.to_owned(), why));
        Reply::text(status, error)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
