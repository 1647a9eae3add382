//! Private keys: decoded and decrypted once, then only signing.
//!
//! libssh2 decodes the key file again for each login, which was two thirds of a client's instructions in a profile of
//! 500 hosts. Formats: OpenSSH's own (encrypted or not) and every PEM that OpenSSL reads (PKCS#1, PKCS#8, SEC 1).

use std::fmt;
use std::path::Path;

use aws_lc_rs::signature::Ed25519KeyPair;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint, PointConversionForm};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::RsaPrivateKeyBuilder;
use openssl::sign;
use sre_core::secret::Secret;
use ssh_key::private::{EcdsaKeypair, KeypairData, RsaKeypair};

/// A key that can sign, with its public half as SSH writes it.
pub(super) struct SigningKey {
    signer: Signer,
    blob: Vec<u8>,
    comment: String,
}

enum Signer {
    /// By aws-lc: OpenSSL takes 55 µs for one (`openssl speed ed25519`, 2 cores), and with one a host that shows.
    Ed25519(Ed25519KeyPair),
    Other(PKey<Private>),
}

/// Why a key file is of no use, as a lower-case fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyFault {
    /// It is encrypted and there is no passphrase.
    Encrypted,
    /// The passphrase does not open it.
    WrongPassphrase,
    /// Not a key, or not one that can be used here.
    Unusable(String),
}

// === impl SigningKey ===

impl SigningKey {
    /// Reads and opens a key file.
    pub(super) fn load(path: &Path, passphrase: Option<&Secret>) -> Result<Self, KeyFault> {
        let text = std::fs::read(path).map_err(|e| KeyFault::Unusable(format!("cannot be read: {e}")))?;
        let mut key = Self::parse(&text, passphrase)?;
        if key.comment.is_empty() {
            key.comment = path.display().to_string();
        }
        Ok(key)
    }

    /// The key in a file's text.
    pub(super) fn parse(text: &[u8], passphrase: Option<&Secret>) -> Result<Self, KeyFault> {
        let begins = |word: &[u8]| text.windows(word.len()).any(|w| w == word);
        if begins(b"BEGIN OPENSSH PRIVATE KEY") {
            return Self::openssh(text, passphrase);
        }
        if begins(b"ENCRYPTED") {
            let Some(passphrase) = passphrase else { return Err(KeyFault::Encrypted) };
            let key = PKey::private_key_from_pem_passphrase(text, passphrase.expose().as_bytes());
            return Self::new(key.map_err(|_| KeyFault::WrongPassphrase)?, String::new());
        }
        if begins(b"PuTTY-User-Key-File") {
            return Err(KeyFault::Unusable("is a PuTTY key: convert it with `puttygen -O private-openssh`".to_owned()));
        }
        let key = PKey::private_key_from_pem_callback(text, |_| Ok(0));
        Self::new(key.map_err(|_| KeyFault::Unusable("holds no private key".to_owned()))?, String::new())
    }

    fn openssh(text: &[u8], passphrase: Option<&Secret>) -> Result<Self, KeyFault> {
        let unusable = |e: &dyn fmt::Display| KeyFault::Unusable(format!("is damaged: {e}"));
        let mut key = ssh_key::PrivateKey::from_openssh(text).map_err(|e| unusable(&e))?;
        if key.is_encrypted() {
            let Some(passphrase) = passphrase else { return Err(KeyFault::Encrypted) };
            key = key.decrypt(passphrase.expose()).map_err(|e| match e {
                ssh_key::Error::Crypto => KeyFault::WrongPassphrase,
                e => unusable(&e),
            })?;
        }
        let pkey = match key.key_data() {
            KeypairData::Ed25519(pair) => PKey::private_key_from_raw_bytes(pair.private.as_ref(), Id::ED25519),
            KeypairData::Ecdsa(pair) => ecdsa(pair),
            KeypairData::Rsa(pair) => rsa(pair),
            other => {
                let name = other.algorithm().map_or_else(|_| "unknown".to_owned(), |a| a.to_string());
                return Err(KeyFault::Unusable(format!(
                    "is a {name} key, which libssh2 cannot use: take another key or `--transport openssh`"
                )));
            }
        };
        Self::new(pkey.map_err(|e| unusable(&e))?, key.comment().to_string())
    }

    fn new(key: PKey<Private>, comment: String) -> Result<Self, KeyFault> {
        let blob = public_blob(&key)?;
        let signer = if key.id() == Id::ED25519 {
            let seed = key.raw_private_key().ok();
            let pair = seed.and_then(|seed| Ed25519KeyPair::from_seed_unchecked(&seed).ok());
            Signer::Ed25519(pair.ok_or_else(|| KeyFault::Unusable("is no whole key".to_owned()))?)
        } else {
            Signer::Other(key)
        };
        Ok(Self { signer, blob, comment })
    }

    /// The public half in SSH's wire format.
    pub(super) fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The comment in the file, or its path.
    pub(super) fn comment(&self) -> &str {
        &self.comment
    }

