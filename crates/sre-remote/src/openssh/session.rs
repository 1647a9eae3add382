//! Commands on a master connection.

use std::fs;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::master::Master;
use super::transport::Shared;
use crate::child::{Ended, Group, run};
use crate::command::{Command, Stdin, Sudo};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::exec::{Discard, ExecContext, OutputSink};
use crate::exit::Exit;
use crate::host::Host;
use crate::phase::Phase;
use crate::transport::{BoxFuture, Peer, Session};
use crate::wrap::{Filter, Kill, Wrapped};

/// How long ending a process group may take on the host: its own grace is two seconds, then KILL, on a connection that
/// may have to be opened for it.
const KILL_LIMIT: Duration = Duration::from_secs(5);
/// For our own `ssh`, which has nothing to clean up.
const CLIENT_GRACE: Duration = Duration::from_millis(500);
/// For a server to free the channel of the last command: 20, 40, 80, 160 ms.
const SLOT_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_SLOT_PAUSE: Duration = Duration::from_millis(160);
/// What `ssh` exits with when it has no status to pass on.
const SSH_FAILED: i32 = 255;

/// A host over the system's `ssh`.
#[derive(Debug)]
pub(super) struct OpenSshSession {
    /// None after a command that had to be left: its connection goes with it.
    master: Option<Master>,
    shared: Arc<Shared>,
    host: Host,
    peer: Peer,
}

/// What a client's log says about its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientEnd {
    /// The host told this status.
    Status(u32),
    /// The server opened no channel.
    Refused,
    /// There was no master any more.
    NoMaster,
    /// The channel was closed without a status.
    NoStatus,
}

// === impl OpenSshSession ===

impl OpenSshSession {
    pub(super) fn new(master: Master, shared: Arc<Shared>, host: Host, peer: Peer) -> Self {
        Self { master: Some(master), shared, host, peer }
    }

    async fn run(
        &mut self,
        command: &Command,
        context: &ExecContext,
        sink: &mut dyn OutputSink,
    ) -> Result<Exit, Error> {
        let fault = |kind, why: &str| Error::new(kind, Phase::Exec, &self.host).with_detail(why);
        let Wrapped { text, stdin, mut filter } =
            Wrapped::for_host(command, &self.host).map_err(|why| fault(ErrorKind::Usage, &why))?;
        if context.interrupt.is_triggered() {
            return Err(Error::new(ErrorKind::Interrupted, Phase::Exec, &self.host));
        }
        let mut pause = SLOT_PAUSE;
        loop {
            let Some(master) = &mut self.master else { return Err(fault(ErrorKind::Broken, "the session has ended")) };
            let (mut client, log) = master.client(&self.host, &text, command.pty())?;
            let ended = run(&mut client, &self.host, command, &mut filter, stdin.clone(), context, sink).await;
            let done = match ended {
                Ok(Ended::Itself(status)) => exit(status, &log, &filter, master, &self.host).await,
                Ok(Ended::Left(left)) => {
                    let killed = self.give_up(client, filter.group(), command.sudo()).await;
                    return Err(left.into_error(&self.host, killed));
                }
                Err(e) => {
                    self.give_up(client, filter.group(), command.sudo()).await;
                    return Err(e);
                }
            };
            // A server frees the channel of the command before when it gets round to it. It has not started this one.
            let is_full = done.as_ref().is_err_and(|e| e.kind() == ErrorKind::ExecRefused);
            if !is_full || !master.was_used() || pause > LONGEST_SLOT_PAUSE {
                return done;
            }
            if context.deadline.limit(sleep(pause)).await.is_err() {
                return done;
            }
            pause *= 2;
        }
    }

    /// Ends what still runs on the host, our client of it, and the connection. That goes on behind the caller's back when
    /// the host is slow.
    async fn give_up(&mut self, mut client: Group, group: Option<u32>, sudo: Option<&Sudo>) -> Option<bool> {
        let mut master = self.master.take()?;
        let (host, shared) = (self.host.clone(), Arc::clone(&self.shared));
        let text = group.map(|group| Kill::text(group, sudo));
        let work = async move {
            let killed = match &text {
                Some(text) => kill(&mut master, &host, &shared, text).await,
                None => false,
            };
            client.end_with_child(CLIENT_GRACE).await;
            master.end().await;
            killed
        };
        let killed = self.shared.background().killing(work).await;
        group.map(|_| killed)
    }
}

