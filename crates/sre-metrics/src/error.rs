//! What can go wrong when Prometheus or Alertmanager is asked.

use sre_core::http;
use sre_core::{ErrorClass, Failure, FailureKind};

/// A failed call; see [`Failure`] for its accessors.
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
    /// The answer is larger than we accept.
    TooLarge,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404: the base URL lacks a sub-path, most likely.
    NotFound,
    /// 429.
    RateLimited,
    /// 400 `bad_data`: the query does not parse or a parameter is wrong.
    BadQuery,
    /// 422 `execution`: the query parses but cannot be evaluated.
    Execution,
    /// 503 `timeout` or `canceled`: the server gave the query up.
    QueryTimeout,
    /// Any other 5xx.
    Server,
    /// Any other refusal.
    Refused,
    /// The answer is not what the API promises.
    Decode,
    /// What was handed in makes no sense: no URL, a check without a threshold.
    Config,
}

// === impl ErrorKind ===

impl ErrorKind {
    pub(crate) fn from_http(kind: http::ErrorKind) -> Self {
        match kind {
            http::ErrorKind::Dns => Self::Dns,
            http::ErrorKind::Connect => Self::Connect,
            http::ErrorKind::Tls => Self::Tls,
            http::ErrorKind::Timeout => Self::Timeout,
            http::ErrorKind::Broken => Self::Broken,
            http::ErrorKind::TooLarge => Self::TooLarge,
            http::ErrorKind::Unauthorized => Self::Unauthorized,
            http::ErrorKind::Forbidden => Self::Forbidden,
            http::ErrorKind::NotFound => Self::NotFound,
            http::ErrorKind::RateLimited => Self::RateLimited,
            http::ErrorKind::Server => Self::Server,
            http::ErrorKind::Decode => Self::Decode,
            http::ErrorKind::InvalidRequest => Self::Config,
            _ => Self::Refused,
        }
    }

    /// The kind that Prometheus' `errorType` stands for (its `web/api/v1/api.go`), where it is one of its own.
    pub(crate) fn of_error_type(error_type: &str) -> Option<Self> {
        Some(match error_type {
            "bad_data" => Self::BadQuery,
            "execution" => Self::Execution,
            "timeout" | "canceled" => Self::QueryTimeout,
            "internal" | "unavailable" => Self::Server,
            "not_found" => Self::NotFound,
            _ => return None,
        })
    }
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
            Self::RateLimited => "throttled",
            Self::BadQuery => "query refused",
            Self::Execution => "query not evaluated",
            Self::QueryTimeout => "query given up",
            Self::Server => "server error",
            Self::Refused => "request refused",
            Self::Decode => "unreadable answer",
            Self::Config => "unusable configuration",
        }
    }
}
