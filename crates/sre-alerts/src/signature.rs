//! Signatures over the raw bytes of a body: what is signed, how it is written, how it is compared.
//!
//! Two schemes, both HMAC-SHA256 in lower-case hex:
//! - **v0**, Slack's and that of our own webhooks, in and out: `v0=` over `v0:{timestamp}:{body}`, with the time in Unix
//!   seconds in a second header; ours are [`TIMESTAMP_HEADER`] and [`SIGNATURE_HEADER`] (<https://api.slack.com/authentication/verifying-requests-from-slack>). At most 300 s old or
//!   ahead, and good for one request.
//! - **sha256**, GitHub's: `sha256=` over the body alone
//!   (<https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>). It has no time: what it
//!   signs must be harmless to repeat.
//!
//! ```
//! use sre_alerts::signature::{self, Refusal};
//! use sre_core::Secret;
//!
//! let secret = Secret::new("8f742231b10e8888abcd99yyyzzz85a5");
//! let signed = signature::sign_v0(&secret, 1_531_420_618, b"token=x");
//! assert_eq!(signature::verify_v0(&secret, b"1531420618", signed.as_bytes(), b"token=x", 1_531_420_700), Ok(()));
//! assert_eq!(
//!     signature::verify_v0(&secret, b"1531420618", signed.as_bytes(), b"token=x", 1_531_421_000),
//!     Err(Refusal::Stale),
//! );
//! ```

use std::fmt::Write as _;

use aws_lc_rs::{constant_time, hmac};
use sre_core::Secret;

/// The header of our own webhooks with the time of sending, in Unix seconds.
pub const TIMESTAMP_HEADER: &str = "x-sre-timestamp";
/// The header of our own webhooks with the signature.
pub const SIGNATURE_HEADER: &str = "x-sre-signature";

/// How far a request's time may be from ours, in seconds (Slack: "more than five minutes from local time").
pub const MAX_SKEW: i64 = 300;

/// Why a credential was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is none, or it is not written as it must be.
    #[error("no credential, or one that cannot be read")]
    Missing,
    /// It is not the right one.
    #[error("wrong credential")]
    Wrong,
    /// The request was made more than [`MAX_SKEW`] ago or ahead: one of the two clocks may be wrong.
    #[error("the timestamp is more than 300 s away from this server's clock")]
    Stale,
    /// The same request was here before.
    #[error("this signature was used before")]
    Replayed,
}

/// Signs a body as Slack does: the value of `X-Slack-Signature` or `X-Sre-Signature`.
#[must_use]
pub fn sign_v0(secret: &Secret, timestamp: i64, body: &[u8]) -> String {
    v0(&key(secret), timestamp.to_string().as_bytes(), body)
}

/// Signs a body as GitHub does: the value of `X-Hub-Signature-256`.
#[must_use]
pub fn sign_sha256(secret: &Secret, body: &[u8]) -> String {
    written("sha256=", hmac::sign(&key(secret), body))
}

/// Checks the two headers against the raw body. `now` is in Unix seconds.
///
/// # Errors
/// [`Refusal::Missing`] when the timestamp is no plain number, [`Refusal::Stale`] when it is too far from `now`,
/// [`Refusal::Wrong`] when the signature is not that of this secret, time and body.
pub fn verify_v0(secret: &Secret, timestamp: &[u8], signature: &[u8], body: &[u8], now: i64) -> Result<(), Refusal> {
    fresh(timestamp, now)?;
    same(v0(&key(secret), timestamp, body).as_bytes(), signature)
}

/// Checks GitHub's header against the raw body.
///
/// # Errors
/// [`Refusal::Wrong`] when the signature is not that of this secret and body.
pub fn verify_sha256(secret: &Secret, signature: &[u8], body: &[u8]) -> Result<(), Refusal> {
    same(sign_sha256(secret, body).as_bytes(), signature)
}

/// The time of a request, when it is near enough to `now`.
pub(crate) fn fresh(timestamp: &[u8], now: i64) -> Result<i64, Refusal> {
    // Eleven digits reach the year 5138; nothing else than digits is a time that Slack writes.
    if timestamp.is_empty() || timestamp.len() > 11 || !timestamp.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Missing);
    }
    let at = timestamp.iter().fold(0_i64, |n, digit| n * 10 + i64::from(digit - b'0'));
    if (now - at).abs() <= MAX_SKEW { Ok(at) } else { Err(Refusal::Stale) }
}