/// Over a second channel of the same connection; servers with `MaxSessions 1` refuse it, and get a new connection.
async fn kill(master: &mut Master, host: &Host, shared: &Shared, text: &str) -> bool {
    let deadline = Deadline::after(KILL_LIMIT);
    match run_plain(master, host, text, deadline).await {
        Ok(exit) => exit.is_success(),
        Err(e) => {
            tracing::debug!(%host, error = %e, "a new connection is needed to end the command");
            let Ok(mut other) = shared.log_in(host, deadline).await else { return false };
            let killed = run_plain(&mut other, host, text, deadline).await;
            other.end().await;
            killed.is_ok_and(|exit| exit.is_success())
        }
    }
}

/// Runs a text of our own that nobody reads the output of.
async fn run_plain(master: &mut Master, host: &Host, text: &str, deadline: Deadline) -> Result<Exit, Error> {
    let context = ExecContext::until(deadline);
    let command = Command::shell(text).with_raw(true);
    let (mut client, log) = master.client(host, text, false)?;
    let mut filter = Filter::pass_all();
    match run(&mut client, host, &command, &mut filter, Stdin::Empty, &context, &mut Discard).await? {
        Ended::Itself(status) => exit(status, &log, &filter, master, host).await,
        Ended::Left(left) => Err(left.into_error(host, None)),
    }
}

/// How the command of a client ended.
async fn exit(
    status: ExitStatus,
    log: &Path,
    filter: &Filter,
    master: &mut Master,
    host: &Host,
) -> Result<Exit, Error> {
    let said = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let _ = fs::remove_file(log);
    let end = match status.code() {
        Some(code) if code != SSH_FAILED => u32::try_from(code).map_or(ClientEnd::NoStatus, ClientEnd::Status),
        _ => client_end(&said),
    };
    let fault = |kind, why: &str| Error::new(kind, Phase::Exec, host).with_detail(why);
    match end {
        ClientEnd::Status(0) if filter.is_wrapped() && !filter.succeeded() => Ok(Exit::Lost),
        ClientEnd::Status(code) => Ok(Exit::Code(code)),
        ClientEnd::Refused => Err(fault(ErrorKind::ExecRefused, "the server opened no channel for the command")),
        ClientEnd::NoMaster => Err(fault(ErrorKind::Broken, "the connection was gone before the command")),
        ClientEnd::NoStatus if master.stays().await => Ok(Exit::Lost),
        ClientEnd::NoStatus => {
            let words = format!("the connection broke while the command ran: {}", master.log().end());
            Err(fault(ErrorKind::Broken, words.trim_end_matches([' ', ':'])))
        }
    }
}

/// What the words of OpenSSH's mux.c mean.
fn client_end(log: &str) -> ClientEnd {
    let status =
        log.lines().rev().find_map(|line| line.split_once("Received exit status from master ")?.1.trim().parse().ok());
    if let Some(status) = status {
        ClientEnd::Status(status)
    } else if log.contains("session request failed") || log.contains("ession open refused") {
        ClientEnd::Refused
    } else if log.contains("master session id") {
        ClientEnd::NoStatus
    } else {
        ClientEnd::NoMaster
    }
}

impl Session for OpenSshSession {
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
        _from: &'a Path,
        _to: &'a str,
        _mode: u32,
        _context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(std::future::ready(Err(no_sftp(&self.host))))
    }

    fn read_file<'a>(
        &'a mut self,
        _from: &'a str,
        _to: &'a Path,
        _context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(std::future::ready(Err(no_sftp(&self.host))))
    }

    fn rename_file<'a>(
        &'a mut self,
        _from: &'a str,
        _to: &'a str,
        _context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(std::future::ready(Err(no_sftp(&self.host))))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Some(mut master) = self.master {
                master.end().await;
            }
        })
    }
}

fn no_sftp(host: &Host) -> Error {
    Error::new(ErrorKind::Unsupported, Phase::Transfer, host).with_detail("the openssh transport has no SFTP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_client() {
        let begun = "debug1: mux_client_request_session: master session id: 2\n";
        for (log, end) in [
            (format!("{begun}debug2: Received exit status from master 255\r\n"), ClientEnd::Status(255)),
            (format!("{begun}debug2: Control master terminated unexpectedly\n"), ClientEnd::NoStatus),
            (
                "mux_client_request_session: session request failed: Session open refused by peer\nConnection closed"
                    .to_owned(),
                ClientEnd::Refused,
            ),
            ("debug1: Connecting\nConnection closed by UNKNOWN port 65535\n".to_owned(), ClientEnd::NoMaster),
        ] {
            assert_eq!(client_end(&log), end, "{log}");
        }
    }
}
