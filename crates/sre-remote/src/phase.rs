//! The steps of work on one host, in the order in which they happen.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where in its life a connection was. Each phase has a time limit of its own, and a failure says in which it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Phase {
    /// Finding the address of a name.
    Resolve,
    /// The TCP connection, or the child process of a transport that starts one.
    Connect,
    /// Version banner and key exchange.
    Handshake,
    /// Comparing the server's key with the known ones.
    HostKey,
    /// Proving who we are.
    Auth,
    /// From opening the channel until the command's output is at its end: what runs too long is late here.
    Exec,
    /// From the end of the output until the host has told how the command ended.
    Read,
    /// Moving a file.
    Transfer,
}

// === impl Phase ===

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Resolve,
        Self::Connect,
        Self::Handshake,
        Self::HostKey,
        Self::Auth,
        Self::Exec,
        Self::Read,
        Self::Transfer,
    ];

    /// The word used in reports and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Handshake => "handshake",
            Self::HostKey => "host-key",
            Self::Auth => "auth",
            Self::Exec => "exec",
            Self::Read => "read",
            Self::Transfer => "transfer",
        }
    }

    /// Whether nothing that was asked for can have happened on the host yet.
    #[must_use]
    pub fn is_before_exec(self) -> bool {
        self < Self::Exec
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
