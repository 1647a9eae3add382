//! What a caller must show. Every endpoint has one; there is no way to build an endpoint without.
//!
//! ```
//! use sre_alerts::inbound::Credential;
//! use sre_core::Secret;
//!
//! let credential = Credential::bearer(Secret::new("an-old-token-of-ours-1"))?.also(Secret::new("a-new-token-of-ours-2"))?;
//! assert_eq!(format!("{credential:?}"), "Credential(bearer, 2 secrets)");
//! assert!(Credential::bearer(Secret::new("short")).is_err());
//! # Ok::<(), sre_alerts::inbound::SetupError>(())
//! ```

use std::fmt;

use axum::http::{HeaderMap, header};
use sre_core::Secret;

use super::rejection::Rejection;
use super::replay::{Claim, NoClaim, Replays};
use super::setup::SetupError;
use crate::signature::{self, Refusal};

/// Shorter secrets can be guessed, or are a mistake; Slack's have 32 characters.
const SHORTEST: usize = 16;

/// One or more secrets and how they are shown.
pub struct Credential {
    scheme: Scheme,
    secrets: Vec<Secret>,
    replays: Replays,
}

/// How a secret is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// `Authorization: Bearer SECRET`.
    Bearer,
    /// `X-Sre-Timestamp` and `X-Sre-Signature: v0=…` ([`signature::sign_v0`]); each signature is good once.
    Hmac,
    /// `X-Slack-Request-Timestamp` and `X-Slack-Signature: v0=…`; each signature is good once.
    Slack,
    /// `X-Hub-Signature-256: sha256=…`. A delivery that GitHub is told to send again has the same signature: it is
    /// taken again, and its dedup key makes it harmless.
    GitHub,
}

/// What the headers have shown; [`Credential::check`] does the rest once the body is there.
#[derive(Debug)]
pub(super) enum Proof {
    Granted,
    Timed { at: i64, timestamp: Box<[u8]>, signature: Box<[u8]> },
    Plain { signature: Box<[u8]> },
}

// === impl Credential ===

impl Credential {
    /// A token in `Authorization: Bearer`.
    ///
    /// # Errors
    /// [`SetupError::ShortSecret`] below 16 bytes.
    pub fn bearer(secret: Secret) -> Result<Self, SetupError> {
        Self::new(Scheme::Bearer, secret)
    }

    /// A shared secret that signs time and body ([`Scheme::Hmac`]).
    ///
    /// # Errors
    /// [`SetupError::ShortSecret`] below 16 bytes.
    pub fn hmac(secret: Secret) -> Result<Self, SetupError> {
        Self::new(Scheme::Hmac, secret)
    }

    /// The signing secret of a Slack app.
    ///
    /// # Errors
    /// [`SetupError::ShortSecret`] below 16 bytes.
    pub fn slack(secret: Secret) -> Result<Self, SetupError> {
        Self::new(Scheme::Slack, secret)
    }

    /// The secret of a GitHub webhook.
    ///
    /// # Errors
    /// [`SetupError::ShortSecret`] below 16 bytes.
    pub fn github(secret: Secret) -> Result<Self, SetupError> {
        Self::new(Scheme::GitHub, secret)
    }

    /// Takes another secret as well, for the time of a change.
    ///
    /// # Errors
    /// [`SetupError::ShortSecret`] below 16 bytes.
    pub fn also(mut self, secret: Secret) -> Result<Self, SetupError> {
        self.secrets.push(long_enough(secret)?);
        Ok(self)
    }

    /// How the secret is shown.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    fn new(scheme: Scheme, secret: Secret) -> Result<Self, SetupError> {
        Ok(Self { scheme, secrets: vec![long_enough(secret)?], replays: Replays::default() })
    }

    /// Looks at the headers, before the body is read: strangers are turned away early. `now` is in Unix seconds.
    pub(super) fn examine(&self, headers: &HeaderMap, now: i64) -> Result<Proof, Refusal> {
        let timed = |timestamp: &str, signature: &str| {
            let (timestamp, signature) = (single(headers, timestamp)?, single(headers, signature)?);
            Ok(Proof::Timed {
                at: signature::fresh(timestamp, now)?,
                timestamp: timestamp.into(),
                signature: signature.into(),
            })
        };
        match self.scheme {
            Scheme::Bearer => {
                let value = single(headers, header::AUTHORIZATION.as_str())?;
                let (scheme, token) = value.split_at_checked("Bearer ".len()).ok_or(Refusal::Missing)?;
                if !scheme.eq_ignore_ascii_case(b"Bearer ") {
                    return Err(Refusal::Missing);
                }
                self.any(|secret| signature::same_secret(secret, token)).map(|()| Proof::Granted)
            }
            Scheme::Hmac => timed(signature::TIMESTAMP_HEADER, signature::SIGNATURE_HEADER),
            Scheme::Slack => timed("x-slack-request-timestamp", "x-slack-signature"),
            Scheme::GitHub => Ok(Proof::Plain { signature: single(headers, "x-hub-signature-256")?.into() }),
        }
    }

    /// Looks at the body. The claim, where there is one, is to be kept once the request was acted upon.
    pub(super) fn check(&self, proof: &Proof, body: &[u8], now: i64) -> Result<Option<Claim<'_>>, Rejection> {
        match proof {
            Proof::Granted => Ok(None),
            Proof::Plain { signature } => {
                self.any(|secret| signature::verify_sha256(secret, signature, body))?;
                Ok(None)
            }
            Proof::Timed { at, timestamp, signature } => {
                self.any(|secret| signature::verify_v0(secret, timestamp, signature, body, now))?;
                self.replays.claim(signature, *at, now).map(Some).map_err(|no| match no {
                    NoClaim::Refused(refusal) => refusal.into(),
                    NoClaim::Full => Rejection::busy("too many signed requests at once"),
                })
            }
        }
    }

    /// Right if it is so for one of the secrets.
    fn any(&self, verify: impl Fn(&Secret) -> Result<(), Refusal>) -> Result<(), Refusal> {
        let mut result = Err(Refusal::Wrong);
        for secret in &self.secrets {
            result = verify(secret);
            if result.is_ok() {
                break;
            }
        }
        result
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}, {} secrets)", self.scheme, self.secrets.len())
    }
}