/// The same bytes, compared in a time that does not depend on where they differ.
pub(crate) fn same(expected: &[u8], given: &[u8]) -> Result<(), Refusal> {
    constant_time::verify_slices_are_equal(expected, given).map_err(|_| Refusal::Wrong)
}

/// The same secret. Both are hashed first, so that the time does not tell the length either.
#[cfg(feature = "server")]
pub(crate) fn same_secret(secret: &Secret, given: &[u8]) -> Result<(), Refusal> {
    let key = key(secret);
    let expected = hmac::sign(&key, secret.expose().as_bytes());
    hmac::verify(&key, given, expected.as_ref()).map_err(|_| Refusal::Wrong)
}

fn v0(key: &hmac::Key, timestamp: &[u8], body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    for part in [b"v0:".as_slice(), timestamp, b":", body] {
        context.update(part);
    }
    written("v0=", context.sign())
}

fn key(secret: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes())
}

fn written(prefix: &str, tag: hmac::Tag) -> String {
    format!("{prefix}{}", hex(tag.as_ref()))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of Slack's page.
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const AT: i64 = 1_531_420_618;

    fn secret() -> Secret {
        Secret::new("8f742231b10e8888abcd99yyyzzz85a5")
    }

    fn check(timestamp: &str, signature: &str, body: &str, now: i64) -> Result<(), Refusal> {
        verify_v0(&secret(), timestamp.as_bytes(), signature.as_bytes(), body.as_bytes(), now)
    }

    #[test]
    fn slacks_own_example() {
        assert_eq!(check("1531420618", SIGNATURE, BODY, AT), Ok(()));
        assert_eq!(check("1531420618", &SIGNATURE.to_uppercase(), BODY, AT), Err(Refusal::Wrong));
        assert_eq!(check("1531420619", SIGNATURE, BODY, AT), Err(Refusal::Wrong));
        assert_eq!(check("1531420618", SIGNATURE, &BODY[1..], AT), Err(Refusal::Wrong));
        for cut in 0..SIGNATURE.len() {
            assert_eq!(check("1531420618", &SIGNATURE[..cut], BODY, AT), Err(Refusal::Wrong), "{cut}");
        }
        assert_eq!(check("1531420618", &format!("{SIGNATURE}0"), BODY, AT), Err(Refusal::Wrong));
    }

    #[test]
    fn githubs_own_example() {
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let secret = Secret::new("It's a Secret to Everybody");
        assert_eq!(verify_sha256(&secret, signature.as_bytes(), b"Hello, World!"), Ok(()));
        assert_eq!(verify_sha256(&secret, signature.as_bytes(), b"Hello, World?"), Err(Refusal::Wrong));
    }

    #[test]
    fn five_minutes_and_no_more() {
        for (now, expected) in
            [(AT - 301, Err(Refusal::Stale)), (AT - 300, Ok(())), (AT + 300, Ok(())), (AT + 301, Err(Refusal::Stale))]
        {
            assert_eq!(check("1531420618", SIGNATURE, BODY, now), expected, "{now}");
        }
        for odd in
            ["", " 1531420618", "+1531420618", "1_531_420_618", "1531420618.0", "１５３１", "99999999999999999999"]
        {
            assert_eq!(check(odd, SIGNATURE, BODY, AT), Err(Refusal::Missing), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn only_what_was_signed_is_accepted(body: Vec<u8>, other: Vec<u8>, at in 0_i64..99_999_999_999) {
            let signed = sign_v0(&secret(), at, &body);
            let at_text = at.to_string();
            prop_assert_eq!(verify_v0(&secret(), at_text.as_bytes(), signed.as_bytes(), &body, at), Ok(()));
            if other != body {
                let refused = verify_v0(&secret(), at_text.as_bytes(), signed.as_bytes(), &other, at);
                prop_assert_eq!(refused, Err(Refusal::Wrong));
            }
            prop_assert_eq!(verify_v0(&secret(), &body, &other, &body, at).is_ok(), false);
        }
    }
}
