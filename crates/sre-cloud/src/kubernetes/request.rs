//! One request with all its tries: credentials, time limits, retries, and an error that tells the whole story.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, header};
use kube::client::Body;
use sre_core::{Delivery, duration};
use tokio::time::{Instant, timeout_at};

use super::body::{BodyError, Received, read_body, read_packed};
use super::connect::{Cluster, too_late};
use super::refusal::{Asked, refusal};
use super::session::Live;
use super::transport_error::{Verdict, judge};
use crate::{Error, ErrorKind};

/// A body that explains an error is never worth more.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// A request.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) asked: Asked<'a>,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Content type and body.
    pub(crate) body: Option<(&'static str, Vec<u8>)>,
    /// Leave the answer compressed, if it comes so.
    pub(crate) packed: bool,
}

/// What an answer cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) attempts: u32,
    pub(crate) wire_bytes: u64,
    /// Whether the body is still compressed.
    pub(crate) gzip: bool,
}

/// No answer of use.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: Error,
    /// The token with which an expired list may go on.
    pub(crate) fresh_continue: Option<String>,
}

// === impl Refused ===

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, fresh_continue: None }
    }
}

impl Refused {
    fn told(self, attempts: u32, elapsed: Duration) -> Self {
        Self { error: self.error.with_attempts(attempts).with_elapsed(elapsed), ..self }
    }
}

// === impl Ask ===

impl<'a> Ask<'a> {
    pub(crate) fn get(asked: Asked<'a>, path: String) -> Self {
        Self { asked, method: Method::GET, path, body: None, packed: false }
    }

    /// The body as it is sent, to be decompressed later.
    pub(crate) fn packed(self) -> Self {
        Self { packed: true, ..self }
    }
}

// === impl Cluster ===

impl Cluster {
    /// Sends `ask` until it is answered, and fills `into` with the body of the answer. Every request that we make is
    /// idempotent: reads, and patches that set a value.
    pub(crate) async fn ask(&self, ask: &Ask<'_>, into: &mut Vec<u8>, deadline: Instant) -> Result<Answer, Refused> {
        let start = self.clock.instant();
        let mut attempt = 1;
        let mut renewed = false;
        let mut before = None;
        loop {
            let refused = match timeout_at(deadline, self.try_once(ask, into)).await {
                Err(_) => return Err(self.over(before).told(attempt, self.clock.instant() - start)),
                Ok(Ok(Received { wire, gzip })) => return Ok(Answer { attempts: attempt, wire_bytes: wire, gzip }),
                Ok(Err((refused, live))) => {
                    let unauthorized = refused.error.status() == Some(401);
                    match live.filter(|_| unauthorized && !renewed && self.session.can_renew()) {
                        Some(live) => {
                            renewed = true;
                            self.renew(&live, start, attempt, deadline).await?;
                            attempt += 1;
                            continue;
                        }
                        None => refused,
                    }
                }
            };
            let elapsed = self.clock.instant() - start;
            let Some(delay) = self.options.retry.next_delay(&refused.error, true, attempt, elapsed) else {
                return Err(refused.told(attempt, elapsed));
            };
            // What is known now is worth more than "too late" after a sleep.
            if self.clock.instant() + delay >= deadline {
                return Err(refused.told(attempt, elapsed));
            }
            tracing::info!(cluster = %self.target, attempt, delay = %duration::format(delay), error = %refused.error, "trying again");
            self.clock.sleep(delay).await;
            before = Some(refused.error);
            attempt += 1;
        }
    }

    /// Sends `ask` once and hands out the answer with its body unread; for watches.
    pub(crate) async fn open_watch(&self, ask: &Ask<'_>, read_timeout: Duration) -> Result<Response<Body>, Refused> {
        let mut renewed = false;
        loop {
            let live = self.session.live().await?;
            let client = live.watching(read_timeout, &self.target).await?;
            let answer = match self.send(&client, &live, ask, false).await {
                Ok(answer) => answer,
                Err(error) => return Err(error.into()),
            };
            if answer.status().is_success() {
                return Ok(answer);
            }
            let refused = self.read_refusal(ask.asked, answer, &mut Vec::new()).await;
            if refused.error.kind() == ErrorKind::Unauthorized && !renewed && self.session.can_renew() {
                renewed = true;
                self.session.renew(&live).await?;
                continue;
            }
            return Err(refused);
        }
    }