/// The header's value; two of them are none, since nobody knows which one was meant.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a [u8], Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        _ => Err(Refusal::Missing),
    }
}

fn long_enough(secret: Secret) -> Result<Secret, SetupError> {
    match secret.expose().len() {
        bytes if bytes < SHORTEST => Err(SetupError::ShortSecret { bytes }),
        _ => Ok(secret),
    }
}

// === impl Scheme ===

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer => "bearer",
            Self::Hmac => "hmac",
            Self::Slack => "slack",
            Self::GitHub => "github",
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn secret(text: &str) -> Secret {
        Secret::new(format!("{text}-long-enough-to-be-one"))
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap()))
            .collect()
    }

    fn ask(credential: &Credential, pairs: &[(&'static str, &str)], body: &[u8]) -> Result<(), u16> {
        let proof =
            credential.examine(&headers(pairs), NOW).map_err(|refusal| Rejection::from(refusal).kind().status())?;
        let claim = credential.check(&proof, body, NOW).map_err(|rejection| rejection.kind().status())?;
        claim.into_iter().for_each(Claim::keep);
        Ok(())
    }

    #[test]
    fn bearer_tokens_old_and_new() {
        let credential = Credential::bearer(secret("old")).unwrap().also(secret("new")).unwrap();
        for (value, expected) in [
            ("Bearer old-long-enough-to-be-one", Ok(())),
            ("bearer new-long-enough-to-be-one", Ok(())),
            ("Bearer new-long-enough-to-be-on", Err(401)),
            ("Bearer new-long-enough-to-be-one ", Err(401)),
            ("Bearer ", Err(401)),
            ("Basic b2xk", Err(401)),
            ("ünïcödé", Err(401)),
        ] {
            assert_eq!(ask(&credential, &[("authorization", value)], b""), expected, "{value}");
        }
        assert_eq!(ask(&credential, &[], b""), Err(401));
    }

    #[test]
    fn a_signed_request_is_taken_once() {
        for (scheme, at_header, signature_header) in [
            (Scheme::Slack, "x-slack-request-timestamp", "x-slack-signature"),
            (Scheme::Hmac, "x-sre-timestamp", "x-sre-signature"),
        ] {
            let credential = Credential::new(scheme, secret("s")).unwrap();
            let (at, signed) = (NOW.to_string(), signature::sign_v0(&secret("s"), NOW, b"body"));
            let pairs = [(at_header, at.as_str()), (signature_header, signed.as_str())];
            assert_eq!(ask(&credential, &pairs, b"other"), Err(401));
            assert_eq!(ask(&credential, &pairs, b"body"), Ok(()));
            assert_eq!(ask(&credential, &pairs, b"body"), Err(403), "replayed");
            assert_eq!(ask(&credential, &[pairs[0], pairs[1], pairs[1]], b"body"), Err(401), "two signatures");
            let old = (NOW - 301).to_string();
            assert_eq!(ask(&credential, &[(at_header, &old), pairs[1]], b"body"), Err(403), "stale");
        }
    }

    #[test]
    fn githubs_signature_may_come_again() {
        let credential = Credential::github(secret("s")).unwrap();
        let signed = signature::sign_sha256(&secret("s"), b"body");
        for _ in 0..2 {
            assert_eq!(ask(&credential, &[("x-hub-signature-256", &signed)], b"body"), Ok(()));
        }
        assert_eq!(ask(&credential, &[("x-hub-signature-256", &signed)], b"bodi"), Err(401));
        assert_eq!(ask(&credential, &[("x-hub-signature", &signed)], b"body"), Err(401));
    }

    #[test]
    fn secrets_are_not_shown() {
        let credential = Credential::bearer(secret("hunter2")).unwrap();
        assert!(!format!("{credential:?}").contains("hunter2"));
    }
}
