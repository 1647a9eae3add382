//! One command on a session's channel: input, both outputs, and how it ended.

use std::io::{ErrorKind as IoKind, Read as _, Write as _};
use std::time::Duration;

use ssh2::{Channel, ErrorCode};
use tokio::io::AsyncReadExt as _;

use super::link::{Link, Stopped};
use super::refusal::{from_ssh2, from_stopped, timed_out};
use crate::command::{Command, Stdin};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::exec::{ExecContext, OutputSink, OutputStream};
use crate::exit::Exit;
use crate::host::Host;
use crate::phase::Phase;
use crate::wrap::Filter;

/// A channel packet has 32 KiB at most.
const READ_AT_ONCE: usize = 32 * 1024;
/// Enough for most commands; who says more gets more.
const READ_FIRST: usize = 2 * 1024;
const WRITE_AT_ONCE: usize = 32 * 1024;
/// `LIBSSH2_ERROR_CHANNEL_WINDOW_EXCEEDED`.
const WINDOW_EXCEEDED: ErrorCode = ErrorCode::Session(-24);
/// `LIBSSH2_ERROR_CHANNEL_FAILURE`: the server refuses to open another channel.
const CHANNEL_FAILURE: ErrorCode = ErrorCode::Session(-21);
const REOPEN_AFTER: [Duration; 5] = [
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
];
/// After that much without a pause the other hosts get a turn.
const FAIR_SHARE: usize = 1024 * 1024;

/// A running command.
pub(super) struct Running<'a> {
    link: &'a Link,
    host: &'a Host,
    channel: Channel,
    filter: Filter,
    input: Input,
    password_sent: u32,
    stuck: Option<Part>,
    buffer: Vec<u8>,
}

/// The parts of a channel that are looked at in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Stdout,
    Stderr,
    Stdin,
}

/// Why a running command was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Its time was over.
    Late(Phase),
    /// The user wants to stop.
    Interrupted,
}

/// What the command still has to read.
enum Input {
    /// Bytes in memory, from an offset on.
    Bytes(bytes::Bytes),
    /// A file and the piece of it that is on its way.
    File(tokio::fs::File, bytes::Bytes),
    /// Everything was sent; the end of file was not.
    Ended,
    /// The end of file was sent, too.
    Closed,
}

/// Opens a channel and starts `text` in it.
pub(super) async fn start(
    link: &Link,
    host: &Host,
    text: &str,
    pty: bool,
    deadline: Deadline,
) -> Result<Channel, Error> {
    let failed = |stopped| match from_stopped(stopped, Phase::Exec, host) {
        e if e.kind() == ErrorKind::Timeout => e.with_detail("the server did not start the command in time"),
        e => e,
    };
    let mut channel = open(link, deadline).await.map_err(failed)?;
    if pty {
        let asked = link.drive(deadline, |_| channel.request_pty("dumb", None, Some((200, 50, 0, 0)))).await;
        asked.map_err(failed)?;
    }
    link.drive(deadline, |_| channel.exec(text)).await.map_err(failed)?;
    Ok(channel)
}

/// Opens a channel. A server with `MaxSessions 1` has an ended one still on its books for a moment.
async fn open(link: &Link, deadline: Deadline) -> Result<Channel, Stopped> {
    let mut pauses = REOPEN_AFTER.into_iter();
    loop {
        let opened = link.drive(deadline, |session| session.channel_session()).await;
        match opened {
            Err(Stopped::Refused(e)) if link.had_channel() && e.code() == CHANNEL_FAILURE => {
                let Some(pause) = pauses.next() else { return Err(Stopped::Refused(e)) };
                tokio::time::sleep(pause).await;
            }
            Ok(channel) => {
                link.note_channel();
                return Ok(channel);
            }
            stopped => return stopped,
        }
    }
}

// === impl Running ===

impl<'a> Running<'a> {
    pub(super) async fn new(
        link: &'a Link,
        host: &'a Host,
        channel: Channel,
        filter: Filter,
        stdin: Stdin,
    ) -> Result<Self, Error> {
        let input = Input::open(stdin, host).await?;
        Ok(Self { link, host, channel, filter, input, password_sent: 0, stuck: None, buffer: vec![0; READ_FIRST] })
    }

    /// The process group on the host, once it is known.
    pub(super) fn group(&self) -> Option<u32> {
        self.filter.group()
    }

