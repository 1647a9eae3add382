//! What an error means to the person or program that gets it.
//!
//! Three questions decide what happens next: *what must be fixed* ([`ErrorClass`]), *may the request have had an
//! effect* ([`Delivery`]) and *is another try of use* ([`RetryHint`]). Every public error of the workspace answers
//! them through [`Classify`].
//!
//! ```
//! use sre_core::error::{Classify, Delivery, ErrorClass, RetryHint};
//!
//! #[derive(Debug)]
//! struct Refused;
//! impl std::fmt::Display for Refused {
//!     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("connection refused") }
//! }
//! impl std::error::Error for Refused {}
//! impl Classify for Refused {
//!     fn class(&self) -> ErrorClass { ErrorClass::Connection }
//!     fn delivery(&self) -> Delivery { Delivery::NotSent }
//!     fn retry_hint(&self) -> RetryHint { RetryHint::Backoff }
//! }
//! assert_eq!(Refused.class().to_string(), "connection");
//! ```

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Which part of the world has to be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ErrorClass {
    /// The peer was not reached or the connection broke: look at the network, DNS, TLS, VPN, the peer's health.
    Connection,
    /// The peer does not accept who we are or what we may do: look at the credentials and permissions.
    Auth,
    /// The peer answered and refused or failed the request, or its answer made no sense: look at the request.
    Application,
}

impl ErrorClass {
    /// The lower-case word used in reports and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Auth => "auth",
            Self::Application => "application",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the request may have had an effect on the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Delivery {
    /// It surely never reached the peer: repeating it is harmless.
    NotSent,
    /// It may have reached the peer: only what is idempotent may be repeated.
    MaybeSent,
    /// The peer answered.
    Answered,
}

/// Whether another try is of use, as far as the error itself tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryHint {
    /// The same request will fail the same way.
    Never,
    /// It may work later; the caller's own back-off decides when.
    Backoff,
    /// The peer asked to be left alone for this long (a `Retry-After` header, for instance).
    After(Duration),
}

/// Answers the three questions of this module about an error.
pub trait Classify: std::error::Error {
    /// Which part of the world has to be mended.
    fn class(&self) -> ErrorClass;
    /// Whether the request may have had an effect.
    fn delivery(&self) -> Delivery;
    /// Whether another try is of use.
    fn retry_hint(&self) -> RetryHint;
}
