//! What a fan-out does on each host.

use std::fmt;

use crate::command::Command;
use crate::error::Error;
use crate::exec::{ExecContext, OutputSink};
use crate::exit::Exit;
use crate::host::Host;
use crate::transport::{BoxFuture, Session};

/// The work on one host: a command, an upload, a health check. The same value serves all hosts.
pub trait Job: fmt::Debug + Send + Sync + 'static {
    /// What it brings back beside the output.
    type Output: Send + 'static;

    /// Does it over a session that is logged in, within the deadline and until the interrupt of `context`.
    ///
    /// # Errors
    /// Whatever went wrong, but not a command that ended with another status than 0: that is a [`Finish`].
    ///
    /// # Cancel safety
    /// It is dropped when it does not end by itself soon after its deadline.
    fn run<'a>(
        &'a self,
        session: &'a mut dyn Session,
        host: &'a Host,
        context: &'a ExecContext,
        sink: &'a mut dyn OutputSink,
    ) -> BoxFuture<'a, Result<Finish<Self::Output>, Error>>;
}

/// The end of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish<T> {
    /// How its command ended; status 0 for a job that has none.
    pub exit: Exit,
    /// What it brings back.
    pub value: T,
}

/// Runs one command or script.
#[derive(Debug, Clone)]
pub struct RunCommand(Command);

// === impl Finish ===

impl<T> Finish<T> {
    /// Done.
    pub fn ok(value: T) -> Self {
        Self { exit: Exit::Code(0), value }
    }
}

// === impl RunCommand ===

impl RunCommand {
    /// This one.
    #[must_use]
    pub fn new(command: Command) -> Self {
        Self(command)
    }
}

impl Job for RunCommand {
    type Output = ();

    fn run<'a>(
        &'a self,
        session: &'a mut dyn Session,
        _host: &'a Host,
        context: &'a ExecContext,
        sink: &'a mut dyn OutputSink,
    ) -> BoxFuture<'a, Result<Finish<()>, Error>> {
        Box::pin(async move {
            let exit = session.exec(&self.0, context, sink).await?;
            Ok(Finish { exit, value: () })
        })
    }
}