    /// Runs until the channel is closed, the deadline passes or the interrupt is thrown.
    pub(super) async fn finish(
        &mut self,
        command: &Command,
        context: &ExecContext,
        sink: &mut dyn OutputSink,
    ) -> Result<Result<Exit, Left>, Error> {
        let ended = {
            let work = self.pump(command, sink);
            tokio::select! {
                biased;
                () = context.interrupt.triggered() => Ok(Some(Left::Interrupted)),
                done = context.deadline.limit(work) => match done {
                    Ok(pumped) => pumped.map(|()| None),
                    Err(_) => Ok(Some(Left::Late(Phase::Exec))),
                },
            }
        };
        // Whatever the end was: what came before it is not lost.
        self.filter.finish(sink);
        if let Some(left) = ended? {
            return Ok(Err(left));
        }
        // The status may come after the end of the output: only CLOSE says that nothing more comes.
        let mut channel = self.channel.clone();
        match self.link.drive(context.deadline, |_| channel.close()).await {
            Ok(()) => {}
            Err(Stopped::Elapsed) => return Ok(Err(Left::Late(Phase::Read))),
            Err(Stopped::Refused(e)) => tracing::debug!(host = %self.host, error = %e, "no CLOSE came"),
        }
        Ok(Ok(self.exit()))
    }

    /// Moves bytes until the host's output is at its end.
    async fn pump(&mut self, command: &Command, sink: &mut dyn OutputSink) -> Result<(), Error> {
        let (mut since_pause, mut looked_again) = (0, false);
        loop {
            let progress = self.round(command, sink).await?;
            if !progress && self.stuck.is_none() && self.channel.eof() {
                return Ok(());
            }
            if progress {
                looked_again = false;
                since_pause += READ_AT_ONCE;
                if since_pause >= FAIR_SHARE {
                    since_pause = 0;
                    tokio::task::yield_now().await;
                }
            } else if !looked_again && self.channel.read_window().available > 0 {
                // Whatever libssh2 does, it takes all packets off the socket: looking at one stream may have brought in
                // output of the other, after we had looked there, and the socket will not wake us for it again.
                looked_again = true;
            } else {
                looked_again = false;
                if let Err(e) = self.link.wait().await {
                    return Err(self.broken(&e));
                }
            }
        }
    }

    /// One look at everything: both outputs in turn, so that neither fills the window that they share, then input. A part
    /// that left a packet half sent comes first the next time, alone.
    async fn round(&mut self, command: &Command, sink: &mut dyn OutputSink) -> Result<bool, Error> {
        let mut progress = false;
        let stuck = self.stuck.take();
        for part in stuck.into_iter().chain([Part::Stdout, Part::Stderr, Part::Stdin]) {
            progress |= match part {
                Part::Stdout => self.read(0, OutputStream::Stdout, sink)?,
                Part::Stderr => self.read(1, OutputStream::Stderr, sink)?,
                Part::Stdin => self.feed().await?,
            };
            if self.link.is_send_blocked() {
                self.stuck = Some(part);
                break;
            }
            if part == Part::Stderr {
                self.answer_sudo(command)?;
            }
        }
        Ok(progress)
    }

    fn read(&mut self, id: i32, stream: OutputStream, sink: &mut dyn OutputSink) -> Result<bool, Error> {
        match self.channel.stream(id).read(&mut self.buffer) {
            Ok(0) => Ok(false),
            Ok(n) => {
                self.filter.push(stream, &self.buffer[..n], sink);
                if n == self.buffer.len() && n < READ_AT_ONCE {
                    self.buffer = vec![0; READ_AT_ONCE];
                }
                self.check_window()?;
                Ok(true)
            }
            Err(e) if e.kind() == IoKind::WouldBlock => Ok(false),
            Err(e) => Err(self.broken(&e)),
        }
    }

    /// What a server sends beyond its window libssh2 throws away and only mentions.
    fn check_window(&self) -> Result<(), Error> {
        let last = ssh2::Error::last_session_error(self.link.session());
        if last.is_none_or(|e| e.code() != WINDOW_EXCEEDED) {
            return Ok(());
        }
        let why = "the server sent more than it was allowed to: output is lost";
        Err(Error::new(ErrorKind::Protocol, Phase::Exec, self.host).with_detail(why))
    }

