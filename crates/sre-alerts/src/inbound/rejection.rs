//! Why a request was not taken: a status, a word for programs, a sentence for people, and the field at fault.
//!
//! ```
//! use sre_alerts::inbound::{Rejection, RejectionKind};
//!
//! let rejection = Rejection::new(RejectionKind::Malformed, "is empty").field("title");
//! assert_eq!((rejection.kind().status(), rejection.to_string().as_str()), (400, "title: is empty"));
//! ```

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use sre_core::output::width;

use crate::intake::IntakeError;
use crate::signature::Refusal;

/// Peers' words are echoed up to here, in characters.
const LONGEST: usize = 200;

/// A request that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    kind: RejectionKind,
    field: Option<String>,
    why: String,
    retry_after: Option<Duration>,
}

/// What kind of refusal it is; each has one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// 400: the body cannot be read; the field says where.
    Malformed,
    /// 401: no credential, or a wrong one.
    Unauthorized,
    /// 403: a signature that is right but too old, or was used before.
    Forbidden,
    /// 404: there is no such endpoint.
    NotFound,
    /// 405: endpoints take POST.
    MethodNotAllowed,
    /// 408: the body did not arrive in time.
    Timeout,
    /// 413: the body is larger than allowed.
    TooLarge,
    /// 415: the content type is not that of this endpoint.
    UnsupportedMediaType,
    /// 422: a type, event or version that is not handled here.
    UnknownType,
    /// 503 with `Retry-After`: no room now.
    Busy,
    /// 503 with `Retry-After`: the alerts could not be stored.
    Unavailable,
}

/// The body of the answer.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    error: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    message: &'a str,
    request_id: &'a str,
}

// === impl Rejection ===

impl Rejection {
    /// A rejection; `why` may hold a peer's words: it is put on one line and cut at 200 characters.
    #[must_use]
    pub fn new(kind: RejectionKind, why: impl AsRef<str>) -> Self {
        Self { kind, field: None, why: shown(why.as_ref()), retry_after: None }
    }

    /// The field at fault, as a path: `[3].labels.my-label`.
    #[must_use]
    pub fn field(mut self, field: impl AsRef<str>) -> Self {
        self.field = Some(shown(field.as_ref()));
        self
    }

    /// When to come back.
    #[must_use]
    pub(super) fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// No room; come back in a second.
    pub(super) fn busy(why: &str) -> Self {
        Self::new(RejectionKind::Busy, why).retry_after(Duration::from_secs(1))
    }

    /// What kind of refusal it is.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// Whole seconds for `Retry-After`, at least one.
    pub(super) fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(|after| after.as_secs_f64().ceil().max(1.0) as u64)
    }

    pub(super) fn body<'a>(&'a self, request_id: &'a str) -> Body<'a> {
        Body { error: self.kind.code(), field: self.field.as_deref(), message: &self.why, request_id }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl std::error::Error for Rejection {}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::Missing | Refusal::Wrong => RejectionKind::Unauthorized,
            Refusal::Stale | Refusal::Replayed => RejectionKind::Forbidden,
        };
        Self::new(kind, refusal.to_string())
    }
}

impl From<IntakeError> for Rejection {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Full { retry_after } => Self::busy("the queue is full").retry_after(retry_after),
            IntakeError::Closed => Self::busy("shutting down").retry_after(Duration::from_secs(5)),
            IntakeError::Invalid { error, .. } => Self::new(RejectionKind::Malformed, error.why()).field(error.field()),
            // Why is our business: the log has it, the peer does not need it.
            IntakeError::Storage(_) => Self::new(RejectionKind::Unavailable, "the alerts could not be stored")
                .retry_after(Duration::from_secs(5)),
        }
    }
}

/// One line without control characters, cut.
fn shown(text: &str) -> String {
    let mut text: String = text.chars().take(LONGEST + 1).collect();
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    width::clean(&text).into_owned()
}

// === impl RejectionKind ===

impl RejectionKind {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Timeout => 408,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::UnknownType => 422,
            Self::Busy | Self::Unavailable => 503,
        }
    }

    /// The word for programs, `error` in the answer's JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::UnknownType => "unknown_type",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peers_words_stay_short_and_on_one_line() {
        let long = format!("a\nb\u{1b}[0m{}", "x".repeat(10_000_000));
        let rejection = Rejection::new(RejectionKind::Malformed, &long).field(&long);
        let text = rejection.to_string();
        assert!(text.chars().count() < 500 && !text.chars().any(char::is_control), "{text}");
    }

    #[test]
    fn storage_troubles_are_not_told_to_strangers() {
        let rejection = Rejection::from(IntakeError::Storage("disk /secret/path is full".into()));
        assert_eq!((rejection.kind().status(), rejection.retry_after_seconds()), (503, Some(5)));
        assert!(!rejection.to_string().contains("/secret"));
    }

    #[test]
    fn an_alert_that_is_none_is_the_senders_fault() {
        let mut alert = crate::Alert::builder(sre_core::Severity::Info, "x").starts_at(jiff::Timestamp::UNIX_EPOCH);
        alert = alert.source("y".repeat(300));
        let error = alert.build().unwrap_err();
        let rejection = Rejection::from(IntakeError::Invalid { index: 0, error });
        assert_eq!(rejection.kind().status(), 400);
        assert_eq!(rejection.to_string(), "source: is 300 bytes long, 255 are allowed");
    }

    #[test]
    fn retry_after_is_never_zero() {
        let error = IntakeError::Full { retry_after: Duration::from_millis(20) };
        assert_eq!(Rejection::from(error).retry_after_seconds(), Some(1));
        let error = IntakeError::Full { retry_after: Duration::from_millis(2500) };
        assert_eq!(Rejection::from(error).retry_after_seconds(), Some(3));
    }
}
