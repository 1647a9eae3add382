//! What a webhook's answer means.

use sre_core::http::Response;

use super::webhook::PACE;
use crate::answer;
use crate::error::{Error, ErrorKind};

/// `Ok` when Slack said `ok`.
pub(super) fn read(response: &Response) -> Result<(), Error> {
    let text = response.text();
    let word = text.trim();
    let status = response.status();
    if response.is_success() && word == "ok" {
        return Ok(());
    }
    let kind = if response.is_success() { ErrorKind::Unexpected } else { kind(status, word) };
    Err(answer::refused(response, kind, word, PACE))
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
