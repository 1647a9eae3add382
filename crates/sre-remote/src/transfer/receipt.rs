//! What a transfer did.

use std::time::Duration;

use serde::Serialize;

/// Whether anything is different now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Everything was there already, with the wanted mode and owner.
    Unchanged,
    /// Something was written.
    Changed,
}

/// How files travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// Through a command of the host's shell.
    Shell,
    /// By the SFTP subsystem.
    Sftp,
}

/// What was compared after the transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verified {
    /// Both ends computed the same SHA-256.
    Checksum,
    /// What was written was read back and has the same SHA-256.
    ReadBack,
    /// Only the number of bytes: the host can compute no SHA-256.
    Size,
}

/// The account of one transfer with one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// Whether anything was written.
    pub change: Change,
    /// Bytes of content that travelled; zero when all was there.
    pub bytes: u64,
    /// Files looked at, those that were there already included.
    pub files: u64,
    /// Files written, or given another mode or owner.
    pub changed: u64,
    /// Links and special files that were left out.
    pub skipped: u64,
    /// The weakest comparison among the files.
    pub verified: Verified,
    /// How they travelled.
    pub method: Method,
    /// How long it took, in seconds when serialized.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Duration,
}

// === impl Receipt ===

impl Receipt {
    /// Of nothing yet.
    pub(super) fn new(method: Method) -> Self {
        let verified = if method == Method::Shell { Verified::Checksum } else { Verified::ReadBack };
        let change = Change::Unchanged;
        Self { change, bytes: 0, files: 0, changed: 0, skipped: 0, verified, method, elapsed: Duration::ZERO }
    }

    /// Another file was written.
    pub(super) fn wrote(&mut self, bytes: u64) {
        self.mended();
        self.bytes += bytes;
    }

    /// Another file got its mode or owner.
    pub(super) fn mended(&mut self) {
        self.change = Change::Changed;
        self.changed += 1;
    }
}

fn seconds<S: serde::Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((elapsed.as_secs_f64() * 1e6).round() / 1e6)
}
