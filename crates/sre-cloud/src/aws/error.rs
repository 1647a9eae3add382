//! From the SDK's errors to ours: what went wrong, whether another try is of use, what permission is missing.
//!
//! Codes: the "Common errors" and "EC2 error codes" pages of the AWS API references; the throttling codes are those
//! that the SDK itself retries (`aws_runtime::retries::classifiers::THROTTLING_ERRORS`).

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use http_body_util::LengthLimitError;
use sre_core::{Delivery, RetryHint, Target};

use crate::{Error, ErrorKind};

/// The longest part of AWS's own words that is repeated; an encoded authorization message has thousands of characters.
const WORDS: usize = 300;

const NOT_FOUND: &str = "none in the environment, the profile, SSO, web identity or an instance role";

/// What was asked, where: enough to name the target and the IAM action of a failure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// `us-east-1`.
    pub(super) region: &'a str,
    /// The IAM action, as in `ec2:DescribeInstances`.
    pub(super) action: &'static str,
}

/// An answer that is a refusal, whatever protocol it came in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal<'a> {
    pub(super) code: Option<&'a str>,
    pub(super) message: Option<&'a str>,
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
}

// === impl Asked ===

impl Asked<'_> {
    /// A failure of this question.
    pub(super) fn failed(&self, kind: ErrorKind) -> Error {
        Error::new(kind, Target::new(self.region))
    }

    /// What an SDK error means.
    pub(super) fn sdk_failed<E>(&self, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        match error {
            SdkError::ServiceError(e) => {
                let raw = e.raw();
                let status = raw.status().as_u16();
                let retry_after = raw.headers().get("retry-after").and_then(|v| v.trim().parse().ok());
                let refusal = Refusal {
                    code: e.err().code(),
                    message: e.err().message(),
                    status,
                    retry_after: retry_after.map(Duration::from_secs),
                };
                self.refused(&refusal)
            }
            SdkError::ResponseError(e) => {
                let status = e.raw().status().as_u16();
                let failure = self.broken(error);
                match (failure.kind(), status) {
                    // The body could be read, so it is its content that makes no sense.
                    (ErrorKind::Broken, status) if !body_broke_off(error) => self.undecodable(error, status),
                    _ => failure.with_status(status),
                }
            }
            SdkError::TimeoutError(_) => self
                .failed(ErrorKind::Timeout)
                .with_detail(format!("no complete answer to {}", self.action))
                .with_hint(RetryHint::Backoff),
            SdkError::ConstructionFailure(_) => {
                self.failed(ErrorKind::Config).with_detail(innermost(error)).with_delivery(Delivery::NotSent)
            }
            _ => self.broken(error),
        }
    }

    /// What an answer with an error code, or with a status that is no success, means.
    pub(super) fn refused(&self, refusal: &Refusal<'_>) -> Error {
        let Refusal { code, message, status, retry_after } = *refusal;
        let kind = kind_of(code, status);
        let words = message.map(plain_words).unwrap_or_default();
        let code = code.unwrap_or_default();
        let said = [code, words.as_str()].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(": ");
        let detail = match kind {
            ErrorKind::Forbidden => format!("the IAM action {} is missing ({said})", self.action),
            ErrorKind::Decode => format!("{} answered with what is no answer", self.action),
            _ if said.is_empty() => format!("{} was answered with status {status}", self.action),
            _ => said,
        };
        let hint = match (kind, retry_after) {
            (ErrorKind::RateLimited | ErrorKind::Server, Some(wait)) => RetryHint::After(wait),
            (ErrorKind::RateLimited | ErrorKind::Server, None) => RetryHint::Backoff,
            _ => RetryHint::Never,
        };
        self.failed(kind).with_detail(detail).with_delivery(Delivery::Answered).with_hint(hint).with_status(status)
    }

    /// An answer of the right status whose content makes no sense.
    fn undecodable(&self, error: &(dyn StdError + 'static), status: u16) -> Error {
        self.failed(ErrorKind::Decode)
            .with_detail(innermost(error))
            .with_delivery(Delivery::Answered)
            .with_status(status)
    }

    /// What it means that there is no answer, or half of one.
    fn broken(&self, error: &(dyn StdError + 'static)) -> Error {
        let found = chain(error).find_map(|link| self.link(link));
        found.unwrap_or_else(|| {
            let (kind, delivery) = match chain(error).any(|link| link.to_string().contains("(Connect)")) {
                true => (ErrorKind::Connect, Delivery::NotSent),
                false => (ErrorKind::Broken, Delivery::MaybeSent),
            };
            self.failed(kind).with_detail(innermost(error)).with_delivery(delivery).with_hint(RetryHint::Backoff)
        })
    }

    /// What one link of an error's chain says for sure, if anything.
    fn link(&self, link: &(dyn StdError + 'static)) -> Option<Error> {
        if let Some(error) = link.downcast_ref::<CredentialsError>() {
            return Some(self.no_credentials(error));
        }
        if link.is::<LengthLimitError>() {
            return Some(self.failed(ErrorKind::TooLarge).with_detail(self.action).with_delivery(Delivery::Answered));
        }
        if link.is::<rustls::Error>() {
            let failure = self.failed(ErrorKind::Tls).with_detail(link.to_string());
            return Some(failure.with_delivery(Delivery::NotSent).with_hint(RetryHint::Never));
        }
        let text = link.to_string();
        let (kind, delivery) = match link.downcast_ref::<io::Error>().map(io::Error::kind) {
            _ if text.starts_with("HTTP connect timeout") => (ErrorKind::Timeout, Delivery::NotSent),
            _ if text.starts_with("HTTP read timeout") => (ErrorKind::Timeout, Delivery::MaybeSent),
            _ if text.starts_with("identity resolver timed out") => (ErrorKind::CredentialPlugin, Delivery::NotSent),
            _ if is_dns(&text) => (ErrorKind::Dns, Delivery::NotSent),
            Some(
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable,
            ) => (ErrorKind::Connect, Delivery::NotSent),
            Some(io::ErrorKind::TimedOut) => (ErrorKind::Timeout, Delivery::MaybeSent),
            _ => return None,
        };
        let detail = if kind == ErrorKind::Dns { innermost(link) } else { text };
        Some(self.failed(kind).with_detail(detail).with_delivery(delivery).with_hint(RetryHint::Backoff))
    }

    /// What it means that the chain of credential sources came up with nothing.
    pub(super) fn no_credentials(&self, error: &CredentialsError) -> Error {
        let detail = match error {
            CredentialsError::CredentialsNotLoaded(_) => NOT_FOUND.to_owned(),
            CredentialsError::ProviderTimedOut(e) => {
                format!("the credential chain did not answer in {:?}", e.timeout_duration())
            }
            // The chain's last step; all before it had nothing.
            other if innermost(other).contains("IMDS") => format!("{NOT_FOUND}; {}", innermost(other)),
            other => innermost(other),
        };
        self.failed(ErrorKind::CredentialPlugin).with_detail(detail).with_delivery(Delivery::NotSent)
    }
}

/// The kind that an AWS error code stands for, or, where there is none, the status.
fn kind_of(code: Option<&str>, status: u16) -> ErrorKind {
    match code.unwrap_or_default() {
        "AuthFailure"
        | "UnrecognizedClientException"
        | "UnrecognizedClient"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => ErrorKind::Unauthorized,
        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "OptInRequired"
        | "NotAuthorized"
        | "Blocked" => ErrorKind::Forbidden,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "LimitExceededException"
        | "PriorRequestNotComplete"
        | "SlowDown"
        | "EC2ThrottledException" => ErrorKind::RateLimited,
        "InternalError"
        | "InternalFailure"
        | "InternalServiceError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "Unavailable"
        | "RequestTimeout"
        | "RequestTimeoutException" => ErrorKind::Server,
        _ => match status {
            200..=299 => ErrorKind::Decode,
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            410 => ErrorKind::Gone,
            429 => ErrorKind::RateLimited,
            500.. => ErrorKind::Server,
            _ => ErrorKind::Refused,
        },
    }
}

/// AWS's message in one line, without the encoded part that only `aws sts decode-authorization-message` can read.
fn plain_words(message: &str) -> String {
    let message = message.split("Encoded authorization failure message").next().unwrap_or_default();
    let mut words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(WORDS) {
        words.truncate(end);
        words.push('…');
    }
    words
}

fn is_dns(text: &str) -> bool {
    text.contains("dns error") || text.contains("failed to lookup address") || text.contains("failed to resolve")
}

/// Whether the bytes stopped coming, as against bytes that make no sense.
fn body_broke_off(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|link| {
        let text = link.to_string();
        link.is::<io::Error>() || text.contains("error reading a body") || text.contains("connection closed before")
    })
}

/// The error and everything under it. An `io::Error` made from another error hides that one from `source()`.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |link| below(*link))
}

