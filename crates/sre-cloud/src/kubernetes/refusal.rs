//! What an answer other than success means.
//!
//! The API server explains itself with a `Status` object; a proxy or load balancer in between does not, so nothing
//! depends on it.

use std::time::Duration;

use http::{HeaderMap, header};
use serde::Deserialize;
use sre_core::{Delivery, RetryHint, Target};

use super::resource::Resource;
use crate::{Error, ErrorKind};

/// How much of a body that is no `Status` an error shows.
const SHOWN_BODY: usize = 160;

/// The `Status` object, as far as it is used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ApiStatus {
    pub(crate) message: String,
    pub(crate) code: u16,
    metadata: StatusMeta,
    details: Option<StatusDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StatusMeta {
    r#continue: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StatusDetails {
    retry_after_seconds: u64,
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) verb: &'static str,
    pub(crate) resource: &'a Resource,
}

// === impl ApiStatus ===

impl ApiStatus {
    /// Reads a body that should be a `Status`.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The token with which a list that expired in its middle may go on.
    pub(crate) fn fresh_continue(self) -> Option<String> {
        self.metadata.r#continue.filter(|token| !token.is_empty())
    }

    fn retry_after(&self) -> Option<Duration> {
        let seconds = self.details.as_ref().map(|d| d.retry_after_seconds)?;
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }
}

/// The error for an answer with `status`, and the token to go on with where it is a 410 that has one.
pub(crate) fn refusal(
    target: &Target,
    host: &str,
    asked: Asked<'_>,
    (status, headers, body): (u16, &HeaderMap, &[u8]),
) -> (Error, Option<String>) {
    let api = ApiStatus::read(body);
    let message = match &api {
        Some(api) if !api.message.is_empty() => api.message.clone(),
        _ => shown_body(body),
    };
    let separator = if message.is_empty() { "" } else { ": " };
    let detail = format!("{host} answered {status} to {} {}{separator}{message}", asked.verb, asked.resource.plural);
    let wait = retry_after(headers).or(api.as_ref().and_then(ApiStatus::retry_after));
    let error = Error::new(kind(status), target.clone())
        .with_detail(detail)
        .with_status(status)
        .with_delivery(Delivery::Answered)
        .with_hint(hint(status, wait));
    let fresh = if status == 410 { api.and_then(ApiStatus::fresh_continue) } else { None };
    (error, fresh)
}

pub(crate) fn kind(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        410 => ErrorKind::Gone,
        429 => ErrorKind::RateLimited,
        500..=599 => ErrorKind::Server,
        _ => ErrorKind::Refused,
    }
}

fn hint(status: u16, wait: Option<Duration>) -> RetryHint {
    match (status, wait) {
        (429 | 500 | 502..=504, Some(wait)) => RetryHint::After(wait),
        (429 | 500 | 502..=504, None) => RetryHint::Backoff,
        _ => RetryHint::Never,
    }
}

/// The API server sends seconds only; a proxy's date is not worth a clock here, its back-off does.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn shown_body(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(SHOWN_BODY * 4)]);
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(SHOWN_BODY) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use sre_core::Classify;

    use super::*;

    const PODS: Asked<'_> = Asked { verb: "list", resource: &Resource::PODS };

    fn refused(status: u16, retry_after: Option<&str>, body: &str) -> (Error, Option<String>) {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
        }
        refusal(&Target::new("prod"), "api:6443", PODS, (status, &headers, body.as_bytes()))
    }

    #[test]
    fn tells_who_may_not_do_what() {
        let body = r#"{"kind":"Status","message":"pods is forbidden: User \"viewer\" cannot list resource \"pods\"","reason":"Forbidden","details":{"kind":"pods"},"code":403}"#;
        let (error, _) = refused(403, None, body);
        assert_eq!((error.kind(), error.status()), (ErrorKind::Forbidden, Some(403)));
        assert_eq!(
            error.to_string(),
            "permission denied from prod: api:6443 answered 403 to list pods: pods is forbidden: User \"viewer\" cannot list resource \"pods\""
        );
    }

    #[test]
    fn honours_retry_after_from_header_and_status() {
        for (status, header, body, expected) in [
            (429, Some("7"), "", RetryHint::After(Duration::from_secs(7))),
            (429, None, r#"{"details":{"retryAfterSeconds":3}}"#, RetryHint::After(Duration::from_secs(3))),
            (429, Some("Wed, 21 Oct 2026 07:28:00 GMT"), "", RetryHint::Backoff),
            (503, None, "<html>", RetryHint::Backoff),
            (501, None, "", RetryHint::Never),
            (401, None, "", RetryHint::Never),
        ] {
            assert_eq!(refused(status, header, body).0.retry_hint(), expected, "{status} {header:?} {body}");
        }
    }

    #[test]
    fn only_an_expired_list_brings_a_fresh_token() {
        let body = r#"{"metadata":{"continue":"next"},"message":"too old","reason":"Expired","code":410}"#;
        assert_eq!(refused(410, None, body).1.as_deref(), Some("next"));
        assert_eq!(refused(404, None, body).1, None);
        assert_eq!(refused(410, None, "{}").1, None);
    }

    #[test]
    fn a_page_of_html_is_shown_short() {
        let (error, _) = refused(502, None, &"<p>bad\ngateway</p>\u{7}é".repeat(100));
        let text = error.to_string();
        assert!(text.len() < 300 && text.contains("<p>bad gateway</p> é"), "{text}");
    }
}
