//! Key pairs made by `ssh-keygen`: for servers, for clients, in the formats that people have.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::peers::program;

/// The algorithm of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// `ssh-ed25519`.
    Ed25519,
    /// `ecdsa-sha2-nistp256`.
    Ecdsa,
    /// `ssh-rsa`, 2048 bits (quick to make).
    Rsa,
}

/// Which key to make.
#[derive(Debug, Clone)]
pub struct KeySpec {
    key_type: KeyType,
    pem: bool,
    passphrase: String,
}

/// A private key in a file, and the public key beside it (`.pub`).
#[derive(Debug, Clone)]
pub struct KeyPair {
    path: PathBuf,
    public: String,
}

// === impl KeySpec ===

impl KeySpec {
    /// A key of that type in OpenSSH's own format, without a passphrase.
    #[must_use]
    pub fn new(key_type: KeyType) -> Self {
        Self { key_type, pem: false, passphrase: String::new() }
    }

    /// An Ed25519 key.
    #[must_use]
    pub fn ed25519() -> Self {
        Self::new(KeyType::Ed25519)
    }

    /// An ECDSA key on the curve P-256.
    #[must_use]
    pub fn ecdsa() -> Self {
        Self::new(KeyType::Ecdsa)
    }

    /// An RSA key.
    #[must_use]
    pub fn rsa() -> Self {
        Self::new(KeyType::Rsa)
    }

    /// In the older PEM format (`-----BEGIN RSA PRIVATE KEY-----`), which there is not for Ed25519.
    #[must_use]
    pub fn pem(mut self) -> Self {
        self.pem = true;
        self
    }

    /// Encrypted.
    #[must_use]
    pub fn passphrase(mut self, passphrase: &str) -> Self {
        passphrase.clone_into(&mut self.passphrase);
        self
    }

    /// The algorithm.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }
}

// === impl KeyPair ===

impl KeyPair {
    /// Makes a key in `dir/name`.
    ///
    /// # Panics
    /// When `ssh-keygen` is not installed or fails, for instance because the file is there.
    #[must_use]
    pub fn generate(dir: &Path, name: &str, spec: &KeySpec) -> Self {
        let path = dir.join(name);
        let mut keygen = Command::new(program("ssh-keygen"));
        keygen.args(["-q", "-C", name, "-N", &spec.passphrase, "-f"]).arg(&path).args(match spec.key_type {
            KeyType::Ed25519 => ["-t", "ed25519"].as_slice(),
            KeyType::Ecdsa => &["-t", "ecdsa", "-b", "256"],
            KeyType::Rsa => &["-t", "rsa", "-b", "2048"],
        });
        if spec.pem {
            keygen.args(["-m", "PEM"]);
        }
        let output = keygen.stdin(Stdio::null()).output().expect("run ssh-keygen");
        assert!(output.status.success(), "ssh-keygen failed: {}", String::from_utf8_lossy(&output.stderr));
        let public = std::fs::read_to_string(path.with_added_extension("pub")).expect("read the public key");
        let public = public.split(' ').take(2).collect::<Vec<_>>().join(" ");
        Self { path, public: public.trim().to_owned() }
    }

    /// The private key's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The public key as in `authorized_keys`, such as `ssh-ed25519 AAAA…`, without a comment.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The line of `known_hosts` that says this key is `host`'s: `[host]:port ssh-ed25519 AAAA…`.
    #[must_use]
    pub fn known_hosts_line(&self, host: &str, port: u16) -> String {
        if port == 22 { format!("{host} {}", self.public) } else { format!("[{host}]:{port} {}", self.public) }
    }
}

impl KeyType {
    /// The last part of a host key's file name.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Ecdsa => "ecdsa",
            Self::Rsa => "rsa",
        }
    }
}
