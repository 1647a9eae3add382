//! What a running command is given and where its output goes.

use std::fmt;

use crate::deadline::Deadline;
use crate::interrupt::Interrupt;

/// Which of a command's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Takes a command's output as it comes. Called from the task that reads the network, so it must not wait for long:
/// keep, count, cut or pass on.
pub trait OutputSink: Send {
    /// Some bytes of one stream, in the order in which the host sent them; never empty. Chunks have no meaning.
    fn output(&mut self, stream: OutputStream, bytes: &[u8]);
}

/// The limits of one exec or transfer.
#[derive(Debug, Clone)]
pub struct ExecContext {
    /// When the host's time is over: what runs there is killed then.
    pub deadline: Deadline,
    /// Thrown when the user wants it to stop: what runs there is killed then, too.
    pub interrupt: Interrupt,
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Discard;

/// Keeps all of it in memory, up to a cap for each stream.
#[derive(Clone, Default)]
pub struct Captured {
    /// What standard output said, cut at the cap.
    pub stdout: Vec<u8>,
    /// What standard error said, cut at the cap.
    pub stderr: Vec<u8>,
    /// Bytes that standard output had in all.
    pub stdout_bytes: u64,
    /// Bytes that standard error had in all.
    pub stderr_bytes: u64,
    cap: usize,
}

// === impl ExecContext ===

impl ExecContext {
    /// Until `deadline`, with an interrupt that nobody throws.
    #[must_use]
    pub fn until(deadline: Deadline) -> Self {
        Self { deadline, interrupt: Interrupt::new() }
    }

    /// The same with an interrupt.
    #[must_use]
    pub fn with_interrupt(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = interrupt;
        self
    }
}

// === impl Discard ===

impl OutputSink for Discard {
    fn output(&mut self, _stream: OutputStream, _bytes: &[u8]) {}
}

// === impl Captured ===

impl Captured {
    /// Keeps at most `cap` bytes of each stream and counts the rest.
    #[must_use]
    pub fn with_cap(cap: usize) -> Self {
        Self { cap, ..Self::default() }
    }

    /// Whether something was cut.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.stdout_bytes > self.stdout.len() as u64 || self.stderr_bytes > self.stderr.len() as u64
    }
}

impl OutputSink for Captured {
    fn output(&mut self, stream: OutputStream, bytes: &[u8]) {
        let (kept, count) = match stream {
            OutputStream::Stdout => (&mut self.stdout, &mut self.stdout_bytes),
            OutputStream::Stderr => (&mut self.stderr, &mut self.stderr_bytes),
        };
        *count += bytes.len() as u64;
        let room = self.cap.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..room]);
    }
}

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured")
            .field("stdout", &String::from_utf8_lossy(&self.stdout))
            .field("stderr", &String::from_utf8_lossy(&self.stderr))
            .field("stdout_bytes", &self.stdout_bytes)
            .field("stderr_bytes", &self.stderr_bytes)
            .finish_non_exhaustive()
    }
}
