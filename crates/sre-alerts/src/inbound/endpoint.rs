//! One endpoint: what it takes, from whom, and what becomes of it.

use std::collections::BTreeSet;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use serde::Serialize;

use super::credential::{Credential, Scheme};
use super::rejection::{Rejection, RejectionKind};
use super::setup::SetupError;
use super::{alertmanager, generic, github};
use crate::alert::Alert;
use crate::chatops::{ChatOps, InvalidForm, Invocation};

/// All paths there can be.
pub(super) const PATHS: [&str; 4] = ["/webhook/alert", "/webhook/alertmanager", "/webhook/github", "/slack/commands"];

/// A path with its credential.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) source: Source,
    pub(super) credential: Credential,
}

/// Whose format it is.
#[derive(Debug)]
pub(super) enum Source {
    /// Our own; the known types, or none for all.
    Alerts(BTreeSet<String>),
    Alertmanager,
    GitHub,
    Commands(ChatOps),
}

/// What a request asks for.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    Alerts(Vec<Alert>),
    Command(&'a ChatOps, Invocation),
}

/// What was done; the answer's body.
#[derive(Debug, Serialize)]
pub(super) struct Taken<'a> {
    pub(super) accepted: usize,
    pub(super) request_id: &'a str,
}

// === impl Endpoint ===

impl Endpoint {
    /// Checks that the senders can show such a credential.
    pub(super) fn validate(&self) -> Result<(), SetupError> {
        let scheme = self.credential.scheme();
        let fits = match self.source {
            // Alertmanager cannot sign; a proxy of one's own in front of it can.
            Source::Alerts(_) | Source::Alertmanager => matches!(scheme, Scheme::Bearer | Scheme::Hmac),
            Source::GitHub => scheme == Scheme::GitHub,
            Source::Commands(_) => scheme == Scheme::Slack,
        };
        if fits { Ok(()) } else { Err(SetupError::UnfitCredential { endpoint: self.source.path(), scheme }) }
    }
}

// === impl Source ===

impl Source {
    pub(super) fn path(&self) -> &'static str {
        match self {
            Self::Alerts(_) => PATHS[0],
            Self::Alertmanager => PATHS[1],
            Self::GitHub => PATHS[2],
            Self::Commands(_) => PATHS[3],
        }
    }

    /// Checks that the body says to be what is read here.
    pub(super) fn content(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        let refuse = |why: &str| Rejection::new(RejectionKind::UnsupportedMediaType, why);
        if headers
            .get(header::CONTENT_ENCODING)
            .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return Err(refuse("compressed bodies are not taken"));
        }
        let expected = match self {
            Self::Commands(_) => "application/x-www-form-urlencoded",
            _ => "application/json",
        };
        let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = given.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case(expected) { Ok(()) } else { Err(refuse(&format!("{expected} is taken here"))) }
    }

    /// What a body says.
    pub(super) fn parse(&self, head: &Parts, body: &[u8], now: Timestamp) -> Result<Asked<'_>, Rejection> {
        let alerts = match self {
            Self::Alerts(types) => generic::parse(body, types, now),
            Self::Alertmanager => alertmanager::parse(body, now),
            Self::Commands(chatops) => {
                let malformed = |e: InvalidForm| Rejection::new(RejectionKind::Malformed, e.why).field(e.field);
                return Ok(Asked::Command(chatops, Invocation::from_form(body).map_err(malformed)?));
            }
            Self::GitHub => {
                let event = head.headers.get("x-github-event").and_then(|value| value.to_str().ok());
                let missing = || Rejection::new(RejectionKind::Malformed, "is missing").field("X-GitHub-Event");
                github::parse(event.ok_or_else(missing)?, body, now)
            }
        };
        alerts.map(Asked::Alerts)
    }
}
