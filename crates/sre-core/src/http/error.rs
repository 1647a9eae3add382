//! What can go wrong with an HTTP request, and what that means.

use std::time::Duration;

use crate::chain;
use crate::error::{Delivery, ErrorClass, RetryHint};
use crate::failure::{Failure, FailureKind};
use crate::target::Target;

/// A failed request; see [`Failure`] for its accessors.
pub type Error = Failure<ErrorKind>;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name did not resolve.
    Dns,
    /// No connection came about.
    Connect,
    /// The TLS handshake failed or the certificate is not trusted.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection broke in mid-answer.
    Broken,
    /// The body is larger than the cap.
    TooLarge,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 410.
    Gone,
    /// 429.
    RateLimited,
    /// 5xx.
    Server,
    /// Any other status that is no success.
    Client,
    /// The body is not what was promised.
    Decode,
    /// The request could not be built: a bad URL, header or certificate file.
    InvalidRequest,
}

impl FailureKind for ErrorKind {
    fn class(self) -> ErrorClass {
        match self {
            Self::Dns | Self::Connect | Self::Tls | Self::Timeout | Self::Broken => ErrorClass::Connection,
            Self::Unauthorized | Self::Forbidden => ErrorClass::Auth,
            _ => ErrorClass::Application,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "no address",
            Self::Connect => "no connection",
            Self::Tls => "TLS failure",
            Self::Timeout => "no answer in time",
            Self::Broken => "broken answer",
            Self::TooLarge => "too large an answer",
            Self::Unauthorized => "credentials refused",
            Self::Forbidden => "permission denied",
            Self::NotFound => "not found",
            Self::Gone => "gone",
            Self::RateLimited => "too many requests",
            Self::Server => "server error",
            Self::Client => "request refused",
            Self::Decode => "unreadable answer",
            Self::InvalidRequest => "unusable request",
        }
    }
}

impl ErrorKind {
    /// The kind that a status which is no success stands for.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            410 => Self::Gone,
            429 => Self::RateLimited,
            500..=599 => Self::Server,
            _ => Self::Client,
        }
    }
}

/// Whether a status is worth another try: 429, 500, 502, 503, 504.
pub(super) fn status_hint(status: u16, retry_after: Option<Duration>) -> RetryHint {
    match (status, retry_after) {
        (429 | 503, Some(wait)) => RetryHint::After(wait),
        (429 | 500 | 502 | 503 | 504, _) => RetryHint::Backoff,
        _ => RetryHint::Never,
    }
}

/// A body that could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the body broke off")]
    Broken(#[source] reqwest::Error),
}

/// What a failed attempt means, before it is known how often it was tried.
pub(super) struct Diagnosis {
    pub(super) kind: ErrorKind,
    pub(super) delivery: Delivery,
    pub(super) hint: RetryHint,
    pub(super) detail: String,
}

impl Diagnosis {
    /// Looks through the middleware's wrappers at what really happened.
    pub(super) fn of(error: &reqwest_middleware::Error) -> Self {
        match error {
            reqwest_middleware::Error::Reqwest(e) => Self::of_reqwest(e),
            reqwest_middleware::Error::Middleware(e) => {
                if let Some(e) = e.downcast_ref::<reqwest_retry::RetryError>() {
                    let (reqwest_retry::RetryError::WithRetries { err, .. } | reqwest_retry::RetryError::Error(err)) =
                        e;
                    return Self::of(err);
                }
                match e.downcast_ref::<BodyError>() {
                    Some(BodyError::TooLarge(limit)) => Self {
                        kind: ErrorKind::TooLarge,
                        delivery: Delivery::Answered,
                        hint: RetryHint::Never,
                        detail: format!("the body is larger than {limit} bytes"),
                    },
                    Some(BodyError::Broken(e)) => Self { delivery: Delivery::Answered, ..Self::of_reqwest(e) },
                    None => Self {
                        kind: ErrorKind::InvalidRequest,
                        delivery: Delivery::NotSent,
                        hint: RetryHint::Never,
                        detail: e.to_string(),
                    },
                }
            }
        }
    }

    fn of_reqwest(error: &reqwest::Error) -> Self {
        let tls = chain::tls(error);
        let not_sent = error.is_connect();
        let (kind, hint) = if error.is_builder() {
            (ErrorKind::InvalidRequest, RetryHint::Never)
        } else if error.is_dns() {
            (ErrorKind::Dns, RetryHint::Backoff)
        } else if tls.is_some() {
            (ErrorKind::Tls, RetryHint::Never)
        } else if error.is_timeout() {
            (ErrorKind::Timeout, RetryHint::Backoff)
        } else if error.is_connect() {
            (ErrorKind::Connect, RetryHint::Backoff)
        } else if error.is_redirect() {
            (ErrorKind::Client, RetryHint::Never)
        } else {
            (ErrorKind::Broken, RetryHint::Backoff)
        };
        let delivery = if not_sent || error.is_builder() { Delivery::NotSent } else { Delivery::MaybeSent };
        let detail = match (kind, tls) {
            (ErrorKind::Timeout, _) if not_sent => "no connection within the connect timeout".to_owned(),
            (ErrorKind::Timeout, _) => "connected, but nothing came within the read timeout".to_owned(),
            (_, Some(tls)) => tls,
            _ => chain::root(error),
        };
        Self { kind, delivery, hint, detail }
    }

    pub(super) fn into_error(self, target: Target) -> Error {
        Error::new(self.kind, target).with_detail(self.detail).with_delivery(self.delivery).with_hint(self.hint)
    }
}
