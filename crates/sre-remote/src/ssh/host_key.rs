//! Is it the host that we know?

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use super::link::Link;
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::known_hosts::{HostKey, KeyType, KnownHosts, Verdict, store};
use crate::phase::Phase;
use crate::problem::Problem;
use crate::quote;

/// What to do about host keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HostKeyPolicy {
    /// Only hosts whose key is known.
    #[default]
    Strict,
    /// Unknown hosts are believed once and remembered; changed keys are refused.
    AcceptNew,
    /// Any key. Whoever is in between reads and changes everything.
    Off,
}

/// The known hosts of a run.
#[derive(Debug)]
pub(super) struct HostKeys {
    known: RwLock<KnownHosts>,
    files: Vec<PathBuf>,
    hashed: bool,
}

// === impl HostKeyPolicy ===

impl HostKeyPolicy {
    /// The words of `--host-key`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::AcceptNew => "accept-new",
            Self::Off => "off",
        }
    }
}

impl FromStr for HostKeyPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Strict, Self::AcceptNew, Self::Off]
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no host-key policy: strict, accept-new or off"))
    }
}

// === impl HostKeys ===

impl HostKeys {
    /// Reads the files; lines that make no sense are given back and do not stop anything.
    pub(super) fn load(files: Vec<PathBuf>, hashed: bool) -> (Self, Vec<Problem>) {
        let (known, problems) = store::load(&files);
        (Self { known: RwLock::new(known), files, hashed }, problems)
    }

    /// The types of the keys that are on file for a host.
    pub(super) fn types(&self, name: &str, port: u16) -> Vec<KeyType> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).key_types(name, port)
    }

    /// Compares the key that the server proved to have.
    pub(super) fn verify(
        &self,
        link: &Link,
        host: &Host,
        name: &str,
        port: u16,
        policy: HostKeyPolicy,
    ) -> Result<(), Error> {
        let fault = |kind, detail: String| Error::new(kind, Phase::HostKey, host).with_detail(detail);
        let Some((blob, _)) = link.session().host_key() else {
            return Err(fault(ErrorKind::Protocol, "the server showed no key".to_owned()));
        };
        let key = HostKey::from_blob(blob).map_err(|e| fault(ErrorKind::Protocol, format!("the server's key: {e}")))?;
        let shown = format!("{} {}", key.key_type().name(), key.fingerprint());
        let verdict = self.known.read().unwrap_or_else(PoisonError::into_inner).lookup(name, port, &key);
        match (verdict, policy) {
            (Verdict::Revoked { place }, _) => {
                Err(fault(ErrorKind::HostKeyRevoked, format!("{shown} is revoked by {place}")))
            }
            (Verdict::Known { .. }, _) | (_, HostKeyPolicy::Off) => Ok(()),
            (Verdict::Changed { expected }, _) => {
                let expected =
                    expected.iter().map(|e| format!("{} {} ({})", e.key_type.name(), e.fingerprint, e.place));
                let expected = expected.collect::<Vec<_>>().join(", ");
                let known_as = if port == 22 { name.to_owned() } else { format!("[{name}]:{port}") };
                Err(fault(
                    ErrorKind::HostKeyChanged,
                    format!(
                        "it shows {shown}, on file is {expected}: somebody is in between, or it was reinstalled \
                         (then `ssh-keygen -R {}`)",
                        quote::word(&known_as)
                    ),
                ))
            }
            (Verdict::Unknown, HostKeyPolicy::AcceptNew) => {
                self.accept(name, port, &key).map_err(|why| fault(ErrorKind::HostKeyUnknown, why))
            }
            (Verdict::CertAuthorityOnly { place }, _) => Err(fault(
                ErrorKind::HostKeyUnknown,
                format!("{place} vouches for a certificate, which libssh2 cannot check: `--transport openssh`"),
            )),
            (_, _) => Err(fault(
                ErrorKind::HostKeyUnknown,
                format!(
                    "it shows {shown}, and known_hosts has nothing for it: compare and add it, or `--host-key accept-new`"
                ),
            )),
        }
    }

    /// Remembers a host that was believed.
    fn accept(&self, name: &str, port: u16, key: &HostKey) -> Result<(), String> {
        let Some(file) = self.files.first() else {
            return Err("there is no known_hosts file to remember it in".to_owned());
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        store::accept(&mut known, file, name, port, key, self.hashed).map_err(|e| e.to_string())?;
        tracing::warn!(host = name, port, key = %key.fingerprint(), "believed a new host and remembered its key");
        Ok(())
    }
}
