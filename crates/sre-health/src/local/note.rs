//! Why a piece of the picture is missing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A piece of the local survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Piece {
    /// The host's name.
    Hostname,
    /// Disk and inode use.
    Disks,
    /// Memory.
    Memory,
    /// Swap.
    Swap,
    /// Load averages.
    Load,
    /// CPU use.
    Cpu,
    /// Time since boot.
    Uptime,
    /// Failed systemd units.
    Units,
    /// Zombie processes.
    Zombies,
}

/// A piece that is missing or incomplete, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Note {
    /// What is missing.
    pub piece: Piece,
    /// Why, as a lower-case fragment.
    pub reason: String,
    /// The piece does not exist on such a host (no systemd in a container), so nothing is unknown.
    pub expected: bool,
}

/// What a reader of a piece returns when there is no piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) reason: String,
    pub(crate) expected: bool,
}

// === impl Piece ===

impl Piece {
    /// The lower-case word used in text and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hostname => "hostname",
            Self::Disks => "disks",
            Self::Memory => "memory",
            Self::Swap => "swap",
            Self::Load => "load",
            Self::Cpu => "cpu",
            Self::Uptime => "uptime",
            Self::Units => "units",
            Self::Zombies => "zombies",
        }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.piece, self.reason)
    }
}

// === impl Missing ===

impl Missing {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), expected: false }
    }

    pub(crate) fn expected(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), expected: true }
    }

    /// A file of `/proc` that does not look as the kernel writes it.
    pub(crate) fn unreadable(file: &str, what: &str) -> Self {
        Self::new(format!("/{file} has no {what}"))
    }

    pub(crate) fn note(self, piece: Piece) -> Note {
        Note { piece, reason: self.reason, expected: self.expected }
    }
}

/// Keeps the value, or its absence with a note.
pub(crate) fn keep<T>(piece: Piece, found: Result<T, Missing>, notes: &mut Vec<Note>) -> Option<T> {
    found.map_err(|missing| notes.push(missing.note(piece))).ok()
}