    /// The value of a signature in SSH's wire format, by an algorithm that SSH knows by this name; `None` when it is not
    /// one of this key.
    pub(super) fn sign(&self, algorithm: &str, data: &[u8]) -> Option<Vec<u8>> {
        let key = match &self.signer {
            Signer::Ed25519(pair) => return (algorithm == "ssh-ed25519").then(|| pair.sign(data).as_ref().to_vec()),
            Signer::Other(key) => key,
        };
        if key.id() == Id::RSA {
            let digest = match algorithm {
                "rsa-sha2-512" => MessageDigest::sha512(),
                "rsa-sha2-256" => MessageDigest::sha256(),
                "ssh-rsa" => MessageDigest::sha1(),
                _ => return None,
            };
            return digested(key, digest, data);
        }
        let (name, digest) = curve(key.ec_key().ok()?.group().curve_name()?)?;
        if name == algorithm { ecdsa_value(&digested(key, digest, data)?) } else { None }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("comment", &self.comment).finish_non_exhaustive()
    }
}

// === impl KeyFault ===

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encrypted => f.write_str("is encrypted: give its passphrase, or load it into an agent"),
            Self::WrongPassphrase => f.write_str("does not open with this passphrase"),
            Self::Unusable(why) => f.write_str(why),
        }
    }
}

/// Appends a string of SSH's wire format.
pub(super) fn put(to: &mut Vec<u8>, value: &[u8]) {
    to.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend_from_slice(value);
}

/// Appends a positive big number: no leading zeros, but one where the top bit is set.
fn put_number(to: &mut Vec<u8>, number: &[u8]) {
    let digits = &number[number.iter().take_while(|b| **b == 0).count()..];
    let zero = digits.first().is_some_and(|b| b & 0x80 != 0);
    put(to, &[if zero { &[0][..] } else { &[] }, digits].concat());
}

fn digested(key: &PKey<Private>, digest: MessageDigest, data: &[u8]) -> Option<Vec<u8>> {
    sign::Signer::new(digest, key).ok()?.sign_oneshot_to_vec(data).ok()
}

fn ecdsa_value(der: &[u8]) -> Option<Vec<u8>> {
    let signature = EcdsaSig::from_der(der).ok()?;
    let mut value = Vec::new();
    put_number(&mut value, &signature.r().to_vec());
    put_number(&mut value, &signature.s().to_vec());
    Some(value)
}

/// A curve's name in SSH and the digest that goes with it (RFC 5656, section 6.2.1).
fn curve(nid: Nid) -> Option<(&'static str, MessageDigest)> {
    Some(match nid {
        Nid::X9_62_PRIME256V1 => ("ecdsa-sha2-nistp256", MessageDigest::sha256()),
        Nid::SECP384R1 => ("ecdsa-sha2-nistp384", MessageDigest::sha384()),
        Nid::SECP521R1 => ("ecdsa-sha2-nistp521", MessageDigest::sha512()),
        _ => return None,
    })
}

fn ecdsa(pair: &EcdsaKeypair) -> Result<PKey<Private>, openssl::error::ErrorStack> {
    let (nid, number) = match pair {
        EcdsaKeypair::NistP256 { private, .. } => (Nid::X9_62_PRIME256V1, private.as_slice()),
        EcdsaKeypair::NistP384 { private, .. } => (Nid::SECP384R1, private.as_slice()),
        EcdsaKeypair::NistP521 { private, .. } => (Nid::SECP521R1, private.as_slice()),
    };
    let group = EcGroup::from_curve_name(nid)?;
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(&group, pair.public_key_bytes(), &mut context)?;
    PKey::from_ec_key(EcKey::from_private_components(&group, BigNum::from_slice(number)?.as_ref(), &point)?)
}

fn rsa(pair: &RsaKeypair) -> Result<PKey<Private>, openssl::error::ErrorStack> {
    let number = |n: &ssh_key::Mpint| BigNum::from_slice(n.as_positive_bytes().unwrap_or_default());
    let (p, q, d) = (number(pair.private().p())?, number(pair.private().q())?, number(pair.private().d())?);
    let one = BigNum::from_u32(1)?;
    let mut context = BigNumContext::new()?;
    // What OpenSSH leaves out of its format: the private exponent modulo each prime less one.
    let mut reduced = |prime: &BigNum| -> Result<BigNum, openssl::error::ErrorStack> {
        let (mut less, mut rest) = (BigNum::new()?, BigNum::new()?);
        less.checked_sub(prime, &one)?;
        rest.nnmod(&d, &less, &mut context)?;
        Ok(rest)
    };
    let (dp, dq) = (reduced(&p)?, reduced(&q)?);
    let (n, e, inverse) = (number(pair.public().n())?, number(pair.public().e())?, number(pair.private().iqmp())?);
    let builder = RsaPrivateKeyBuilder::new(n, e, d)?.set_factors(p, q)?.set_crt_params(dp, dq, inverse)?;
    PKey::from_rsa(builder.build())
}

