//! Any service that takes a POST: JSON of ours or a body of your own, signed.
//!
//! By default the body is the [`Notification`] as JSON with `"version": 1` added, of type `application/json`. Any 2xx is
//! a success. With a secret each request carries a [`crate::signature`] of version v0, made anew for each attempt.
//!
//! ```no_run
//! # async fn run(client: sre_core::http::Client) -> Result<(), sre_alerts::Error> {
//! use sre_alerts::{Notification, Notifier, webhook::Webhook};
//! use sre_core::{Secret, Severity};
//!
//! let webhook = Webhook::new(client, Secret::new("https://ops.example/hook"))?
//!     .sign_with(Secret::new("shared secret"))
//!     .header("x-team", Secret::new("payments"))?
//!     .render("text/plain", |n| Ok(format!("{} {}", n.severity, n.title)));
//! webhook.notify(&Notification::new(Severity::Error, "queue is stuck")).await?;
//! # Ok(()) }
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sre_core::http::{Request, Response};
use sre_core::{Delivery, Secret, http::Client};

use crate::answer;
use crate::endpoint::{self, Endpoint};
use crate::error::{Error, ErrorKind, misconfigured};
use crate::notify::{Notification, Notifier, NotifyFuture, Receipt};
use crate::signature::{self, SIGNATURE_HEADER, TIMESTAMP_HEADER};

const NAME: &str = "webhook";

/// How long to keep away after a 429 that says nothing about it.
const QUIET: Duration = Duration::from_secs(5);

/// Headers that belong to the connection, or to us.
const RESERVED: [&str; 6] =
    ["content-length", "content-type", "host", "transfer-encoding", TIMESTAMP_HEADER, SIGNATURE_HEADER];

/// A generic webhook; see the [module](self). Clones share the pace.
///
/// The URL and the values of headers are secrets. Default: not signed, no more headers, no pace, 3 attempts a message
/// where that surely makes no duplicate.
#[derive(Clone)]
pub struct Webhook {
    endpoint: Endpoint,
    headers: Vec<(String, Secret)>,
    secret: Option<Secret>,
    content_type: String,
    render: Arc<Render>,
}

type Render = dyn Fn(&Notification) -> Result<String, String> + Send + Sync;

/// The default body.
#[derive(Debug, Serialize)]
struct Body<'a> {
    version: u32,
    #[serde(flatten)]
    notification: &'a Notification,
}

// === impl Webhook ===

impl Webhook {
    /// A webhook at `url`, which is `https` or `http`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is no such URL.
    pub fn new(client: Client, url: Secret) -> Result<Self, Error> {
        Ok(Self {
            endpoint: Endpoint::new(client, NAME, url, Duration::ZERO)?,
            headers: Vec::new(),
            secret: None,
            content_type: "application/json".to_owned(),
            render: Arc::new(|notification| {
                serde_json::to_string(&Body { version: 1, notification }).map_err(|e| e.to_string())
            }),
        })
    }

    /// Signs every request with this secret.
    #[must_use]
    pub fn sign_with(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Adds a header to every request.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the name or value is none, or the header is one that is set here.
    pub fn header(mut self, name: impl Into<String>, value: Secret) -> Result<Self, Error> {
        let name = name.into();
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(token) {
            return Err(misconfigured(NAME, format!("{name:?} is not the name of a header")));
        }
        if RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
            return Err(misconfigured(NAME, format!("the header {name} is set already")));
        }
        if !value.expose().chars().all(|c| matches!(c, ' '..='~')) {
            return Err(misconfigured(
                NAME,
                format!("the value of header {name} has characters that no header may have"),
            ));
        }
        self.headers.push((name, value));
        Ok(self)
    }

    /// Makes the body: a rendered template, for instance. What it gives is sent as it is. An `Err` says why there is no
    /// body; the message is then refused as [`ErrorKind::InvalidPayload`].
    #[must_use]
    pub fn render(
        mut self,
        content_type: impl Into<String>,
        render: impl Fn(&Notification) -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        self.content_type = content_type.into();
        self.render = Arc::new(render);
        self
    }

    /// Declares that the service merges a body that comes twice, so that it may be repeated after a timeout.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.endpoint = self.endpoint.idempotent();
        self
    }

    /// The time kept between two messages.
    #[must_use]
    pub fn pace(mut self, interval: Duration) -> Self {
        self.endpoint = self.endpoint.pace(interval);
        self
    }

    endpoint::setters!();

    /// Posts a body that is ready.
    ///
    /// # Errors
    /// As [`Notifier::notify`].
    pub async fn post(&self, body: String) -> Result<Receipt, Error> {
        let body = bytes::Bytes::from(body);
        self.endpoint.deliver(|request| self.fill(request, &body), read).await
    }

    fn fill(&self, request: Request, body: &bytes::Bytes) -> Request {
        let mut request = request.header("content-type", &self.content_type).body(body.clone());
        for (name, value) in &self.headers {
            request = request.header(name, value.expose());
        }
        if let Some(secret) = &self.secret {
            let timestamp = self.endpoint.time().now().as_second();
            request = request.header(TIMESTAMP_HEADER, &timestamp.to_string());
            request = request.header(SIGNATURE_HEADER, &signature::sign_v0(secret, timestamp, body));
        }
        request
    }
}

impl Notifier for Webhook {
    endpoint::parts!("webhook");

    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move {
            let body = (self.render)(notification).map_err(|why| {
                let e = Error::new(ErrorKind::InvalidPayload, self.target().clone()).with_attempts(0);
                e.with_detail(format!("no body could be made: {why}")).with_delivery(Delivery::NotSent)
            })?;
            self.post(body).await
        })
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("endpoint", &self.endpoint)
            .field("headers", &self.headers)
            .field("secret", &self.secret)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

fn read(response: &Response) -> Result<(), Error> {
    if response.is_success() { Ok(()) } else { answer::expect(response, &[], QUIET) }
}
