//! A logged-in connection, as the fan-out sees it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::channel::{self, Left, Running};
use super::jump::Pump;
use super::link::Link;
use super::sftp;
use super::transport::Shared;
use crate::command::{Command, Stdin, Sudo};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::exec::{Discard, ExecContext, OutputSink};
use crate::exit::Exit;
use crate::host::Host;
use crate::phase::Phase;
use crate::transport::{BoxFuture, Peer, Session};
use crate::wrap::{Filter, Kill, Wrapped};

/// How long ending a process group may take: its own grace is two seconds, then KILL, on a connection that may have to
/// be opened for it.
const KILL_LIMIT: Duration = Duration::from_secs(5);
/// How long the result waits for the news that it worked: a host that does not even answer this holds nobody up.
const KILL_NEWS: Duration = Duration::from_millis(350);
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// A session over libssh2.
#[derive(Debug)]
pub(super) struct SshSession {
    connection: Option<Connection>,
    host: Host,
    peer: Peer,
    shared: Arc<Shared>,
}

/// What goes when a session ends: the link first, then the jump hosts that carry it.
#[derive(Debug)]
struct Connection {
    link: Link,
    _through: Vec<Pump>,
}

// === impl SshSession ===

impl SshSession {
    pub(super) fn new(link: Link, through: Vec<Pump>, host: Host, peer: Peer, shared: Arc<Shared>) -> Self {
        Self { connection: Some(Connection { link, _through: through }), host, peer, shared }
    }

    async fn run(
        &mut self,
        command: &Command,
        context: &ExecContext,
        sink: &mut dyn OutputSink,
    ) -> Result<Exit, Error> {
        let usage = |why: String| Error::new(ErrorKind::Usage, Phase::Exec, &self.host).with_detail(why);
        let Wrapped { text, stdin, filter } = Wrapped::for_host(command, &self.host).map_err(usage)?;
        if context.interrupt.is_triggered() {
            return Err(Error::new(ErrorKind::Interrupted, Phase::Exec, &self.host));
        }
        let starting = context.deadline.within(self.shared.exec_limit());
        let link = self.link(Phase::Exec)?;
        let channel = channel::start(link, &self.host, &text, command.pty(), starting).await?;
        let mut running = Running::new(link, &self.host, channel, filter, stdin).await?;
        match running.finish(command, context, sink).await? {
            Ok(exit) => Ok(exit),
            Err(left) => {
                let group = running.group();
                drop(running);
                Err(self.give_up(left, group, command.sudo()).await)
            }
        }
    }

    fn link(&self, phase: Phase) -> Result<&Link, Error> {
        let ended = || Error::new(ErrorKind::Broken, phase, &self.host).with_detail("the session has ended");
        self.connection.as_ref().map(|connection| &connection.link).ok_or_else(ended)
    }

    /// Ends what still runs on the host, then the connection. That goes on behind the caller's back when the host is slow.
    async fn give_up(&mut self, left: Left, group: Option<u32>, sudo: Option<&Sudo>) -> Error {
        let (Some(connection), Some(group)) = (self.connection.take(), group) else {
            return left.into_error(&self.host, None);
        };
        let (host, shared, text) = (self.host.clone(), Arc::clone(&self.shared), Kill::text(group, sudo));
        let killing = self.shared.in_background(async move { kill(&connection.link, &host, &shared, &text).await });
        let killed = tokio::time::timeout(KILL_NEWS, killing).await;
        left.into_error(&self.host, Some(matches!(killed, Ok(Ok(true)))))
    }
}

/// Over a second channel of the same connection; servers with `MaxSessions 1` refuse it, and get a new connection.
async fn kill(link: &Link, host: &Host, shared: &Arc<Shared>, text: &str) -> bool {
    let deadline = Deadline::after(KILL_LIMIT);
    match run_plain(link, host, text, deadline).await {
        Ok(exit) => exit.is_success(),
        Err(e) => {
            tracing::debug!(%host, error = %e, "a new connection is needed to end the command");
            let Ok(other) = shared.open(host, deadline).await else { return false };
            let Ok(link) = other.link(Phase::Exec) else { return false };
            run_plain(link, host, text, deadline).await.is_ok_and(|exit| exit.is_success())
        }
    }
}

/// Runs a text of our own that nobody reads the output of.
async fn run_plain(link: &Link, host: &Host, text: &str, deadline: Deadline) -> Result<Exit, Error> {
    let context = ExecContext::until(deadline);
    let command = Command::shell(text).with_raw(true);
    let channel = channel::start(link, host, text, false, deadline).await?;
    let mut running = Running::new(link, host, channel, Filter::pass_all(), Stdin::Empty).await?;
    match running.finish(&command, &context, &mut Discard).await? {
        Ok(exit) => Ok(exit),
        Err(left) => Err(left.into_error(host, None)),
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
        Box::pin(async move { sftp::write(self.link(Phase::Transfer)?, &self.host, from, to, mode, context).await })
    }

    fn read_file<'a>(
        &'a mut self,
        from: &'a str,
        to: &'a Path,
        context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move { sftp::read(self.link(Phase::Transfer)?, &self.host, from, to, context).await })
    }

    fn rename_file<'a>(
        &'a mut self,
        from: &'a str,
        to: &'a str,
        context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { sftp::rename(self.link(Phase::Transfer)?, &self.host, from, to, context).await })
    }

    fn remove_file<'a>(&'a mut self, path: &'a str, context: &'a ExecContext) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { sftp::remove(self.link(Phase::Transfer)?, &self.host, path, context).await })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let deadline = Deadline::after(CLOSE_LIMIT);
            let Ok(link) = self.link(Phase::Read) else { return };
            let _ = link.drive(deadline, |session| session.disconnect(None, "done", None)).await;
        })
    }
}
