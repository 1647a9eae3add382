//! What a scripted host does.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::command::Command;
use crate::error::ErrorKind;
use crate::exec::OutputStream;
use crate::exit::Exit;
use crate::phase::Phase;

/// One host: how connecting goes, and what it answers to commands. By default it connects at once and every command ends
/// with status 0 and no output.
#[derive(Clone)]
pub struct FakeHost {
    pub(super) connect_delay: Duration,
    pub(super) failure: Option<Failure>,
    pub(super) hang: Option<Phase>,
    pub(super) stuck: bool,
    pub(super) reply: Arc<Answer>,
}

/// What a command gets: output pieces with pauses between them, and an end.
#[derive(Debug, Clone)]
#[must_use]
pub struct Reply {
    pub(super) pieces: Vec<(Duration, OutputStream, Bytes)>,
    pub(super) end: End,
    pub(super) delay: Duration,
}

#[derive(Debug, Clone)]
pub(super) enum End {
    Exit(Exit),
    Error(ErrorKind, Phase),
    Hang,
    Stuck,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    pub(super) phase: Phase,
    pub(super) times: u32,
}

/// The command, and how many ran on the host before it.
type Answer = dyn Fn(&Command, u32) -> Reply + Send + Sync;

// === impl FakeHost ===

impl Default for FakeHost {
    fn default() -> Self {
        let reply = Arc::new(|_: &Command, _: u32| Reply::exit(0));
        Self { connect_delay: Duration::ZERO, failure: None, hang: None, stuck: false, reply }
    }
}

impl FakeHost {
    /// One that connects at once and answers status 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the server takes to say its first words, whether connecting works or fails.
    #[must_use]
    pub fn connect_delay(mut self, delay: Duration) -> Self {
        self.connect_delay = delay;
        self
    }

    /// Connecting always fails like this.
    #[must_use]
    pub fn fail_connect(self, kind: ErrorKind, phase: Phase) -> Self {
        self.fail_connect_times(kind, phase, u32::MAX)
    }

    /// Connecting fails like this so many times, and then works.
    #[must_use]
    pub fn fail_connect_times(mut self, kind: ErrorKind, phase: Phase, times: u32) -> Self {
        self.failure = Some(Failure { kind, phase, times });
        self
    }

    /// Connecting hangs in this phase until the deadline.
    #[must_use]
    pub fn hang_connect(mut self, phase: Phase) -> Self {
        self.hang = Some(phase);
        self
    }

    /// Connecting never ends, not even at the deadline, as in a transport with a fault.
    #[must_use]
    pub fn stuck_connect(mut self) -> Self {
        self.stuck = true;
        self
    }

    /// What it answers to a command; the number says how many ran before.
    #[must_use]
    pub fn reply(mut self, reply: impl Fn(&Command, u32) -> Reply + Send + Sync + 'static) -> Self {
        self.reply = Arc::new(reply);
        self
    }
}

impl fmt::Debug for FakeHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeHost")
            .field("connect_delay", &self.connect_delay)
            .field("failure", &self.failure)
            .field("hang", &self.hang)
            .finish_non_exhaustive()
    }
}

// === impl Reply ===

impl Reply {
    fn of(end: End) -> Self {
        Self { pieces: Vec::new(), end, delay: Duration::ZERO }
    }

    /// Ends with this status and says nothing.
    pub fn exit(code: u32) -> Self {
        Self::of(End::Exit(Exit::Code(code)))
    }

    /// Writes this to standard output and ends with 0.
    pub fn out(text: impl Into<Bytes>) -> Self {
        Self::exit(0).stdout(text)
    }

    /// Ends by a signal.
    pub fn signal(name: &str) -> Self {
        Self::of(End::Exit(Exit::Signal(name.to_owned())))
    }

    /// Nobody learns how it ended.
    pub fn lost() -> Self {
        Self::of(End::Exit(Exit::Lost))
    }

    /// Fails like this, as when the connection breaks.
    pub fn error(kind: ErrorKind, phase: Phase) -> Self {
        Self::of(End::Error(kind, phase))
    }

    /// Never ends by itself; deadline and interrupt end it.
    pub fn hang() -> Self {
        Self::of(End::Hang)
    }

    /// Never ends, whatever is asked of it.
    pub fn stuck() -> Self {
        Self::of(End::Stuck)
    }

    /// Writes to standard output.
    pub fn stdout(self, text: impl Into<Bytes>) -> Self {
        self.piece(Duration::ZERO, OutputStream::Stdout, text)
    }

    /// Writes to standard error.
    pub fn stderr(self, text: impl Into<Bytes>) -> Self {
        self.piece(Duration::ZERO, OutputStream::Stderr, text)
    }

    /// Writes after a pause.
    pub fn piece(mut self, pause: Duration, stream: OutputStream, text: impl Into<Bytes>) -> Self {
        self.pieces.push((pause, stream, text.into()));
        self
    }

    /// Ends with this status after what it wrote.
    pub fn code(mut self, code: u32) -> Self {
        self.end = End::Exit(Exit::Code(code));
        self
    }

    /// Takes so long between its last output and its end.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}
