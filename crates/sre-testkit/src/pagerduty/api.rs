//! The endpoint: merges events into incidents, refuses what PagerDuty refuses.

use std::time::Duration;

use serde_json::{Value, json};

use super::limits;
use crate::double::{Double, Receiver, Refusal};
use crate::scripted::{Reply, Request};

/// The one integration key that this PagerDuty knows.
pub const ROUTING_KEY: &str = "5ecretKeyOfTheTestkit00000000000";

/// A running Events API; it stops when dropped.
pub type PagerDuty = Double<Events>;

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

/// The incidents of one service.
#[derive(Debug, Default)]
pub struct Events {
    incidents: Vec<Incident>,
}

// === impl PagerDuty ===

impl Double<Events> {
    /// All incidents, the oldest first.
    #[must_use]
    pub fn incidents(&self) -> Vec<Incident> {
        self.with(|events| events.incidents.clone())
    }

    /// Answers the next event with 429, and `Retry-After` if there is one.
    pub fn rate_limit_next(&self, retry_after: Option<Duration>) {
        self.reply_next(match retry_after {
            Some(wait) => throttled().header("retry-after", wait.as_secs().to_string()),
            None => throttled(),
        });
    }
}

impl Receiver for Events {
    const PATH: &'static str = "/v2/enqueue";
    /// <https://community.pagerduty.com/forum/t/monitoring-api-rate-limiting/3318>.
    const PACE: (usize, Duration) = (120, Duration::from_secs(60));

    fn take(&mut self, request: &Request) -> Result<(Value, Reply), Refusal> {
        if request.path != Self::PATH || request.method != "POST" {
            return Err(refuse(404, &format!("{} {}", request.method, request.path), &[]));
        }
        if request.body.len() > limits::MAX_EVENT {
            return Err(refuse(413, "Event object is too large", &[]));
        }
        let Ok(event) = request.json::<Value>() else {
            return Err(refuse(400, "Event object is invalid", &["JSON cannot be parsed".to_owned()]));
        };
        let mut errors = limits::refusal(&event);
        if errors.is_empty() && event["routing_key"] != ROUTING_KEY {
            errors.push("'routing_key' is not that of a service".to_owned());
        }
        if !errors.is_empty() {
            return Err(refuse(400, "Event object is invalid", &errors));
        }
        let dedup_key = self.merge(&event);
        let answer = json!({ "status": "success", "message": "Event processed", "dedup_key": dedup_key });
        Ok((event, Reply::json(202, &answer)))
    }

    /// Without a word about how long.
    fn too_early(_: Duration) -> Reply {
        throttled()
    }
}

impl Events {
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
}

fn throttled() -> Reply {
    let message = "Requests for this service are arriving too quickly. Please retry later.";
    Reply::json(429, &json!({ "status": "throttle exceeded", "message": message }))
}

fn refuse(status: u16, message: &str, errors: &[String]) -> Refusal {
    let reply = Reply::json(status, &json!({ "status": "invalid event", "message": message, "errors": errors }));
    Refusal { word: format!("{status} {message}"), why: errors.join("; "), reply: Box::new(reply) }
}
