//! Which problem an alert is about, and with which labels.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::model::Alert;

/// Which problem it is: an explicit key, or 128 bits of SHA-256 over source and title, in hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DedupKey(String);

/// Which problem with which labels: 64 bits of SHA-256, shown as 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u64);

/// A key in memory: cheap to keep and to compare.
#[cfg(feature = "pipeline")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct KeyHash([u8; 16]);

// === impl Alert ===

impl Alert {
    /// Which problem it is: the explicit key, or a hash of source and title.
    #[must_use]
    pub fn key(&self) -> DedupKey {
        match &self.dedup_key {
            Some(key) => DedupKey(key.clone()),
            None => {
                let digest = digest([self.source.as_str(), self.title.as_str()]);
                DedupKey(format!("{:032x}", u128::from_be_bytes(digest)))
            }
        }
    }

    /// Which problem with which labels.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let key = self.key();
        let labels = self.labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let [a, b, c, d, e, f, g, h, ..] = digest(std::iter::once(key.as_str()).chain(labels));
        Fingerprint(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// Each part with its length, so that no two lists of parts look alike.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let full: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&full[..16]);
    half
}

// === impl DedupKey ===

impl DedupKey {
    /// A key as it was stored or typed.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DedupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl KeyHash ===

#[cfg(feature = "pipeline")]
impl KeyHash {
    /// The key of `alert`, without making text of it first.
    pub(crate) fn of(alert: &Alert) -> Self {
        match &alert.dedup_key {
            Some(key) => Self::of_text(key),
            None => Self(digest([alert.source.as_str(), alert.title.as_str()])),
        }
    }

    /// A key that looks like one of ours stands for the same problem, so that a key that was shown can be handed back.
    fn of_text(key: &str) -> Self {
        let ours = key.len() == 32 && key.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        match u128::from_str_radix(key, 16) {
            Ok(hash) if ours => Self(hash.to_be_bytes()),
            _ => Self(digest([key])),
        }
    }
}

// === impl Fingerprint ===

impl Fingerprint {
    /// As a number.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use sre_core::Severity;

    use super::*;
    use crate::alert::AlertBuilder;

    const AT: &str = "2026-03-23T07:00:00Z";

    fn builder() -> AlertBuilder {
        Alert::builder(Severity::Warning, "cpu is high").source("web-01").starts_at(AT.parse().unwrap())
    }

    #[test]
    fn identities_are_stable() {
        let alert = builder().label("dc", "eu").build().unwrap();
        // Python: sha256 over each part, the length of 8 bytes before it.
        assert_eq!(alert.key().as_str(), "1b0275077eb1e5ba24da2a24f77186d9");
        assert_eq!(alert.fingerprint().to_string(), "3ceeb1a94c18c8d9");
        assert_eq!(builder().dedup_key("mine").build().unwrap().key(), DedupKey::new("mine"));
    }

    #[test]
    fn labels_tell_fingerprints_apart_but_not_keys() {
        let [a, b] = ["eu", "us"].map(|dc| builder().label("dc", dc).build().unwrap());
        assert_eq!(a.key(), b.key());
        assert_ne!(a.fingerprint(), b.fingerprint());
        // The parts are told apart by their lengths.
        let [c, d] = [("ab", "c"), ("a", "bc")]
            .map(|(s, t)| Alert::builder(Severity::Info, t).source(s).starts_at(AT.parse().unwrap()).build().unwrap());
        assert_ne!(c.key(), d.key());
    }

    #[cfg(feature = "pipeline")]
    #[test]
    fn a_key_that_was_shown_is_the_same_problem() {
        let alert = builder().build().unwrap();
        let again = builder().dedup_key(alert.key().as_str()).build().unwrap();
        assert_eq!(KeyHash::of(&alert), KeyHash::of(&again));
        assert_ne!(KeyHash::of(&alert), KeyHash::of(&builder().dedup_key("mine").build().unwrap()));
    }
}
