//! What can go wrong when a cloud API is asked.

use sre_core::{ErrorClass, Failure, FailureKind};

/// A failed call to a cloud API; see [`Failure`] for its accessors.
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
    /// 401: the credentials were refused, or have expired.
    Unauthorized,
    /// 403: known, but not allowed.
    Forbidden,
    /// There are no credentials, or what provides them failed, hung or printed what is not a credential.
    CredentialPlugin,
    /// 404.
    NotFound,
    /// 410: a list or watch has to begin anew.
    Gone,
    /// 429 or the platform's own throttling error.
    RateLimited,
    /// 5xx.
    Server,
    /// Any other refusal.
    Refused,
    /// The answer was not what the API promises.
    Decode,
    /// The configuration that was handed in makes no sense (no such context, unreadable kubeconfig).
    Config,
}

impl FailureKind for ErrorKind {
    fn class(self) -> ErrorClass {
        match self {
            Self::Dns | Self::Connect | Self::Tls | Self::Timeout | Self::Broken => ErrorClass::Connection,
            Self::Unauthorized | Self::Forbidden | Self::CredentialPlugin => ErrorClass::Auth,
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
            Self::CredentialPlugin => "no credentials",
            Self::NotFound => "not found",
            Self::Gone => "expired list",
            Self::RateLimited => "throttled",
            Self::Server => "server error",
            Self::Refused => "request refused",
            Self::Decode => "unreadable answer",
            Self::Config => "unusable configuration",
        }
    }
}
