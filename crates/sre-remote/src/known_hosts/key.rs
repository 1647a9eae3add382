//! A host's public key: its type, its bytes, its fingerprint.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

/// The types of host key that a plain line of known_hosts may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyType {
    /// `ssh-ed25519`
    Ed25519,
    /// `ecdsa-sha2-nistp256`
    EcdsaP256,
    /// `ecdsa-sha2-nistp384`
    EcdsaP384,
    /// `ecdsa-sha2-nistp521`
    EcdsaP521,
    /// `sk-ssh-ed25519@openssh.com`: on a FIDO token
    SkEd25519,
    /// `sk-ecdsa-sha2-nistp256@openssh.com`: on a FIDO token
    SkEcdsa,
    /// `ssh-rsa`, whatever hash signs with it
    Rsa,
    /// `ssh-dss`
    Dss,
}

/// A public key as the server sends it (RFC 4253, 6.6): a length, the name of the type, and the numbers.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HostKey {
    key_type: KeyType,
    blob: Vec<u8>,
}

/// The SHA-256 of a key. `Display` is OpenSSH's form: `SHA256:` and base64 without padding.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

// === impl KeyType ===

impl KeyType {
    /// All of them, the one that OpenSSH likes best first (`ssh -Q HostKeyAlgorithms`).
    pub const ALL: [Self; 8] = [
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::EcdsaP521,
        Self::SkEd25519,
        Self::SkEcdsa,
        Self::Rsa,
        Self::Dss,
    ];

    /// The name in known_hosts and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
            Self::EcdsaP384 => "ecdsa-sha2-nistp384",
            Self::EcdsaP521 => "ecdsa-sha2-nistp521",
            Self::SkEd25519 => "sk-ssh-ed25519@openssh.com",
            Self::SkEcdsa => "sk-ecdsa-sha2-nistp256@openssh.com",
            Self::Rsa => "ssh-rsa",
            Self::Dss => "ssh-dss",
        }
    }

    /// The type with this name; `None` for certificates and for types that nobody uses.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl HostKey ===

impl HostKey {
    /// The key in the bytes that a server sent.
    ///
    /// # Errors
    /// A lower-case fragment that says why these bytes are no key that is supported here.
    pub fn from_blob(blob: impl Into<Vec<u8>>) -> Result<Self, String> {
        let blob = blob.into();
        let name = type_name(&blob)?;
        let key_type = KeyType::from_name(name).ok_or_else(|| format!("keys of type {name:?} are not supported"))?;
        Ok(Self { key_type, blob })
    }

    /// The key in the base64 of a line of known_hosts or of a `.pub` file.
    ///
    /// # Errors
    /// As [`from_blob`](Self::from_blob), and when the text is no base64 with padding.
    pub fn from_base64(text: &str) -> Result<Self, String> {
        Self::from_blob(STANDARD.decode(text).map_err(|_| "the key is no base64, or it is cut off")?)
    }

    /// The type, read from the bytes themselves.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The bytes as sent.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Base64 with padding, as in known_hosts.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.blob)
    }

    /// What people compare.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(&self.blob).into())
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({} {})", self.key_type, self.fingerprint())
    }
}

/// The name in front of the numbers. Each field is a 32-bit length and that many bytes (RFC 4251, 5), and a key has at
/// least one field besides its name.
fn type_name(blob: &[u8]) -> Result<&str, String> {
    const CUT: &str = "the key is cut off";
    let (name, numbers) = field(blob).ok_or(CUT)?;
    let mut rest = numbers;
    while !rest.is_empty() {
        rest = field(rest).ok_or(CUT)?.1;
    }
    if numbers.is_empty() {
        return Err(CUT.to_owned());
    }
    std::str::from_utf8(name).map_err(|_| "the key's type is no text".to_owned())
}

fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)
}

// === impl Fingerprint ===

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", STANDARD_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIFrSvJOmZTAgpE9qSPS5wNKAlhKrcTEVYqFGSSMS9Xgh";

    #[test]
    fn a_key_says_its_own_type() {
        let key = HostKey::from_base64(KEY).unwrap();
        assert_eq!(key.key_type(), KeyType::Ed25519);
        assert_eq!(key.to_base64(), KEY);
        assert_eq!(HostKey::from_blob(key.blob()).unwrap(), key);
    }

    #[test]
    fn what_is_no_key_is_refused_with_a_reason() {
        for (text, why) in [
            ("", "the key is cut off"),
            ("%%%%", "the key is no base64, or it is cut off"),
            (&KEY[..KEY.len() - 1], "the key is no base64, or it is cut off"),
            (&KEY[..KEY.len() - 4], "the key is cut off"),
            ("AAAAC3NzaC1lZDI1NTE5", "the key is cut off"),
            ("AAAAA2ZvbwAAAAFh", "keys of type \"foo\" are not supported"),
        ] {
            assert_eq!(HostKey::from_base64(text).unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn names_lead_back_to_their_type() {
        for key_type in KeyType::ALL {
            assert_eq!(KeyType::from_name(key_type.name()), Some(key_type));
        }
        assert_eq!(KeyType::from_name("ssh-ed25519-cert-v01@openssh.com"), None);
    }
}
