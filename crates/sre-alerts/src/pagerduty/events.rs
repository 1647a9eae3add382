//! Sends events and reads the answers.

use std::time::Duration;

use serde::Deserialize;
use sre_core::Secret;
use sre_core::http::{Client, Response};

use super::message::Message;
use crate::answer;
use crate::endpoint::{self, Endpoint};
use crate::error::{Error, ErrorKind, misconfigured};
use crate::notify::{Event, Notification, Notifier, NotifyFuture};

/// PagerDuty's own; customers in the EU have `https://events.eu.pagerduty.com/v2/enqueue`.
const URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// Time between two events: a key takes 120 a minute
/// (<https://community.pagerduty.com/forum/t/monitoring-api-rate-limiting/3318>).
const PACE: Duration = Duration::from_millis(500);

/// After a 429 without `Retry-After`: the documentation asks to wait for minutes.
const QUIET: Duration = Duration::from_secs(120);

/// An integration key of the Events API v2.
const KEY_LENGTH: usize = 32;

/// A PagerDuty service behind an integration key; see the [module](super). Clones share the pace.
///
/// The routing key is a secret. As PagerDuty merges events by their dedup key, an event is tried again after a timeout
/// or a 5xx too, and lost or doubled by neither. Defaults: 3 attempts within 2 minutes, two events a second. After a
/// 429 without `Retry-After` it is left alone for 2 minutes, which fails the notification with that hint.
#[derive(Debug, Clone)]
pub struct PagerDuty {
    endpoint: Endpoint,
    routing_key: Secret,
}

/// PagerDuty's words about an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Verdict {
    status: String,
    message: String,
    errors: Vec<String>,
}

// === impl PagerDuty ===

impl PagerDuty {
    /// The service with this routing (integration) key.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it does not look like one: 32 letters and digits.
    pub fn new(client: Client, routing_key: Secret) -> Result<Self, Error> {
        Self::at(client, URL, routing_key)
    }

    /// The same at another URL, such as that of the EU region: `https://events.eu.pagerduty.com/v2/enqueue`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a key or URL that is none.
    pub fn at(client: Client, url: &str, routing_key: Secret) -> Result<Self, Error> {
        let key = routing_key.expose();
        if key.len() != KEY_LENGTH || !key.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(misconfigured("PagerDuty", "the routing key is not one: it has 32 letters and digits"));
        }
        let endpoint = Endpoint::new(client, "PagerDuty", Secret::new(url), PACE)?.idempotent();
        Ok(Self { endpoint, routing_key })
    }

    endpoint::setters!();
}

impl Notifier for PagerDuty {
    endpoint::parts!("pagerduty");

    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move {
            let message = Message::new(notification, self.routing_key.expose());
            self.endpoint.deliver(|request| request.json(&message), read).await
        })
    }

    /// Opens an incident and resolves it.
    fn send_test(&self) -> NotifyFuture<'_> {
        Box::pin(async move {
            let test = Notification::test();
            self.notify(&test).await?;
            self.notify(&test.event(Event::Resolved)).await
        })
    }
}

fn read(response: &Response) -> Result<(), Error> {
    let verdict: Verdict = response.json().unwrap_or_default();
    let status = response.status();
    if status == 202 && verdict.status == "success" {
        return Ok(());
    }
    let said = match verdict.message.as_str() {
        "" => response.text().into_owned(),
        message => format!("{message} {}", verdict.errors.join("; ")),
    };
    let about_the_key = said.contains("routing_key") || said.contains("routing key");
    let kind = match answer::kind_of(status) {
        ErrorKind::InvalidPayload if about_the_key => ErrorKind::Unauthorized,
        kind => kind,
    };
    Err(answer::refused(response, kind, &said, QUIET))
}
