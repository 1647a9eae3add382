//! What the doubles of chats and pagers share: they keep what they took and why they refused the rest, answer as a test
//! says where it says so, and hold their senders to the receiver's pace where that is asked for.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::scripted::{Reply, Request, Server};

/// A receiver that is as strict as the real one.
pub trait Receiver: Debug + Default + Send + 'static {
    /// The path of its URL; often a secret.
    const PATH: &'static str;
    /// So many messages are taken within so much time.
    const PACE: (usize, Duration);

    /// The message and the answer to it.
    ///
    /// # Errors
    /// Why it is not taken.
    fn take(&mut self, request: &Request) -> Result<(Value, Reply), Refusal>;

    /// The answer to what comes too early: how long to wait.
    fn too_early(wait: Duration) -> Reply;
}

/// Why a message is not taken.
#[derive(Debug)]
pub struct Refusal {
    /// The receiver's word for it.
    pub word: String,
    /// In our words.
    pub why: String,
    /// What the sender gets.
    pub reply: Box<Reply>,
}

/// A running receiver; it stops when dropped.
#[derive(Debug)]
pub struct Double<R> {
    server: Server,
    state: Arc<Mutex<State<R>>>,
}

#[derive(Debug, Default)]
struct State<R> {
    receiver: R,
    scripted: VecDeque<Reply>,
    messages: Vec<Value>,
    refused: Vec<(String, String)>,
    delay: Duration,
    paced: bool,
    /// When the last ones came, while paced.
    came: VecDeque<Instant>,
}

// === impl Double ===

impl<R: Receiver> Double<R> {
    /// Starts it over plain HTTP.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::<R>::default()));
        let inner = Arc::clone(&state);
        Self { server: Server::start(move |request| lock(&inner).answer(request)).await, state }
    }

    /// The URL to post to: a secret, like a real one.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url() + R::PATH
    }

    /// The part of the URL that nobody may see.
    #[must_use]
    pub fn path(&self) -> &'static str {
        R::PATH
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

    /// What was not taken: the receiver's word for it, and the reason or the body.
    #[must_use]
    pub fn refused(&self) -> Vec<(String, String)> {
        lock(&self.state).refused.clone()
    }

    /// Answers the next post that has no answer yet with this, whatever it says.
    pub fn reply_next(&self, reply: Reply) {
        lock(&self.state).scripted.push_back(reply);
    }

    /// From now on takes its time for each answer.
    pub fn slow_down(&self, delay: Duration) {
        lock(&self.state).delay = delay;
    }

    /// From now on refuses what comes faster than the real one takes it.
    pub fn keep_pace(&self) {
        lock(&self.state).paced = true;
    }

    /// What it knows.
    pub(crate) fn with<T>(&self, ask: impl FnOnce(&R) -> T) -> T {
        ask(&lock(&self.state).receiver)
    }
}

// === impl State ===

impl<R: Receiver> State<R> {
    fn answer(&mut self, request: &Request) -> Reply {
        if let Some(reply) = self.scripted.pop_front() {
            self.refused.push(("scripted".to_owned(), request.text()));
            return reply;
        }
        if let Some(wait) = self.too_early(request.at) {
            self.refused.push(("too early".to_owned(), format!("by {wait:?}")));
            return R::too_early(wait);
        }
        match self.receiver.take(request) {
            Ok((message, reply)) => {
                self.messages.push(message);
                reply.delay(self.delay)
            }
            Err(Refusal { word, why, reply }) => {
                self.refused.push((word, why));
                *reply
            }
        }
    }

    fn too_early(&mut self, now: Instant) -> Option<Duration> {
        if !self.paced {
            return None;
        }
        let (most, within) = R::PACE;
        while self.came.front().is_some_and(|at| now.duration_since(*at) >= within) {
            self.came.pop_front();
        }
        if self.came.len() < most {
            self.came.push_back(now);
            return None;
        }
        self.came.front().map(|first| within.saturating_sub(now.duration_since(*first)))
    }
}

fn lock<R>(state: &Mutex<State<R>>) -> MutexGuard<'_, State<R>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

// === what messages are made of ===

pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Characters of a text; none where there is no text.
pub(crate) fn length(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.chars().count())
}
