//! An answer, read whole.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use super::error::{Error, ErrorKind, status_hint};
use super::retry_after;
use crate::clock::SharedClock;
use crate::error::Delivery;
use crate::target::Target;

/// At most this many characters of a refusal's body go into the error.
const EXCERPT: usize = 300;

/// An answer with its body and the story of how it came.
#[derive(Debug, Clone)]
pub struct Response {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    target: Target,
    attempts: u32,
    elapsed: Duration,
    retry_after: Option<Duration>,
    redirected: bool,
}

/// Marks an answer that came from another URL than the one that was asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Redirected;

impl Response {
    pub(super) async fn read(
        answer: reqwest::Response,
        target: Target,
        attempts: u32,
        elapsed: Duration,
        clock: &SharedClock,
    ) -> Result<Self, Error> {
        let status = answer.status().as_u16();
        let redirected = answer.extensions().get::<Redirected>().is_some();
        let headers = answer.headers().clone();
        let retry_after = headers.get("retry-after").and_then(|v| v.to_str().ok());
        let retry_after = retry_after.and_then(|v| retry_after::parse(v, clock.now()));
        let body = answer.bytes().await.map_err(|e| {
            Error::new(ErrorKind::Broken, target.clone())
                .with_attempts(attempts)
                .with_elapsed(elapsed)
                .with_source(e.without_url())
        })?;
        Ok(Self { status, headers, body, target, attempts, elapsed, retry_after, redirected })
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 200–299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The body, decompressed.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// How many times it was tried until this came.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Time over all attempts.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Whom we asked.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether redirects led to another URL than the one that was asked. A POST is a GET after most of them.
    pub fn redirected(&self) -> bool {
        self.redirected
    }

    /// How long the peer asks us to wait (`Retry-After`), uncapped.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`], with the line and column where it went wrong.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|e| {
            self.failed(ErrorKind::Decode)
                .with_detail(format!("{e}, in a body of {} bytes", self.body.len()))
                .with_source(e)
        })
    }

    /// Turns a status that is no success into an error.
    ///
    /// # Errors
    /// - auth: 401, 403
    /// - application: every other status that is no success, with the head of the body
    pub fn error_for_status(self) -> Result<Self, Error> {
        if self.is_success() {
            return Ok(self);
        }
        let hint = status_hint(self.status, self.retry_after);
        let excerpt = self.excerpt();
        let separator = if excerpt.is_empty() { "" } else { ": " };
        let detail = format!("HTTP {}{separator}{excerpt}", self.status);
        Err(self.failed(ErrorKind::of_status(self.status)).with_hint(hint).with_detail(detail))
    }

    /// An error about this answer with all its facts.
    pub fn failed(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.target.clone())
            .with_attempts(self.attempts)
            .with_elapsed(self.elapsed)
            .with_delivery(Delivery::Answered)
            .with_status(self.status)
    }

    fn excerpt(&self) -> String {
        let text = self.text();
        let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((end, _)) = words.char_indices().nth(EXCERPT) {
            words.truncate(end);
            words.push('…');
        }
        words
    }
}
