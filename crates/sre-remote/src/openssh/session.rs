//! Commands on a master connection.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command as Process;
use tokio::time::sleep;

use super::arguments::{self, Files};
use super::master::Master;
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

/// How long ending a process group may take on the host: its own grace is two seconds, one more for KILL.
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
    master: Master,
    program: PathBuf,
    host: Host,
    peer: Peer,
    commands: u64,
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
    pub(super) fn new(master: Master, program: PathBuf, host: Host, peer: Peer) -> Self {
        Self { master, program, host, peer, commands: 0 }
    }

    async fn run(
        &mut self,
        command: &Command,
        context: &ExecContext,
        sink: &mut dyn OutputSink,
    ) -> Result<Exit, Error> {
        let usage = |why: String| Error::new(ErrorKind::Usage, Phase::Exec, &self.host).with_detail(why);
        let Wrapped { text, stdin, mut filter } = Wrapped::new(command).map_err(usage)?;
        if context.interrupt.is_triggered() {
            return Err(Error::new(ErrorKind::Interrupted, Phase::Exec, &self.host));
        }
        let mut pause = SLOT_PAUSE;
        loop {
            let (mut client, log) = self.client(&text, command.pty())?;
            let ended = run(&mut client, &self.host, command, &mut filter, stdin.clone(), context, sink).await;
            let done = self.ended(client, ended, &log, &filter, command).await;
            // A server frees the channel of the command before when it gets round to it. It has not started this one.
            let is_full = done.as_ref().is_err_and(|e| e.kind() == ErrorKind::ExecRefused);
            if !is_full || self.commands == 1 || pause > LONGEST_SLOT_PAUSE {
                return done;
            }
            if context.deadline.limit(sleep(pause)).await.is_err() {
                return done;
            }
            pause *= 2;
        }
    }

    async fn ended(
        &mut self,
        client: Group,
        ended: Result<Ended, Error>,
        log: &Path,
        filter: &Filter,
        command: &Command,
    ) -> Result<Exit, Error> {
        match ended {
            Ok(Ended::Itself(status)) => self.exit(status, log, filter),
            Ok(Ended::Left(left)) => {
                let killed = self.give_up(client, filter.group(), command.sudo()).await;
                Err(left.into_error(&self.host, killed))
            }
            Err(e) => {
                self.give_up(client, filter.group(), command.sudo()).await;
                Err(e)
            }
        }
    }

    fn client(&mut self, text: &str, pty: bool) -> Result<(Group, PathBuf), Error> {
        self.commands += 1;
        let (socket, log) = (self.master.socket(), self.master.client_log(self.commands));
        let mut ssh = Process::new(&self.program);
        ssh.args(arguments::client(&self.host, Files { socket: &socket, log: &log }, pty, text));
        ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let client = Group::spawn(&mut ssh).map_err(|e| {
            let what = format!("{}: {e}", self.program.display());
            Error::new(ErrorKind::ExecRefused, Phase::Exec, &self.host).with_detail(what).with_source(e)
        })?;
        Ok((client, log))
    }

    /// Ends what still runs on the host, then our client of it, then the connection.
    async fn give_up(&mut self, mut client: Group, group: Option<u32>, sudo: Option<&Sudo>) -> Option<bool> {
        let killed = match group {
            Some(group) => Some(self.kill(group, sudo).await),
            None => None,
        };
        client.end(CLIENT_GRACE).await;
        self.master.end().await;
        killed
    }

    /// A second channel on the same connection: servers with `MaxSessions 1` refuse it, and then the group stays.
    async fn kill(&mut self, group: u32, sudo: Option<&Sudo>) -> bool {
        let context = ExecContext::until(Deadline::after(KILL_LIMIT));
        let text = Kill::text(group, sudo);
        let command = Command::shell(text.clone()).with_raw(true);
        let Ok((mut client, _)) = self.client(&text, false) else { return false };
        let mut filter = Filter::pass_all();
        let ran = run(&mut client, &self.host, &command, &mut filter, Stdin::Empty, &context, &mut Discard).await;
        matches!(ran, Ok(Ended::Itself(status)) if status.success())
    }

    fn exit(&mut self, status: ExitStatus, log: &Path, filter: &Filter) -> Result<Exit, Error> {
        let said = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let _ = fs::remove_file(log);
        let end = match status.code() {
            Some(code) if code != SSH_FAILED => u32::try_from(code).map_or(ClientEnd::NoStatus, ClientEnd::Status),
            _ => client_end(&said),
        };
        let fault = |kind, why: &str| Error::new(kind, Phase::Exec, &self.host).with_detail(why);
        match end {
            ClientEnd::Status(0) if filter.is_wrapped() && !filter.succeeded() => Ok(Exit::Lost),
            ClientEnd::Status(code) => Ok(Exit::Code(code)),
            ClientEnd::Refused => Err(fault(ErrorKind::ExecRefused, "the server opened no channel for the command")),
            ClientEnd::NoMaster => Err(fault(ErrorKind::Broken, "the connection was gone before the command")),
            ClientEnd::NoStatus if self.master.is_alive() => Ok(Exit::Lost),
            ClientEnd::NoStatus => {
                let words = format!("the connection broke while the command ran: {}", self.master.log().end());
                Err(fault(ErrorKind::Broken, words.trim_end_matches([' ', ':'])))
            }
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
        let mut session = *self;
        Box::pin(async move { session.master.end().await })
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
