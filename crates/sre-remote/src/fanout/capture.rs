//! Where a host's output goes: memory up to a cap, a live view, files.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use super::lines::Lines;
use super::running::Message;
use super::spill::Spill;
use crate::exec::{Captured, OutputSink, OutputStream};

/// Live output that waits to be shown, over all hosts. What comes when it is full is not shown.
const BACKLOG: usize = 32 * 1024 * 1024;

/// The output of one host. Shared with its supervisor, so that what came before a hang is not lost with the task.
#[derive(Debug)]
pub(super) struct Capture<T> {
    state: Arc<Mutex<State<T>>>,
}

#[derive(Debug)]
struct State<T> {
    captured: Captured,
    live: Option<Live<T>>,
    spill: Option<Spill>,
}

/// The way to the live view.
#[derive(Debug)]
pub(super) struct Live<T> {
    pub(super) index: usize,
    pub(super) sender: UnboundedSender<Message<T>>,
    pub(super) backlog: Backlog,
    stdout: Lines,
    stderr: Lines,
    dropped: u64,
}

/// Bytes that wait to be shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog(Arc<AtomicUsize>);

/// What was kept.
pub(super) struct Kept {
    pub(super) captured: Captured,
    pub(super) dropped: u64,
    pub(super) spill_error: Option<String>,
}

// === impl Capture ===

impl<T> Capture<T> {
    pub(super) fn new(cap: usize, live: Option<Live<T>>, spill: Option<Spill>) -> Self {
        let state = State { captured: Captured::with_cap(cap), live, spill };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Takes what is there and closes it: later output goes nowhere.
    pub(super) fn take(&self) -> Kept {
        let mut state = self.lock();
        let mut captured = std::mem::take(&mut state.captured);
        captured.stdout.shrink_to_fit();
        captured.stderr.shrink_to_fit();
        let dropped = state.live.take().map_or(0, Live::finish);
        let spill_error = state.spill.take().and_then(Spill::finish);
        Kept { captured, dropped, spill_error }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Capture<T> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone() }
    }
}

impl<T: Send> OutputSink for Capture<T> {
    fn output(&mut self, stream: OutputStream, bytes: &[u8]) {
        let mut state = self.lock();
        state.captured.output(stream, bytes);
        if let Some(live) = &mut state.live {
            live.output(stream, bytes);
        }
        if let Some(spill) = &mut state.spill {
            spill.write(stream, bytes);
        }
    }
}

// === impl Live ===

impl<T> Live<T> {
    pub(super) fn new(index: usize, sender: UnboundedSender<Message<T>>, backlog: Backlog) -> Self {
        Self { index, sender, backlog, stdout: Lines::default(), stderr: Lines::default(), dropped: 0 }
    }

    fn output(&mut self, stream: OutputStream, bytes: &[u8]) {
        let lines = match stream {
            OutputStream::Stdout => self.stdout.push(bytes),
            OutputStream::Stderr => self.stderr.push(bytes),
        };
        if let Some(lines) = lines {
            self.send(stream, lines);
        }
    }

    fn send(&mut self, stream: OutputStream, lines: Vec<u8>) {
        if !self.backlog.add(lines.len()) {
            self.dropped += lines.iter().filter(|b| **b == b'\n').count().max(1) as u64;
            return;
        }
        let _ = self.sender.send(Message::Output { index: self.index, stream, lines });
    }

    fn finish(mut self) -> u64 {
        if let Some(rest) = self.stdout.finish() {
            self.send(OutputStream::Stdout, rest);
        }
        if let Some(rest) = self.stderr.finish() {
            self.send(OutputStream::Stderr, rest);
        }
        self.dropped
    }
}

// === impl Backlog ===

impl Backlog {
    fn add(&self, bytes: usize) -> bool {
        let before = self.0.fetch_add(bytes, Ordering::Relaxed);
        let fits = before + bytes <= BACKLOG;
        if !fits {
            self.0.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    pub(super) fn shown(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}