fn below<'a>(link: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match link.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => link.source(),
    }
}

/// The words of the last link, which say most about the cause.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    plain_words(&chain(error).last().map(ToString::to_string).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use sre_core::{Classify, ErrorClass};

    use super::*;

    const ASKED: Asked<'static> = Asked { region: "eu-west-1", action: "ec2:DescribeInstances" };

    fn refused(code: &str, status: u16) -> Error {
        ASKED.refused(&Refusal { code: Some(code), message: Some("Some words."), status, retry_after: None })
    }

    #[test]
    fn codes_have_their_class() {
        for (code, status, kind, class) in [
            ("AuthFailure", 401, ErrorKind::Unauthorized, ErrorClass::Auth),
            ("ExpiredToken", 400, ErrorKind::Unauthorized, ErrorClass::Auth),
            ("UnauthorizedOperation", 403, ErrorKind::Forbidden, ErrorClass::Auth),
            ("RequestLimitExceeded", 503, ErrorKind::RateLimited, ErrorClass::Application),
            ("Throttling", 400, ErrorKind::RateLimited, ErrorClass::Application),
            ("InternalError", 500, ErrorKind::Server, ErrorClass::Application),
            ("InvalidParameterValue", 400, ErrorKind::Refused, ErrorClass::Application),
        ] {
            let error = refused(code, status);
            assert_eq!((error.kind(), error.class(), error.status()), (kind, class, Some(status)), "{code}");
        }
    }

    #[test]
    fn a_refusal_names_the_missing_permission_and_leaves_the_encoded_part_out() {
        let message = "You are not authorized.  Encoded authorization failure message: AAAABBBB";
        let error = ASKED.refused(&Refusal {
            code: Some("UnauthorizedOperation"),
            message: Some(message),
            status: 403,
            retry_after: None,
        });
        assert_eq!(
            error.to_string(),
            "permission denied from eu-west-1: the IAM action ec2:DescribeInstances is missing \
             (UnauthorizedOperation: You are not authorized.)"
        );
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert_eq!(refused("Throttling", 400).retry_hint(), RetryHint::Backoff);
        assert_eq!(refused("AuthFailure", 401).retry_hint(), RetryHint::Never);
        let wait = Some(Duration::from_secs(3));
        let later = ASKED.refused(&Refusal { code: None, message: None, status: 503, retry_after: wait });
        assert_eq!(later.retry_hint(), RetryHint::After(Duration::from_secs(3)));
    }

    proptest::proptest! {
        #[test]
        fn words_never_panic(message in ".*") {
            assert!(plain_words(&message).chars().count() <= WORDS + 1);
        }
    }
}
