//! What a failed SMTP dialogue means: how far it got decides what became of the mail.

use std::error::Error as _;
use std::io;

use lettre::transport::smtp;
use sre_core::{Delivery, RetryHint, Target, chain};

use crate::error::{Error, ErrorKind};

/// How far the dialogue got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// DNS, TCP, the greeting.
    Connecting,
    /// STARTTLS and AUTH.
    Opening,
    /// Sender and recipients.
    Envelope,
    /// The mail itself: from here on it may be delivered.
    Content,
}

/// The error of a dialogue that failed at `stage`.
pub(super) fn of(error: &smtp::Error, stage: Stage, target: &Target) -> Error {
    if let Some(code) = error.status() {
        let said = error.source().map(ToString::to_string).unwrap_or_default();
        return refused(&code.to_string(), &said, stage, target);
    }
    let tls = chain::tls(error);
    let (kind, hint) = match () {
        () if tls.is_some() => (ErrorKind::Tls, RetryHint::Never),
        () if error.is_timeout() => (ErrorKind::Timeout, RetryHint::Backoff),
        // No STARTTLS, no way to log in that we know: what a server offers may change.
        () if error.is_client() && stage == Stage::Connecting => (ErrorKind::Tls, RetryHint::Never),
        () if error.is_client() => (ErrorKind::Unauthorized, RetryHint::Never),
        // lettre's word for a connection that was closed.
        () if error.is_response() && error.to_string().contains("incomplete") => {
            (ErrorKind::Broken, RetryHint::Backoff)
        }
        () if error.is_response() => (ErrorKind::Unexpected, RetryHint::Backoff),
        () if refused_connection(error) => (ErrorKind::Connect, RetryHint::Backoff),
        () => (ErrorKind::Broken, RetryHint::Backoff),
    };
    let why = tls.unwrap_or_else(|| chain::root(error));
    failed(kind, stage, target, &why).with_hint(hint)
}

/// An error without an answer.
pub(super) fn failed(kind: ErrorKind, stage: Stage, target: &Target, why: &str) -> Error {
    let delivery = if stage == Stage::Content { Delivery::MaybeSent } else { Delivery::NotSent };
    let detail = format!("{why}; {}", kind.advice());
    Error::new(kind, target.clone()).with_detail(detail).with_delivery(delivery).with_hint(RetryHint::Backoff)
}

/// A reply code that says no (RFC 5321, section 4.2; RFC 4954, section 6): 4xx for now, 5xx for good.
pub(super) fn refused(code: &str, said: &str, stage: Stage, target: &Target) -> Error {
    let status: u16 = code.parse().unwrap_or_default();
    let kind = match (status, stage) {
        (530 | 534 | 535 | 538, _) | (500..=599, Stage::Opening) => ErrorKind::Unauthorized,
        (500..=599, Stage::Content) => ErrorKind::InvalidPayload,
        (400..=499, _) => ErrorKind::Server,
        _ => ErrorKind::Refused,
    };
    let hint = if kind.is_permanent() { RetryHint::Never } else { RetryHint::Backoff };
    let detail = format!("{status} {said}; {}", advice(kind));
    let e = Error::new(kind, target.clone()).with_status(status).with_detail(detail);
    e.with_delivery(Delivery::Answered).with_hint(hint)
}

/// A mail server's no is sure: nothing has arrived.
fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Server => "the mail server asks to try again later",
        kind => kind.advice(),
    }
}

fn refused_connection(error: &smtp::Error) -> bool {
    let connecting = |e: &io::Error| {
        matches!(
            e.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable
                | io::ErrorKind::PermissionDenied
        )
    };
    error.source().and_then(|e| e.downcast_ref::<io::Error>()).is_some_and(connecting)
}