    /// Sends the password when sudo asks, once: a second question means that it was wrong.
    fn answer_sudo(&mut self, command: &Command) -> Result<(), Error> {
        if self.filter.prompts() <= self.password_sent {
            return Ok(());
        }
        let refused = |why: &str| Error::new(ErrorKind::SudoRefused, Phase::Exec, self.host).with_detail(why);
        if self.password_sent > 0 {
            return Err(refused("the password is wrong"));
        }
        let Some(password) = command.sudo().and_then(|sudo| sudo.password.as_ref()) else {
            return Err(refused("it asks for a password and there is none"));
        };
        self.password_sent = self.filter.prompts();
        let line = format!("{}\n", password.expose());
        // A few bytes into an empty window: it is taken whole or not at all.
        match self.channel.write_all(line.as_bytes()) {
            Ok(()) => Ok(()),
            Err(e) => Err(self.broken(&e)),
        }
    }

    /// Sends what the window takes of the input.
    async fn feed(&mut self) -> Result<bool, Error> {
        if !self.filter.may_send_stdin() {
            return Ok(false);
        }
        self.input.refill(self.host).await?;
        match &mut self.input {
            Input::Bytes(piece) | Input::File(_, piece) => {
                match self.channel.write(&piece[..piece.len().min(WRITE_AT_ONCE)]) {
                    Ok(n) => {
                        let _ = piece.split_to(n);
                        Ok(n > 0)
                    }
                    Err(e) if e.kind() == IoKind::WouldBlock => Ok(false),
                    // A command that ends without reading its input is no failure.
                    Err(_) if self.channel.eof() => {
                        self.input = Input::Closed;
                        Ok(false)
                    }
                    Err(e) => Err(self.broken(&e)),
                }
            }
            Input::Ended => match self.channel.send_eof() {
                Ok(()) => {
                    self.input = Input::Closed;
                    Ok(true)
                }
                Err(e) if super::link::would_block(&e) => Ok(false),
                Err(_) if self.channel.eof() => {
                    self.input = Input::Closed;
                    Ok(false)
                }
                Err(e) => Err(from_ssh2(&e, Phase::Exec, self.host)),
            },
            Input::Closed => Ok(false),
        }
    }

    fn broken(&self, e: &std::io::Error) -> Error {
        Error::new(ErrorKind::Broken, Phase::Exec, self.host)
            .with_detail(format!("the connection broke while the command ran: {e}"))
    }

    /// What the host said about the end. libssh2 gives 0 when no status came, so a 0 needs our trailer where our text
    /// was run; every other status must have come.
    fn exit(&self) -> Exit {
        if let Some(name) = self.channel.exit_signal().ok().and_then(|signal| signal.exit_signal) {
            return Exit::Signal(name);
        }
        match self.channel.exit_status() {
            Ok(0) if self.filter.is_wrapped() && !self.filter.succeeded() => Exit::Lost,
            Ok(code) => u32::try_from(code).map_or(Exit::Lost, Exit::Code),
            Err(_) => Exit::Lost,
        }
    }
}

// === impl Left ===

impl Left {
    /// As the error that the caller gets.
    pub(super) fn into_error(self, host: &Host, killed: Option<bool>) -> Error {
        let error = match self {
            Self::Late(phase) => timed_out(phase, host),
            Self::Interrupted => Error::new(ErrorKind::Interrupted, Phase::Exec, host),
        };
        let words = match killed {
            Some(true) => "its process group was killed",
            Some(false) => "its process group was told to end, and the host did not confirm it",
            None => "the host runs it on, if it lives: its process group is not known",
        };
        let detail = if error.detail().is_empty() { words.to_owned() } else { format!("{}; {words}", error.detail()) };
        error.with_detail(detail)
    }
}

// === impl Input ===

impl Input {
    async fn open(stdin: Stdin, host: &Host) -> Result<Self, Error> {
        Ok(match stdin {
            Stdin::Empty => Self::Ended,
            Stdin::Bytes(bytes) => Self::Bytes(bytes),
            Stdin::File(path) => {
                let file = tokio::fs::File::open(&path).await.map_err(|e| {
                    Error::new(ErrorKind::Usage, Phase::Exec, host).with_detail(format!("{}: {e}", path.display()))
                })?;
                Self::File(file, bytes::Bytes::new())
            }
        })
    }

    /// Reads the next piece of a file, and notices the end.
    async fn refill(&mut self, host: &Host) -> Result<(), Error> {
        match self {
            Self::Bytes(piece) if piece.is_empty() => *self = Self::Ended,
            Self::File(file, piece) if piece.is_empty() => {
                let mut next = bytes::BytesMut::with_capacity(WRITE_AT_ONCE * 8);
                let read = file.read_buf(&mut next).await.map_err(|e| {
                    Error::new(ErrorKind::Usage, Phase::Exec, host).with_detail(format!("reading the input: {e}"))
                })?;
                *piece = next.freeze();
                if read == 0 {
                    *self = Self::Ended;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
