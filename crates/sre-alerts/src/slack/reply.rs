//! What a webhook's answer means.

use std::time::Duration;

use sre_core::http::Response;
use sre_core::{Delivery, RetryHint};

use super::webhook::PACE;
use crate::error::{Error, ErrorKind};

/// Longest excerpt of an answer that is not one of Slack's words.
const EXCERPT: usize = 120;

/// `Ok` when Slack said `ok`.
pub(super) fn read(response: &Response) -> Result<(), Error> {
    let text = response.text();
    let word = text.trim();
    let status = response.status();
    if response.is_success() && word == "ok" {
        return Ok(());
    }
    let kind = if response.is_success() { ErrorKind::Unexpected } else { kind(status, word) };
    let said = excerpt(word);
    let space = if said.is_empty() { "" } else { " " };
    let error = Error::new(kind, response.target().clone())
        .with_status(status)
        .with_elapsed(response.elapsed())
        .with_delivery(delivery(kind))
        .with_hint(hint(kind, response.retry_after()))
        .with_detail(format!("{status}{space}{said}; {}", kind.advice()));
    Err(error)
}

fn kind(status: u16, word: &str) -> ErrorKind {
    match word {
        "invalid_payload" | "no_text" | "missing_text_or_fallback_or_attachments" => ErrorKind::InvalidPayload,
        "invalid_blocks" | "invalid_blocks_format" => ErrorKind::InvalidBlocks,
        "invalid_attachments" | "too_many_attachments" => ErrorKind::InvalidAttachments,
        "action_prohibited" | "posting_to_general_channel_denied" => ErrorKind::ActionProhibited,
        "invalid_token" => ErrorKind::Unauthorized,
        "channel_not_found" | "user_not_found" => ErrorKind::ChannelNotFound,
        "no_service" | "no_service_id" | "no_team" | "team_disabled" => ErrorKind::NoService,
        "channel_is_archived" => ErrorKind::ChannelIsArchived,
        "rollup_error" => ErrorKind::RollupError,
        "rate_limited" | "ratelimited" => ErrorKind::RateLimited,
        _ => match status {
            429 => ErrorKind::RateLimited,
            401 | 403 => ErrorKind::Unauthorized,
            500..=599 => ErrorKind::Server,
            _ => ErrorKind::Refused,
        },
    }
}

/// A 5xx or a stranger's answer proves nothing about what became of the message.
fn delivery(kind: ErrorKind) -> Delivery {
    match kind {
        ErrorKind::Server | ErrorKind::RollupError | ErrorKind::Unexpected => Delivery::MaybeSent,
        _ => Delivery::Answered,
    }
}

fn hint(kind: ErrorKind, retry_after: Option<Duration>) -> RetryHint {
    match kind {
        ErrorKind::RateLimited => RetryHint::After(retry_after.unwrap_or(PACE)),
        kind if kind.is_permanent() => RetryHint::Never,
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
