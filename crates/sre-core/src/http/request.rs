//! A request on its way: built step by step, then sent.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest_middleware::RequestBuilder;
use serde::Serialize;

use super::attempt::AttemptLog;
use super::client::{Auth, Client};
use super::error::{Diagnosis, Error, ErrorKind};
use super::response::Response;
use crate::error::{Delivery, RetryHint};
use crate::target::Target;

/// A request being built.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    builder: RequestBuilder,
    client: Client,
    target: Target,
    method: Method,
    idempotent: bool,
    deadline: Duration,
}

impl Request {
    pub(super) fn new(client: Client, method: Method, url: &str) -> Self {
        let builder = match &client.auth {
            Auth::None => client.once.request(method.clone(), url),
            Auth::Bearer(token) => client.once.request(method.clone(), url).bearer_auth(token.expose()),
            Auth::Basic { user, password } => {
                client.once.request(method.clone(), url).basic_auth(user, Some(password.expose()))
            }
        };
        let idempotent = matches!(method, Method::GET | Method::HEAD);
        let named = url.split(['?', '#']).next().unwrap_or(url);
        Self { builder, target: Target::new(named), method, idempotent, deadline: client.deadline, client }
    }

    /// The name shown in errors instead of the URL without its query.
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// Query parameters.
    pub fn query<T: Serialize + ?Sized>(mut self, query: &T) -> Self {
        self.builder = self.builder.query(query);
        self
    }

    /// A header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// A JSON body.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        self.builder = self.builder.json(body);
        self
    }

    /// A form body.
    pub fn form<T: Serialize + ?Sized>(mut self, form: &T) -> Self {
        self.builder = self.builder.form(form);
        self
    }

    /// A body of bytes.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.builder = self.builder.body(body.into());
        self
    }

    /// Declares that sending it twice does what sending it once does, so that it may be repeated.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// Time for everything, instead of the client's.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sends it. Once the retries are used up, any status is an `Ok` response:
    /// see [`error_for_status`](Response::error_for_status).
    ///
    /// # Errors
    /// - connection: no address, no connection, TLS, no answer in time, a broken answer
    /// - application: a body over the cap, a request that cannot be built
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the peer may have acted on the request.
    pub async fn send(self) -> Result<Response, Error> {
        let Self { builder, client, target, method, idempotent, deadline } = self;
        let log = AttemptLog::default();
        let request =
            builder.build().map_err(|e| Diagnosis::of(&e.into()).into_error(target.clone()).with_attempts(0))?;
        let mut extensions = http::Extensions::new();
        extensions.insert(log.clone());
        let stack = if idempotent { &client.retrying } else { &client.once };
        let started = client.clock.instant();
        let run = stack.execute_with_extensions(request, &mut extensions);
        let result = tokio::time::timeout(deadline, run).await;
        let elapsed = client.clock.instant() - started;
        let facts = |e: Error| e.with_attempts(log.attempts()).with_elapsed(elapsed);
        match result {
            Ok(Ok(answer)) => Response::read(answer, target, log.attempts(), elapsed, &client.clock).await,
            Ok(Err(error)) => Err(facts(Diagnosis::of(&error).into_error(target).with_source(strip_url(error)))),
            Err(_) => {
                tracing::debug!(%method, %target, "deadline reached");
                let detail = match log.last() {
                    Some(last) => format!("the time for all attempts was used up; {last}"),
                    None => "connected or connecting, but nothing came".to_owned(),
                };
                let e = Error::new(ErrorKind::Timeout, target).with_detail(detail);
                Err(facts(e.with_delivery(Delivery::MaybeSent).with_hint(RetryHint::Backoff)))
            }
        }
    }
}

/// The URL may be the secret; the target names it well enough.
fn strip_url(error: reqwest_middleware::Error) -> reqwest_middleware::Error {
    error.without_url()
}
