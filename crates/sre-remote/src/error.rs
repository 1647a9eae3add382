//! What can go wrong with one host, and in which phase.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use sre_core::{Classify, Delivery, ErrorClass, Failure, FailureKind, RetryHint, Target};

use crate::host::Host;
use crate::phase::Phase;

/// What happened to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name has no address.
    Resolve,
    /// Nobody listens there, or there is no way to it.
    Unreachable,
    /// The connection broke or the peer closed it.
    Broken,
    /// What answered does not speak SSH, or no algorithm is common to both.
    Protocol,
    /// The phase's or the host's time was over.
    Timeout,
    /// The server's key is not known, and the policy is strict.
    HostKeyUnknown,
    /// The server shows another key than the known one.
    HostKeyChanged,
    /// The server shows a key that was revoked.
    HostKeyRevoked,
    /// The server accepts none of our credentials.
    AuthRefused,
    /// We have no usable credential: no key file, no agent, a wrong passphrase.
    NoCredentials,
    /// `sudo` refused or wanted a password that was not given.
    SudoRefused,
    /// The server did not open the channel or start the command.
    ExecRefused,
    /// A file could not be read, written or verified.
    Transfer,
    /// Something this transport cannot do.
    Unsupported,
    /// A wrong setting: nothing was tried.
    Usage,
    /// Stopped on request.
    Interrupted,
}

/// An error with its phase and facts. Opaque; see [`ErrorKind`] and [`Phase`].
#[derive(Debug)]
pub struct Error {
    phase: Phase,
    failure: Failure<ErrorKind>,
}

// === impl ErrorKind ===

impl FailureKind for ErrorKind {
    fn class(self) -> ErrorClass {
        match self {
            Self::Resolve | Self::Unreachable | Self::Broken | Self::Timeout => ErrorClass::Connection,
            Self::HostKeyUnknown
            | Self::HostKeyChanged
            | Self::HostKeyRevoked
            | Self::AuthRefused
            | Self::NoCredentials
            | Self::SudoRefused => ErrorClass::Auth,
            Self::Protocol
            | Self::ExecRefused
            | Self::Transfer
            | Self::Unsupported
            | Self::Usage
            | Self::Interrupted => ErrorClass::Application,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "no address",
            Self::Unreachable => "no connection",
            Self::Broken => "connection lost",
            Self::Protocol => "no SSH session",
            Self::Timeout => "timed out",
            Self::HostKeyUnknown => "unknown host key",
            Self::HostKeyChanged => "HOST KEY CHANGED",
            Self::HostKeyRevoked => "REVOKED HOST KEY",
            Self::AuthRefused => "login refused",
            Self::NoCredentials => "no usable credentials",
            Self::SudoRefused => "sudo refused",
            Self::ExecRefused => "command not started",
            Self::Transfer => "transfer failed",
            Self::Unsupported => "not supported",
            Self::Usage => "wrong setting",
            Self::Interrupted => "interrupted",
        }
    }
}

// === impl Error ===

impl Error {
    /// A failure of `kind` with `host` while in `phase`. Before [`Phase::Exec`] nothing was asked of the host yet, so
    /// it counts as not sent.
    #[must_use]
    pub fn new(kind: ErrorKind, phase: Phase, host: &Host) -> Self {
        Self::about(kind, phase, host.target())
    }

    /// The same about anything that is not a [`Host`] (a file, a jump host, a pattern).
    #[must_use]
    pub fn about(kind: ErrorKind, phase: Phase, target: Target) -> Self {
        let delivery = if phase.is_before_exec() { Delivery::NotSent } else { Delivery::MaybeSent };
        Self { phase, failure: Failure::new(kind, target).with_delivery(delivery) }
    }

    /// What exactly happened, as a lower-case fragment; cleaned and redacted as in [`Failure::with_detail`].
    #[must_use]
    pub fn with_detail(self, detail: impl AsRef<str>) -> Self {
        self.map(|failure| failure.with_detail(detail))
    }

    /// How many times it was tried, the first one included.
    #[must_use]
    pub fn with_attempts(self, attempts: u32) -> Self {
        self.map(|failure| failure.with_attempts(attempts))
    }

    /// Time spent over all attempts.
    #[must_use]
    pub fn with_elapsed(self, elapsed: Duration) -> Self {
        self.map(|failure| failure.with_elapsed(elapsed))
    }

    /// Whether the host may have done something.
    #[must_use]
    pub fn with_delivery(self, delivery: Delivery) -> Self {
        self.map(|failure| failure.with_delivery(delivery))
    }

    /// Whether another try is of use.
    #[must_use]
    pub fn with_hint(self, hint: RetryHint) -> Self {
        self.map(|failure| failure.with_hint(hint))
    }

    /// The error underneath.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.map(|failure| failure.with_source(source))
    }

    /// What went wrong, as a value to match on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.failure.kind()
    }

    /// Where in the connection's life it went wrong.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whom we asked.
    #[must_use]
    pub fn target(&self) -> &Target {
        self.failure.target()
    }

    /// What exactly happened; empty when the kind says it all.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.failure.detail()
    }

    /// How many times it was tried.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.failure.attempts()
    }

    /// Time spent over all attempts, where it was measured.
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.failure.elapsed()
    }

    fn map(self, f: impl FnOnce(Failure<ErrorKind>) -> Failure<ErrorKind>) -> Self {
        Self { phase: self.phase, failure: f(self.failure) }
    }
}

impl Classify for Error {
    fn class(&self) -> ErrorClass {
        self.failure.class()
    }

    fn delivery(&self) -> Delivery {
        self.failure.delivery()
    }

    fn retry_hint(&self) -> RetryHint {
        self.failure.retry_hint()
    }
}

impl fmt::Display for Error {
    /// `web-01: timed out (handshake): no key exchange in 5s (3 attempts)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.target(), self.kind().as_str(), self.phase)?;
        if !self.detail().is_empty() {
            write!(f, ": {}", self.detail())?;
        }
        if self.attempts() > 1 {
            write!(f, " ({} attempts)", self.attempts())?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        StdError::source(&self.failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_phase_host_and_facts() {
        let host = Host::new("web-01");
        let error = Error::new(ErrorKind::Timeout, Phase::Handshake, &host)
            .with_detail("no key exchange in 5s")
            .with_attempts(3)
            .with_hint(RetryHint::Backoff);
        assert_eq!(error.to_string(), "web-01: timed out (handshake): no key exchange in 5s (3 attempts)");
        assert_eq!((error.class(), error.delivery()), (ErrorClass::Connection, Delivery::NotSent));
        let later = Error::new(ErrorKind::Broken, Phase::Read, &host);
        assert_eq!(later.delivery(), Delivery::MaybeSent);
    }
}