fn public_blob(key: &PKey<Private>) -> Result<Vec<u8>, KeyFault> {
    let unusable = |what: &str| KeyFault::Unusable(format!("is {what}, which SSH does not know"));
    let mut blob = Vec::new();
    match key.id() {
        Id::ED25519 => {
            put(&mut blob, b"ssh-ed25519");
            put(&mut blob, &key.raw_public_key().map_err(|_| unusable("no whole key"))?);
        }
        Id::EC => {
            let whole = || -> Option<Vec<u8>> {
                let ec = key.ec_key().ok()?;
                let (name, _) = curve(ec.group().curve_name()?)?;
                let mut context = BigNumContext::new().ok()?;
                let form = PointConversionForm::UNCOMPRESSED;
                let point = ec.public_key().to_bytes(ec.group(), form, &mut context).ok()?;
                let mut blob = Vec::new();
                put(&mut blob, name.as_bytes());
                put(&mut blob, name.strip_prefix("ecdsa-sha2-")?.as_bytes());
                put(&mut blob, &point);
                Some(blob)
            };
            blob = whole().ok_or_else(|| unusable("on another curve than P-256, P-384 and P-521"))?;
        }
        Id::RSA => {
            let rsa = key.rsa().map_err(|_| unusable("no whole key"))?;
            put(&mut blob, b"ssh-rsa");
            put_number(&mut blob, &rsa.e().to_vec());
            put_number(&mut blob, &rsa.n().to_vec());
        }
        _ => return Err(unusable("neither Ed25519, ECDSA nor RSA")),
    }
    Ok(blob)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use base64::Engine as _;

    use super::*;

    /// What `ssh-keygen` makes, with the public half that it writes beside it.
    fn made(arguments: &[&str], passphrase: &str) -> (Vec<u8>, Vec<u8>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let mut make = Command::new("ssh-keygen");
        make.args(["-q", "-N", passphrase, "-C", "me", "-f"]).arg(&path).args(arguments);
        assert!(make.status().expect("ssh-keygen: run `cargo xtask peers`").success());
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        let blob = base64::engine::general_purpose::STANDARD.decode(public.split(' ').nth(1).unwrap()).unwrap();
        (std::fs::read(&path).unwrap(), blob, dir)
    }

    #[test]
    fn every_kind_and_format_of_ssh_keygen_is_read() {
        for kind in [
            &["-t", "ed25519"][..],
            &["-t", "ecdsa", "-b", "256"],
            &["-t", "ecdsa", "-b", "521"],
            &["-t", "rsa", "-b", "2048"],
        ] {
            for format in [&[][..], &["-m", "PEM"], &["-m", "PKCS8"]] {
                if kind[1] == "ed25519" && !format.is_empty() {
                    continue;
                }
                for passphrase in ["", "open sesame"] {
                    let (text, blob, _dir) = made(&[kind, format].concat(), passphrase);
                    let secret = Secret::new("open sesame");
                    let key =
                        SigningKey::parse(&text, Some(&secret)).unwrap_or_else(|e| panic!("{kind:?} {format:?}: {e}"));
                    assert_eq!(key.blob(), blob, "{kind:?} {format:?}");
                    let length = u32::from_be_bytes(*blob.first_chunk().unwrap()) as usize;
                    let name = str::from_utf8(&blob[4..4 + length]).unwrap();
                    assert!(key.sign(name, b"data").is_some(), "{kind:?} {format:?}");
                    assert!(key.sign("ssh-dss", b"data").is_none());
                    if !passphrase.is_empty() {
                        assert_eq!(SigningKey::parse(&text, None).unwrap_err(), KeyFault::Encrypted);
                        let wrong = SigningKey::parse(&text, Some(&Secret::new("x"))).unwrap_err();
                        assert_eq!(wrong, KeyFault::WrongPassphrase, "{kind:?} {format:?}");
                    }
                }
            }
        }
    }

    /// One P-521 key in four has a number that is shorter than its curve, and one P-256 key in 512.
    #[test]
    fn an_ecdsa_number_may_be_shorter_than_its_curve() {
        for round in 0..24 {
            let (text, blob, _dir) = made(&["-t", "ecdsa", "-b", "521"], "");
            let key = SigningKey::parse(&text, None)
                .unwrap_or_else(|e| panic!("round {round}: {e}\n{}", String::from_utf8_lossy(&text)));
            assert_eq!(key.blob(), blob);
        }
    }

    #[test]
    fn what_is_no_key_is_named() {
        for text in ["", "hello", "-----BEGIN OPENSSH PRIVATE KEY-----\nxx\n-----END OPENSSH PRIVATE KEY-----\n"] {
            assert!(matches!(SigningKey::parse(text.as_bytes(), None), Err(KeyFault::Unusable(_))), "{text}");
        }
    }
}
