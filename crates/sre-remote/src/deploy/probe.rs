//! What the gate asks from here, not on the hosts: handed in by whoever has the clients.

use std::fmt;
use std::time::Duration;

use crate::transport::BoxFuture;

/// Asks URLs and Prometheus servers. Errors are for people; whoever implements it bounds the time.
pub trait Probe: fmt::Debug + Send + Sync {
    /// Asks a URL, once, without following its redirections.
    ///
    /// # Errors
    /// Why there is no answer.
    fn http<'a>(&'a self, url: &'a str, timeout: Duration) -> BoxFuture<'a, Result<HttpAnswer, String>>;

    /// Asks a Prometheus server at `base` for the one number that `promql` comes to.
    ///
    /// # Errors
    /// Why there is no answer, or not one number.
    fn query<'a>(&'a self, base: &'a str, promql: &'a str, timeout: Duration) -> BoxFuture<'a, Result<f64, String>>;
}

/// What a URL answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Its status.
    pub status: u16,
    /// Its body, as far as it is text.
    pub body: String,
    /// How long it took.
    pub elapsed: Duration,
}

impl HttpAnswer {
    /// An answer.
    #[must_use]
    pub fn new(status: u16, body: impl Into<String>, elapsed: Duration) -> Self {
        Self { status, body: body.into(), elapsed }
    }
}
