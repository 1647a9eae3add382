//! A logged-in connection, as the fan-out sees it.

use std::path::Path;
use std::time::Duration;

use super::channel::{self, Left, Running};
use super::jump::Pump;
use super::link::Link;
use super::sftp;
use crate::command::{Command, Stdin, Sudo};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::exec::{Discard, ExecContext, OutputSink};
use crate::exit::Exit;
use crate::host::Host;
use crate::phase::Phase;
use crate::transport::{BoxFuture, Peer, Session};
use crate::wrap::{Filter, Kill, Wrapped};

/// How long ending a process group may take: its own grace is two seconds, one more for KILL.
const KILL_LIMIT: Duration = Duration::from_secs(5);
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// A session over libssh2.
#[derive(Debug)]
pub(super) struct SshSession {
    // Dropped in this order: the link before the jump hosts that carry it.
    link: Link,
    _through: Vec<Pump>,
    host: Host,
    peer: Peer,
    exec_limit: Duration,
}

// === impl SshSession ===

impl SshSession {
    pub(super) fn new(link: Link, through: Vec<Pump>, host: Host, peer: Peer, exec_limit: Duration) -> Self {
        Self { link, _through: through, host, peer, exec_limit }
    }

    async fn run(
        &mut self,
        command: &Command,
        context: &ExecContext,
        sink: &mut dyn OutputSink,
    ) -> Result<Exit, Error> {
        let usage = |why: String| Error::new(ErrorKind::Usage, Phase::Exec, &self.host).with_detail(why);
        let Wrapped { text, stdin, filter } = Wrapped::new(command).map_err(usage)?;
        if context.interrupt.is_triggered() {
            return Err(Error::new(ErrorKind::Interrupted, Phase::Exec, &self.host));
        }
        let starting = context.deadline.within(self.exec_limit);
        let channel = channel::start(&self.link, &self.host, &text, command.pty(), starting).await?;
        let mut running = Running::new(&self.link, &self.host, channel, filter, stdin).await?;
        match running.finish(command, context, sink).await? {
            Ok(exit) => Ok(exit),
            Err(left) => {
                let group = running.group();
                drop(running);
                Err(self.give_up(left, group, command.sudo()).await)
            }
        }
    }

    /// Ends what still runs on the host, then the connection.
    async fn give_up(&mut self, left: Left, group: Option<u32>, sudo: Option<&Sudo>) -> Error {
        let killed = match group {
            Some(group) => Some(self.kill(group, sudo).await),
            None => None,
        };
        self.link.shut_down();
        left.into_error(&self.host, killed)
    }

    /// A second channel on the same connection: servers with `MaxSessions 1` refuse it, and then the group stays.
    async fn kill(&mut self, group: u32, sudo: Option<&Sudo>) -> bool {
        let context = ExecContext::until(Deadline::after(KILL_LIMIT));
        let text = Kill::text(group, sudo);
        let command = Command::shell(text.clone()).with_raw(true);
        let work = async {
            let channel = channel::start(&self.link, &self.host, &text, false, context.deadline).await?;
            let mut running = Running::new(&self.link, &self.host, channel, Filter::pass_all(), Stdin::Empty).await?;
            running.finish(&command, &context, &mut Discard).await
        };
        matches!(work.await, Ok(Ok(Exit::Code(0))))
    }
}

impl Session for SshSession {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn exec<'a>(
        &'a mut self,
        command: &'a Command,
        context: &'a ExecContext,
        sink: &'a mut dyn OutputSink,
    ) -> BoxFuture<'a, Result<Exit, Error>> {
        Box::pin(self.run(command, context, sink))
    }

    fn write_file<'a>(
        &'a mut self,
        from: &'a Path,
        to: &'a str,
        mode: u32,
        context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(sftp::write(&self.link, &self.host, from, to, mode, context))
    }

    fn read_file<'a>(
        &'a mut self,
        from: &'a str,
        to: &'a Path,
        context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(sftp::read(&self.link, &self.host, from, to, context))
    }

    fn rename_file<'a>(
        &'a mut self,
        from: &'a str,
        to: &'a str,
        context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(sftp::rename(&self.link, &self.host, from, to, context))
    }

    fn remove_file<'a>(&'a mut self, path: &'a str, context: &'a ExecContext) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(sftp::remove(&self.link, &self.host, path, context))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let deadline = Deadline::after(CLOSE_LIMIT);
            let _ = self.link.drive(deadline, |session| session.disconnect(None, "done", None)).await;
        })
    }
}
