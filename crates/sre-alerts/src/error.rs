//! Why a receiver did not take a notification, and what to do about it.
//!
//! ```
//! use sre_alerts::{Error, ErrorKind};
//! use sre_core::{Classify, ErrorClass, Target};
//!
//! let e = Error::new(ErrorKind::NoService, Target::new("Slack webhook hooks.slack.com")).with_status(404);
//! assert_eq!(e.class(), ErrorClass::Auth);
//! assert!(e.kind().advice().contains("create a new webhook"));
//! ```

use sre_core::http;
use sre_core::{Delivery, ErrorClass, Failure, FailureKind, Target};

/// A notification that was not (or not surely) delivered; see [`Failure`] for its accessors.
pub type Error = Failure<ErrorKind>;

/// What went wrong. The Slack strings are those of its page on incoming webhooks, "Handling errors"
/// (<https://api.slack.com/messaging/webhooks#handling_errors>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name did not resolve.
    Dns,
    /// No connection came about.
    Connect,
    /// The TLS handshake failed or the certificate is not trusted.
    Tls,
    /// No answer in time; the message may have arrived.
    Timeout,
    /// The connection broke in mid-answer; the message may have arrived.
    Broken,
    /// The answer is larger than we accept.
    TooLarge,
    /// What was handed in makes no sense (no URL, an empty message).
    Config,
    /// The receiver will never take this message: 400, 413, 422; Slack's `invalid_payload`, `no_text` and their like.
    InvalidPayload,
    /// Slack 400 `invalid_blocks`: a block breaks a rule.
    InvalidBlocks,
    /// Slack 400 `invalid_attachments` or `too_many_attachments`.
    InvalidAttachments,
    /// Slack 403 `action_prohibited` or `posting_to_general_channel_denied`: an administrator forbade it.
    ActionProhibited,
    /// Slack 403 `invalid_token`, a PagerDuty routing key that is none, SMTP 530 to 538, or any other 401 or 403.
    Unauthorized,
    /// Slack 404 `channel_not_found` or `user_not_found`: the webhook's channel is gone.
    ChannelNotFound,
    /// Slack 404 `no_service`, 403 `no_team`, `team_disabled`, or another receiver's 404 or 410: the webhook was removed.
    NoService,
    /// Slack 410 `channel_is_archived`.
    ChannelIsArchived,
    /// Slack 500 `rollup_error`: the same message came too often and was rolled up badly.
    RollupError,
    /// 429.
    RateLimited,
    /// Any other 5xx of HTTP, when the message may have arrived; a 4xx of SMTP, when it did not.
    Server,
    /// Any other refusal.
    Refused,
    /// A success that is not the receiver's: a captive portal or a proxy answered.
    Unexpected,
    /// The command ended with a status that does not say "never"; it may have delivered the message.
    Command,
    /// Writing to the handed-in output failed.
    Output,
}

// === impl ErrorKind ===

impl ErrorKind {
    /// What a person should do, as a sentence fragment.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Dns | Self::Connect | Self::Tls => "check the network, the proxy and the firewall; nothing was sent",
            Self::Timeout | Self::Broken => "look there before sending again; it may have arrived",
            Self::Config => "correct the receiver's settings",
            Self::InvalidPayload | Self::InvalidBlocks | Self::InvalidAttachments => {
                "this message will never be accepted; report it with the dry-run output"
            }
            Self::ActionProhibited => "ask a workspace administrator to allow this app to post to the channel",
            Self::Unauthorized => "the receiver does not accept the credentials; create new ones",
            Self::ChannelNotFound => "the channel was deleted; create a webhook for another one",
            Self::NoService => "the webhook was removed; create a new webhook in the app's settings",
            Self::ChannelIsArchived => "unarchive the channel, or create a webhook for another one",
            Self::RateLimited => "send less often",
            Self::RollupError | Self::Server => "try again later; look there first, it may have arrived",
            Self::Refused => "read the answer's text",
            Self::Command => "see what the command printed",
            Self::Output => "make room on the disk, or see who reads the output",
            Self::TooLarge | Self::Unexpected => "something else than the receiver answered: check URL and proxy",
        }
    }

    /// A later try of the same message to the same receiver can never succeed: dead-letter it.
    #[must_use]
    pub fn is_permanent(self) -> bool {
        !matches!(
            self,
            Self::Dns
                | Self::Connect
                | Self::Tls
                | Self::Timeout
                | Self::Broken
                | Self::RateLimited
                | Self::RollupError
                | Self::Server
                | Self::TooLarge
                | Self::Unexpected
                | Self::Command
                | Self::Output
        )
    }

    pub(crate) fn from_http(kind: http::ErrorKind) -> Self {
        match kind {
            http::ErrorKind::Dns => Self::Dns,
            http::ErrorKind::Connect => Self::Connect,
            http::ErrorKind::Tls => Self::Tls,
            http::ErrorKind::Timeout => Self::Timeout,
            http::ErrorKind::Broken => Self::Broken,
            http::ErrorKind::TooLarge => Self::TooLarge,
            http::ErrorKind::Unauthorized | http::ErrorKind::Forbidden => Self::Unauthorized,
            http::ErrorKind::RateLimited => Self::RateLimited,
            http::ErrorKind::Server => Self::Server,
            http::ErrorKind::InvalidRequest => Self::Config,
            http::ErrorKind::Decode => Self::Unexpected,
            _ => Self::Refused,
        }
    }
}

/// A receiver whose settings make no sense: nothing was sent.
pub(crate) fn misconfigured(name: &str, why: impl AsRef<str>) -> Error {
    let e = Error::new(ErrorKind::Config, Target::new(name)).with_attempts(0);
    e.with_detail(why).with_delivery(Delivery::NotSent)
}

impl FailureKind for ErrorKind {
    fn class(self) -> ErrorClass {
        match self {
            Self::Dns | Self::Connect | Self::Tls | Self::Timeout | Self::Broken => ErrorClass::Connection,
            // The URL is the credential: a webhook that was removed is a credential that was withdrawn.
            Self::ActionProhibited | Self::Unauthorized | Self::NoService => ErrorClass::Auth,
            _ => ErrorClass::Application,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "no address",
            Self::Connect => "no connection",
            Self::Tls => "TLS failure",
            Self::Timeout => "no answer in time",
            Self::Broken => "broken answer",
            Self::TooLarge => "too large an answer",
            Self::Config => "nothing asked",
            Self::InvalidPayload | Self::InvalidBlocks | Self::InvalidAttachments => "message refused as invalid",
            Self::ActionProhibited => "posting prohibited",
            Self::Unauthorized => "credentials refused",
            Self::ChannelNotFound => "no such channel",
            Self::NoService => "no such webhook",
            Self::ChannelIsArchived => "archived channel",
            Self::RollupError | Self::Server => "server error",
            Self::RateLimited => "throttled",
            Self::Refused => "message refused",
            Self::Unexpected => "unexpected answer",
            Self::Command => "failure",
            Self::Output => "write failure",
        }
    }
}
