//! Moving a child's input and outputs until it ends.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::time::sleep;

use super::group::Group;
use super::input::Input;
use super::left::Left;
use crate::command::{Command, Stdin};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::exec::{ExecContext, OutputSink, OutputStream};
use crate::host::Host;
use crate::phase::Phase;
use crate::wrap::Filter;

const READ_AT_ONCE: usize = 64 * 1024;
/// What a child wrote is in the pipe when it ends. One that left a process with its output open (`daemon &`) would keep
/// us for ever: after its end, silence for that long is the end.
const QUIET: Duration = Duration::from_millis(100);

/// For the host to say which process group a command is in that was left as soon as it was started.
const HEADER: Duration = Duration::from_millis(100);

/// How a child's run ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// By itself.
    Itself(ExitStatus),
    /// We were told to leave it, and it runs.
    Left(Left),
}

/// A pipe and what it is.
struct Output<R> {
    pipe: Option<R>,
    stream: OutputStream,
    buffer: Vec<u8>,
}

/// Everything about one run. It is all in here, so that a run that was left can be gone on with.
struct Run<'a> {
    host: &'a Host,
    command: &'a Command,
    filter: &'a mut Filter,
    input: Input,
    stdout: Output<ChildStdout>,
    stderr: Output<ChildStderr>,
    status: Option<ExitStatus>,
    password_sent: bool,
}

/// Runs a child, whose three streams are pipes, until it ends, the deadline passes or the interrupt is thrown.
///
/// # Errors
/// When the input cannot be read, when sudo refuses. The child is not killed then: the caller drops it.
pub(crate) async fn run(
    group: &mut Group,
    host: &Host,
    command: &Command,
    filter: &mut Filter,
    stdin: Stdin,
    context: &ExecContext,
    sink: &mut dyn OutputSink,
) -> Result<Ended, Error> {
    let usage = |why: String| Error::new(ErrorKind::Usage, Phase::Exec, host).with_detail(why);
    let input = Input::open(stdin, group.child().stdin.take()).await.map_err(usage)?;
    let mut run = Run {
        host,
        command,
        filter,
        input,
        stdout: Output::new(group.child().stdout.take(), OutputStream::Stdout),
        stderr: Output::new(group.child().stderr.take(), OutputStream::Stderr),
        status: None,
        password_sent: false,
    };
    let ended = tokio::select! {
        biased;
        () = context.interrupt.triggered() => Ended::Left(Left::Interrupted),
        done = context.deadline.limit(run.pump(group, sink)) => match done {
            Ok(status) => Ended::Itself(status?),
            Err(_) => Ended::Left(Left::Late),
        },
    };
    if matches!(ended, Ended::Left(_)) && !command.raw() {
        // Just begun: whom to kill on the host is on its way. Whatever else comes of this is too late.
        let _ = Deadline::after(HEADER).limit(run.pump_to_header(group, sink)).await;
    }
    run.filter.finish(sink);
    Ok(ended)
}

// === impl Run ===

impl Run<'_> {
    async fn pump_to_header(&mut self, group: &mut Group, sink: &mut dyn OutputSink) -> Result<(), Error> {
        while self.filter.group().is_none() && !self.is_over() {
            self.step(group, sink).await?;
        }
        Ok(())
    }

    async fn pump(&mut self, group: &mut Group, sink: &mut dyn OutputSink) -> Result<ExitStatus, Error> {
        loop {
            if let Some(status) = self.status
                && self.is_over()
            {
                return Ok(status);
            }
            self.step(group, sink).await?;
        }
    }

    fn is_over(&self) -> bool {
        self.status.is_some() && self.stdout.pipe.is_none() && self.stderr.pipe.is_none()
    }

    /// Waits for the next thing to happen. Cancel-safe.
    async fn step(&mut self, group: &mut Group, sink: &mut dyn OutputSink) -> Result<(), Error> {
        let feeding = self.input.is_open() && self.filter.may_send_stdin();
        tokio::select! {
            n = self.stdout.read(), if self.stdout.pipe.is_some() => self.stdout.pass(n, self.filter, sink),
            n = self.stderr.read(), if self.stderr.pipe.is_some() => {
                self.stderr.pass(n, self.filter, sink);
                self.answer_sudo().await?;
            }
            fed = self.input.step(), if feeding => fed.map_err(|e| {
                Error::new(ErrorKind::Usage, Phase::Exec, self.host).with_detail(format!("reading the input: {e}"))
            })?,
            ended = group.wait(), if self.status.is_none() => {
                self.status = Some(ended.map_err(|e| {
                    Error::new(ErrorKind::Broken, Phase::Read, self.host).with_detail(format!("the child is lost: {e}"))
                })?);
            }
            // Anew at each step, so that it is the time since something came.
            () = sleep(QUIET), if self.status.is_some() => {
                self.stdout.pipe = None;
                self.stderr.pipe = None;
            }
        }
        Ok(())
    }

    /// Sends the password when sudo asks, once: a second question means that it was wrong.
    async fn answer_sudo(&mut self) -> Result<(), Error> {
        if self.filter.prompts() == u32::from(self.password_sent) {
            return Ok(());
        }
        let refused = |why: &str| Error::new(ErrorKind::SudoRefused, Phase::Exec, self.host).with_detail(why);
        if self.password_sent {
            return Err(refused("the password is wrong"));
        }
        let Some(password) = self.command.sudo().and_then(|sudo| sudo.password.as_ref()) else {
            return Err(refused("it asks for a password and there is none"));
        };
        self.password_sent = true;
        self.input.line(password.expose()).await.map_err(|e| refused("it does not take the password").with_source(e))
    }
}

// === impl Output ===

impl<R: AsyncRead + Unpin> Output<R> {
    fn new(pipe: Option<R>, stream: OutputStream) -> Self {
        Self { pipe, stream, buffer: vec![0; READ_AT_ONCE] }
    }

    /// Reads some bytes; 0 is the end, also when the pipe breaks.
    async fn read(&mut self) -> usize {
        match &mut self.pipe {
            Some(pipe) => pipe.read(&mut self.buffer).await.unwrap_or(0),
            None => 0,
        }
    }

    fn pass(&mut self, n: usize, filter: &mut Filter, sink: &mut dyn OutputSink) {
        if n == 0 {
            self.pipe = None;
        } else {
            filter.push(self.stream, &self.buffer[..n], sink);
        }
    }
}
