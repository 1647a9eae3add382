//! What a receiver's HTTP answer means, as far as all receivers agree.

use std::time::Duration;

use sre_core::http::Response;
use sre_core::{Delivery, RetryHint};

use crate::error::{Error, ErrorKind};

/// Longest excerpt of an answer that is not one of the receiver's own words.
const EXCERPT: usize = 120;

/// `Ok` for the statuses in `accepted`, and with no others: a success of another kind is a stranger's.
pub(crate) fn expect(response: &Response, accepted: &[u16], quiet: Duration) -> Result<(), Error> {
    if accepted.contains(&response.status()) {
        return Ok(());
    }
    Err(refused(response, kind_of(response.status()), &response.text(), quiet))
}

/// What a status that is no success stands for where the receiver documents nothing else.
pub(crate) fn kind_of(status: u16) -> ErrorKind {
    match status {
        200..=399 => ErrorKind::Unexpected,
        400 | 413 | 415 | 422 => ErrorKind::InvalidPayload,
        401 | 403 | 407 => ErrorKind::Unauthorized,
        404 | 410 => ErrorKind::NoService,
        408 | 425 | 500..=599 => ErrorKind::Server,
        429 => ErrorKind::RateLimited,
        _ => ErrorKind::Refused,
    }
}

/// The error for an answer that is a refusal, with the receiver's words. `quiet` is how long a receiver that says 429
/// without `Retry-After` is left alone.
pub(crate) fn refused(response: &Response, kind: ErrorKind, said: &str, quiet: Duration) -> Error {
    let said = excerpt(said);
    let space = if said.is_empty() { "" } else { " " };
    let status = response.status();
    Error::new(kind, response.target().clone())
        .with_status(status)
        .with_elapsed(response.elapsed())
        .with_delivery(delivery(kind))
        .with_hint(hint(kind, response.retry_after(), quiet))
        .with_detail(format!("{status}{space}{said}; {}", kind.advice()))
}

/// A 5xx or a stranger's answer proves nothing about what became of the message.
fn delivery(kind: ErrorKind) -> Delivery {
    match kind {
        ErrorKind::Server | ErrorKind::RollupError | ErrorKind::Unexpected => Delivery::MaybeSent,
        _ => Delivery::Answered,
    }
}

fn hint(kind: ErrorKind, retry_after: Option<Duration>, quiet: Duration) -> RetryHint {
    match (kind, retry_after) {
        (ErrorKind::RateLimited, wait) => RetryHint::After(wait.unwrap_or(quiet)),
        (kind, _) if kind.is_permanent() => RetryHint::Never,
        (ErrorKind::Server, Some(wait)) => RetryHint::After(wait),
        _ => RetryHint::Backoff,
    }
}

fn excerpt(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}
