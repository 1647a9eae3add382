//! How much a caller may ask of the server.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::setup::SetupError;

/// Bounds on sizes, times and numbers. Memory for bodies is bounded by [`max_buffered`](Self::max_buffered), whatever
/// the number of connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Limits {
    /// The largest body in bytes (413 above). Default: 1 MiB.
    pub max_body: usize,
    /// Bytes of all bodies that are being read or worked upon (503 above). Default: 64 MiB.
    pub max_buffered: usize,
    /// Connections at once; more wait in the kernel's queue. Default: 1,024.
    pub max_connections: usize,
    /// Time for a TLS handshake. Default: 10 s.
    #[serde(with = "sre_core::duration::serde")]
    pub handshake: Duration,
    /// Time for the head of a request, counted from the end of the one before: an idle connection is closed after it,
    /// and so is one that sends a header a minute. Default: 10 s.
    #[serde(with = "sre_core::duration::serde")]
    pub head: Duration,
    /// Time for a whole body. Default: 10 s.
    #[serde(with = "sre_core::duration::serde")]
    pub body: Duration,
    /// Time for the pipeline to take alerts over (503 above). Default: 5 s.
    #[serde(with = "sre_core::duration::serde")]
    pub accept: Duration,
    /// Time for a caller to take the answer. Default: 30 s.
    #[serde(with = "sre_core::duration::serde")]
    pub answer: Duration,
    /// Time for requests under way when the server stops. Default: 10 s.
    #[serde(with = "sre_core::duration::serde")]
    pub drain: Duration,
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body: 1 << 20,
            max_buffered: 64 << 20,
            max_connections: 1024,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            accept: Duration::from_secs(5),
            answer: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Checks that no bound is zero, but [`drain`](Self::drain) may be.
    pub(super) fn validate(&self) -> Result<(), SetupError> {
        let numbers = [
            ("max_body", self.max_body),
            ("max_buffered", self.max_buffered),
            ("max_connections", self.max_connections),
        ];
        let times = [
            ("handshake", self.handshake),
            ("head", self.head),
            ("body", self.body),
            ("accept", self.accept),
            ("answer", self.answer),
        ];
        let zeros = numbers.iter().filter(|(_, n)| *n == 0).map(|(name, _)| *name);
        match zeros.chain(times.iter().filter(|(_, d)| d.is_zero()).map(|(name, _)| *name)).next() {
            Some(name) => Err(SetupError::ZeroLimit { name }),
            None => Ok(()),
        }
    }
}
