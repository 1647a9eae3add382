//! One attempt, inside the retry loop: waits out a `Retry-After`, counts, reads the body up to the cap.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::BytesMut;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next};
use tokio::time::Instant;

use super::error::{BodyError, Diagnosis};
use super::response::Redirected;
use super::retry_after;
use crate::clock::SharedClock;
use crate::retry::RetryPolicy;

/// What the attempts of one request leave behind; shared with the caller, who may give up in between.
#[derive(Debug, Clone, Default)]
pub(super) struct AttemptLog(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    attempts: u32,
    last: Option<String>,
    not_before: Option<Instant>,
    failed_at: Option<Instant>,
}

/// The innermost middleware.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) clock: SharedClock,
    pub(super) max_body: usize,
    pub(super) policy: RetryPolicy,
}

// === impl AttemptLog ===

impl AttemptLog {
    fn with<T>(&self, f: impl FnOnce(&mut Entries) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many attempts were begun.
    pub(super) fn attempts(&self) -> u32 {
        self.with(|e| e.attempts)
    }

    /// How the last finished attempt failed.
    pub(super) fn last(&self) -> Option<String> {
        self.with(|e| e.last.clone())
    }
}

// === impl Attempt ===

#[async_trait]
impl Middleware for Attempt {
    async fn handle(&self, req: Request, ext: &mut Extensions, next: Next<'_>) -> reqwest_middleware::Result<Response> {
        let log = ext.get_or_insert_default::<AttemptLog>().clone();
        if let Some(until) = log.with(|e| e.not_before.take()) {
            self.clock.sleep(until.saturating_duration_since(self.clock.instant())).await;
        }
        let (attempt, last, waited) = log.with(|e| {
            e.attempts += 1;
            (e.attempts, e.last.clone(), e.failed_at.map(|at| self.clock.instant() - at))
        });
        if let (Some(reason), Some(delay)) = (last, waited) {
            tracing::info!(attempt, ?delay, reason, "trying again");
        }
        let asked = req.url().clone();
        let result = match next.run(req, ext).await {
            Ok(response) => self.buffered(response, &asked).await,
            Err(error) => Err(error),
        };
        match &result {
            Ok(response) => self.note_status(&log, attempt, response),
            Err(error) => {
                let diagnosis = Diagnosis::of(error);
                tracing::debug!(attempt, kind = ?diagnosis.kind, detail = %diagnosis.detail, "http attempt failed");
                let now = self.clock.instant();
                log.with(|e| {
                    e.last = Some(diagnosis.detail);
                    e.failed_at = Some(now);
                });
            }
        }
        result
    }
}

impl Attempt {
    fn note_status(&self, log: &AttemptLog, attempt: u32, response: &Response) {
        let status = response.status();
        tracing::debug!(attempt, status = status.as_u16(), "http answer");
        if status.is_success() {
            return;
        }
        let wait = response.headers().get("retry-after").and_then(|v| v.to_str().ok());
        let wait = wait.and_then(|v| retry_after::parse(v, self.clock.now())).map(|d| d.min(self.policy.cap()));
        // With jitter on top, so that those who were told the same do not come back together.
        let not_before = wait.map(|d| self.clock.instant() + d + self.policy.jittered_delay(attempt - 1));
        let now = self.clock.instant();
        log.with(|e| {
            e.last = Some(format!("the last answer was {status}"));
            e.not_before = not_before;
            e.failed_at = Some(now);
        });
    }

    /// The same response with its body read whole, or an error when it breaks off or is too large.
    async fn buffered(&self, mut response: Response, asked: &reqwest::Url) -> reqwest_middleware::Result<Response> {
        let limit = self.max_body;
        let too_large = || reqwest_middleware::Error::middleware(BodyError::TooLarge(limit));
        if response.content_length().is_some_and(|n| n > limit as u64) {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(too_large()),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(e) => return Err(reqwest_middleware::Error::middleware(BodyError::Broken(e.without_url()))),
            }
        }
        let mut whole = http::Response::new(body.freeze());
        if response.url() != asked {
            whole.extensions_mut().insert(Redirected);
        }
        *whole.status_mut() = response.status();
        *whole.headers_mut() = std::mem::take(response.headers_mut());
        Ok(Response::from(whole))
    }
}
