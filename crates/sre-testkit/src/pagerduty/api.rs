//! The endpoint: merges events into incidents, refuses what PagerDuty refuses, fails when it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::limits;
use crate::scripted::{Reply, Request, Server};

/// The one integration key that this PagerDuty knows.
pub const ROUTING_KEY: &str = "5ecretKeyOfTheTestkit00000000000";

/// A running Events API; it stops when dropped.
#[derive(Debug)]
pub struct PagerDuty {
    server: Server,
    state: Arc<Mutex<Service>>,
}

/// What PagerDuty made of the events with one dedup key, until it was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incident {
    /// The key of its events.
    pub dedup_key: String,
    /// The summary of the first trigger.
    pub summary: String,
    /// Where it stands.
    pub state: State,
    /// How many triggers were merged into it, the first included.
    pub triggers: usize,
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Somebody is being paged.
    Triggered,
    /// Somebody looks after it.
    Acknowledged,
    /// It is over.
    Resolved,
}

#[derive(Debug, Default)]
struct Service {
    scripted: VecDeque<Reply>,
    events: Vec<Value>,
    refused: Vec<String>,
    incidents: Vec<Incident>,
}

// === impl PagerDuty ===

impl PagerDuty {
    /// Starts it over plain HTTP.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(Service::default()));
        let inner = Arc::clone(&state);
        Self { server: Server::start(move |request| lock(&inner).answer(request)).await, state }
    }

    /// The URL to post events to.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url() + "/v2/enqueue"
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

    /// The events that were taken, in their order.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        lock(&self.state).events.clone()
    }

    /// Why the others were not.
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        lock(&self.state).refused.clone()
    }

    /// All incidents, the oldest first.
    #[must_use]
    pub fn incidents(&self) -> Vec<Incident> {
        lock(&self.state).incidents.clone()
    }

    /// Answers the next event that has no answer yet with this, whatever it is.
    pub fn reply_next(&self, reply: Reply) {
        lock(&self.state).scripted.push_back(reply);
    }

    /// Answers the next event with 429, and `Retry-After` if there is one.
    pub fn rate_limit_next(&self, retry_after: Option<Duration>) {
        let reply = Reply::json(
            429,
            &json!({ "status": "throttle exceeded", "message": "Requests for this service are arriving too quickly. Please retry later." }),
        );
        self.reply_next(match retry_after {
            Some(wait) => reply.header("retry-after", wait.as_secs().to_string()),
            None => reply,
        });
    }
}

// === impl Service ===

impl Service {
    fn answer(&mut self, request: &Request) -> Reply {
        if let Some(reply) = self.scripted.pop_front() {
            self.refused.push("scripted".to_owned());
            return reply;
        }
        if request.path != "/v2/enqueue" || request.method != "POST" {
            return self.refuse(404, &format!("{} {}", request.method, request.path), &[]);
        }
        if request.body.len() > limits::MAX_EVENT {
            return self.refuse(413, "Event object is too large", &[]);
        }
        let Ok(event) = request.json::<Value>() else {
            return self.refuse(400, "Event object is invalid", &["JSON cannot be parsed".to_owned()]);
        };
        let mut errors = limits::refusal(&event);
        if errors.is_empty() && event["routing_key"] != ROUTING_KEY {
            errors.push("'routing_key' is not that of a service".to_owned());
        }
        if !errors.is_empty() {
            return self.refuse(400, "Event object is invalid", &errors);
        }
        let dedup_key = self.merge(&event);
        self.events.push(event);
        Reply::json(202, &json!({ "status": "success", "message": "Event processed", "dedup_key": dedup_key }))
    }

    /// Without a key every trigger is an incident of its own.
    fn merge(&mut self, event: &Value) -> String {
        let key = event["dedup_key"].as_str().filter(|key| !key.is_empty());
        let key = key.map_or_else(|| format!("made-up-{}", self.incidents.len()), str::to_owned);
        let open = self.incidents.iter_mut().find(|i| i.dedup_key == key && i.state != State::Resolved);
        match (event["event_action"].as_str().unwrap_or_default(), open) {
            ("trigger", Some(incident)) => incident.triggers += 1,
            ("trigger", None) => self.incidents.push(Incident {
                dedup_key: key.clone(),
                summary: event["payload"]["summary"].as_str().unwrap_or_default().to_owned(),
                state: State::Triggered,
                triggers: 1,
            }),
            ("acknowledge", Some(incident)) => incident.state = State::Acknowledged,
            ("resolve", Some(incident)) => incident.state = State::Resolved,
            // PagerDuty takes it and forgets it.
            _ => {}
        }
        key
    }

    fn refuse(&mut self, status: u16, message: &str, errors: &[String]) -> Reply {
        self.refused.push(format!("{status} {message} {}", errors.join("; ")));
        Reply::json(status, &json!({ "status": "invalid event", "message": message, "errors": errors }))
    }
}

fn lock(state: &Mutex<Service>) -> MutexGuard<'_, Service> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
