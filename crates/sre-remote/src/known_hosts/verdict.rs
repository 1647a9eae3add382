//! What known_hosts says about a key that a server showed.

use super::key::{Fingerprint, KeyType};
use crate::problem::Place;

/// The answer of [`KnownHosts::lookup`](super::KnownHosts::lookup).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The host is known with this key.
    Known {
        /// The first line that says so.
        place: Place,
    },
    /// Nothing is known of the host.
    Unknown,
    /// The host is known, and with other keys only: somebody else answers, or the host has a new key. A key of another
    /// type counts too, as for OpenSSH: we ask for the types that we know, so that the host no longer has them.
    Changed {
        /// The keys that it should have had, in the order of the files.
        expected: Vec<Expected>,
    },
    /// A line with `@revoked` refuses this key.
    Revoked {
        /// That line.
        place: Place,
    },
    /// Only lines with `@cert-authority` name the host: its key is vouched for by a certificate, which is not supported
    /// here. Never to be trusted; the system's `ssh` can check it.
    CertAuthorityOnly {
        /// The first such line.
        place: Place,
    },
}

/// A key that is on file for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// Where it is on file.
    pub place: Place,
    /// Its type.
    pub key_type: KeyType,
    /// Its fingerprint, to compare with the one that was shown.
    pub fingerprint: Fingerprint,
}
