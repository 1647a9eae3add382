//! What every answer of Prometheus' API is wrapped in.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use sre_core::RetryHint;
use sre_core::http::{self, Response};

use crate::error::{Error, ErrorKind};

/// An answer, and what the server had to say about it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answer<T> {
    /// What was asked for.
    pub data: T,
    /// Reasons why the data may be incomplete, although the status is 200: a store behind the server did not answer.
    pub warnings: Vec<String>,
    /// Hints on how the query is written (Prometheus 3).
    pub infos: Vec<String>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"), rename_all = "camelCase")]
struct Envelope<T> {
    status: Status,
    data: Option<T>,
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Status {
    Success,
    Error,
}

// === impl Answer ===

impl<T> Answer<T> {
    /// Whether something is missing from the data.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.warnings.is_empty()
    }

    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { data: f(self.data), warnings: self.warnings, infos: self.infos }
    }
}

/// Unwraps an answer.
pub(crate) fn read<T: DeserializeOwned>(response: Response) -> Result<Answer<T>, Error> {
    if !response.is_success() {
        return Err(refusal(response));
    }
    let envelope: Envelope<T> = match response.json() {
        Ok(envelope) => envelope,
        // `{"status":"error"}` has no data of the right shape; say what it says instead of that.
        Err(_) if is_refusal(&response) => return Err(refusal(response)),
        Err(e) => {
            let detail = format!("{}; is the base URL that of Prometheus?", e.detail());
            return Err(e.map_kind(ErrorKind::from_http).with_detail(detail));
        }
    };
    match envelope {
        Envelope { status: Status::Success, data: Some(data), warnings, infos, .. } => {
            Ok(Answer { data, warnings, infos })
        }
        Envelope { status: Status::Error, .. } => Err(refusal(response)),
        _ => Err(response.failed(http::ErrorKind::Decode).map_kind(ErrorKind::from_http).with_detail("no `data`")),
    }
}

fn is_refusal(response: &Response) -> bool {
    response.json::<Envelope<IgnoredAny>>().is_ok_and(|e| e.status == Status::Error)
}

/// The error that the body speaks of, or else the one that the status stands for.
fn refusal(response: Response) -> Error {
    let body = response.json::<Envelope<IgnoredAny>>().ok().filter(|e| e.status == Status::Error);
    let fallback = response.failed(http::ErrorKind::Client);
    let error = response.error_for_status().err().unwrap_or(fallback).map_kind(ErrorKind::from_http);
    let Some(body) = body else { return error };
    let detail = format!("{}: {}", body.error_type, body.error);
    let error = error.with_detail(detail.trim_matches([':', ' ']));
    // A proxy's 401 or 429 may carry any body; only what Prometheus itself refuses has its error types.
    match (error.kind(), ErrorKind::of_error_type(&body.error_type)) {
        (ErrorKind::Refused | ErrorKind::Server | ErrorKind::NotFound, Some(kind)) => {
            let error = error.map_kind(|_| kind);
            let mine = matches!(kind, ErrorKind::BadQuery | ErrorKind::Execution);
            if mine { error.with_hint(RetryHint::Never) } else { error }
        }
        _ => error,
    }
}
