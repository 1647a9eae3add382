//! What was asked, and how much of it at once.

use std::collections::HashMap;

use tokio::time::Instant;

use crate::command::{Command, Program};

/// Something that happened to a scripted host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Somebody began to connect.
    Connecting,
    /// It was reset, as too many were connecting.
    Throttled,
    /// The server said its first words.
    Answered,
    /// A session was opened.
    Connected,
    /// A command was started: its shell text, its words, or its script.
    Exec(String),
    /// A running command was told to stop, by the deadline or by the interrupt.
    Killed,
    /// A file was written, read, renamed or removed.
    File(String),
    /// The session was closed properly.
    Closed,
    /// The session or the attempt to connect was dropped.
    Dropped,
}

/// All that was asked of a fake transport.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) events: Vec<(Instant, String, Event)>,
    pub(super) attempts: HashMap<String, u32>,
    pub(super) execs: HashMap<String, u32>,
    pub(super) files: HashMap<(String, String), Vec<u8>>,
    active: usize,
    pub(super) max_active: usize,
    connecting: HashMap<Option<String>, usize>,
    pub(super) max_connecting: HashMap<Option<String>, usize>,
}

// === impl Record ===

impl Record {
    pub(super) fn push(&mut self, host: &str, event: Event) {
        self.events.push((Instant::now(), host.to_owned(), event));
    }

    /// Counts a connection attempt and says whether there is room for it.
    pub(super) fn connecting(&mut self, gateway: &Option<String>, throttle: Option<usize>) -> bool {
        let count = self.connecting.entry(gateway.clone()).or_default();
        *count += 1;
        let count = *count;
        let most = self.max_connecting.entry(gateway.clone()).or_default();
        *most = (*most).max(count);
        throttle.is_none_or(|most| count <= most)
    }

    pub(super) fn no_longer_connecting(&mut self, gateway: &Option<String>) {
        if let Some(count) = self.connecting.get_mut(gateway) {
            *count -= 1;
        }
    }

    pub(super) fn enter(&mut self) {
        self.active += 1;
        self.max_active = self.max_active.max(self.active);
    }

    pub(super) fn leave(&mut self) {
        self.active -= 1;
    }
}

pub(super) fn words(command: &Command) -> String {
    match command.program() {
        Program::Shell(text) => text.clone(),
        Program::Argv(words) => words.join(" "),
        Program::Script(script) => String::from_utf8_lossy(&script.body).into_owned(),
    }
}