    async fn renew(&self, live: &Live, start: Instant, attempt: u32, deadline: Instant) -> Result<(), Refused> {
        let renewed = timeout_at(deadline, self.session.renew(live)).await;
        let elapsed = self.clock.instant() - start;
        match renewed {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Refused::from(error).told(attempt, elapsed)),
            Err(_) => Err(self.over(None).told(attempt, elapsed)),
        }
    }

    fn over(&self, before: Option<Error>) -> Refused {
        let error = too_late(&self.target, &self.host, self.options.deadline);
        match before {
            Some(before) => {
                let detail = format!("{}; the try before: {}", error.detail(), before.detail());
                error.with_detail(detail).into()
            }
            None => error.into(),
        }
    }

    async fn try_once(&self, ask: &Ask<'_>, into: &mut Vec<u8>) -> Result<Received, (Refused, Option<Arc<Live>>)> {
        let live = self.session.live().await.map_err(|e| (e.into(), None))?;
        let tried = async {
            let answer = self.send(&live.client, &live, ask, self.gzip).await?;
            if !answer.status().is_success() {
                return Err(self.read_refusal(ask.asked, answer, into).await);
            }
            let (head, body) = answer.into_parts();
            let limit = self.options.max_page_bytes;
            let received = match ask.packed {
                true => read_packed(&head.headers, body, into, limit).await,
                false => read_body(&head.headers, body, into, limit).await,
            };
            received.map_err(|e| self.body_error(ask.asked, e, limit).into())
        };
        tried.await.map_err(|refused| (refused, Some(Arc::clone(&live))))
    }

    async fn send(
        &self,
        client: &kube::Client,
        live: &Live,
        ask: &Ask<'_>,
        gzip: bool,
    ) -> Result<Response<Body>, Error> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(&ask.path)
            .header(header::ACCEPT, "application/json")
            .header(header::ACCEPT_ENCODING, if gzip { "gzip" } else { "identity" });
        if let Some(authorization) = &live.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let body = match &ask.body {
            Some((content_type, body)) => {
                request = request.header(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
                Body::from(body.clone())
            }
            None => Body::empty(),
        };
        let request = request.body(body).map_err(|e| self.error(judge(&kube::Error::HttpError(e))))?;
        client.send(request).await.map_err(|e| self.error(judge(&e)))
    }

    async fn read_refusal(&self, asked: Asked<'_>, answer: Response<Body>, into: &mut Vec<u8>) -> Refused {
        let (head, body) = answer.into_parts();
        // The status counts, whatever becomes of the body that explains it.
        let _ = read_body(&head.headers, body, into, MAX_ERROR_BODY).await;
        let (error, fresh_continue) =
            refusal(&self.target, &self.host, asked, (head.status.as_u16(), &head.headers, into));
        Refused { error, fresh_continue }
    }

    pub(crate) fn body_error(&self, asked: Asked<'_>, error: BodyError, limit: usize) -> Error {
        match error {
            BodyError::Broken(verdict) => self.error(verdict),
            BodyError::TooLarge => {
                let detail =
                    format!("{}: more than {limit} bytes for {} {}", self.host, asked.verb, asked.resource.plural);
                Error::new(ErrorKind::TooLarge, self.target.clone())
                    .with_detail(detail)
                    .with_delivery(Delivery::Answered)
            }
        }
    }

    pub(crate) fn error(&self, verdict: Verdict) -> Error {
        let Verdict { kind, delivery, hint, detail } = verdict;
        let detail = if kind == ErrorKind::Timeout {
            let (what, limit) = match delivery {
                Delivery::NotSent => ("no connection", self.options.connect_timeout),
                _ => ("nothing more to read", self.options.read_timeout),
            };
            format!("{}: {what} for {}", self.host, duration::format(limit))
        } else {
            format!("{}: {detail}", self.host)
        };
        Error::new(kind, self.target.clone()).with_detail(detail).with_delivery(delivery).with_hint(hint)
    }

    /// An answer that is not what the API promises.
    pub(crate) fn unreadable(&self, asked: Asked<'_>, why: &str) -> Error {
        let detail = format!("{}: {} {}: {why}", self.host, asked.verb, asked.resource.plural);
        Error::new(ErrorKind::Decode, self.target.clone()).with_detail(detail).with_delivery(Delivery::Answered)
    }
}
