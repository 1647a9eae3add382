//! A client of the SSH transport that knows nothing but what a test tells it: no `~/.ssh`, no agent, no environment.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sre_remote::ssh::{HostKeyPolicy, KeyFile, PhaseLimits, SshOptions, SshTransport};
use sre_remote::{
    Captured, Command, Deadline, Error, ErrorKind, ExecContext, Exit, Host, Interrupt, Peer, Phase, SharedTransport,
};
use sre_testkit::ssh_faults::FaultServer;
use sre_testkit::sshd::{KeyPair, KeySpec, Sshd};
use tempfile::TempDir;
use tokio::time::Instant;

/// Enough for anything that goes well on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How late a deadline may be kept.
pub(crate) const GRACE: Duration = Duration::from_millis(500);
/// Of each stream.
const CAP: usize = 4 * 1024 * 1024;

/// What one command on one host came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) exit: Result<Exit, Error>,
    pub(crate) output: Captured,
    pub(crate) peer: Option<Peer>,
    pub(crate) took: Duration,
}

/// A key pair that is on no server, which is all that a [`FaultServer`] asks for.
#[derive(Debug)]
pub(crate) struct AnyKey {
    pub(crate) pair: KeyPair,
    pub(crate) dir: TempDir,
}

// === impl Outcome ===

impl Outcome {
    #[track_caller]
    pub(crate) fn exit(&self) -> &Exit {
        self.exit.as_ref().unwrap_or_else(|error| panic!("{error}: {:?}", self.output))
    }

    #[track_caller]
    pub(crate) fn error(&self) -> &Error {
        let Err(error) = &self.exit else { panic!("an error was due: {self:?}") };
        error
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Fails unless the command ended with status 0 and said this.
    #[track_caller]
    pub(crate) fn assert_said(&self, stdout: &str) {
        assert_eq!(self.exit(), &Exit::Code(0), "{:?}", self.output);
        assert_eq!(self.stdout(), stdout);
    }

    /// Fails unless it failed just so.
    #[track_caller]
    pub(crate) fn assert_failed(&self, kind: ErrorKind, phase: Phase) {
        let error = self.error();
        assert_eq!((error.kind(), error.phase()), (kind, phase), "{error}");
    }

    /// Fails unless the limit was used up and kept.
    #[track_caller]
    pub(crate) fn assert_took_about(&self, limit: Duration) {
        let soon = limit.saturating_sub(Duration::from_millis(20));
        assert!(self.took >= soon && self.took <= limit + GRACE, "{:?} with a limit of {limit:?}", self.took);
    }
}

// === impl AnyKey ===

impl AnyKey {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { pair: KeyPair::generate(dir.path(), "id", &KeySpec::ed25519()), dir }
    }

    /// Writes the key of each server into one `known_hosts`, for 127.0.0.1.
    pub(crate) fn known_hosts(&self, servers: &[&FaultServer]) -> PathBuf {
        let path = self.dir.path().join("known_hosts");
        let lines: String = servers.iter().map(|server| server.known_hosts_line("127.0.0.1")).collect();
        std::fs::write(&path, lines).unwrap();
        path
    }
}

/// Options with a user and strict host keys.
pub(crate) fn options(known_hosts: &Path) -> SshOptions {
    SshOptions::new()
        .with_user(whoami())
        .with_known_hosts([known_hosts])
        .with_host_keys(HostKeyPolicy::Strict)
        .with_limits(PhaseLimits::default())
}

/// Options with a key that the server accepts, for these addresses.
pub(crate) fn options_for(sshd: &Sshd, hosts: &[&str]) -> SshOptions {
    options(&sshd.known_hosts_file(hosts)).with_key(KeyFile::new(sshd.client_key(&KeySpec::ed25519()).path()))
}

/// A transport.
#[track_caller]
pub(crate) fn transport(options: SshOptions) -> SharedTransport {
    Arc::new(SshTransport::new(options).unwrap())
}

/// A transport that logs in to this server on 127.0.0.1.
pub(crate) fn transport_for(sshd: &Sshd) -> SharedTransport {
    transport(options_for(sshd, &["127.0.0.1"]))
}

/// 127.0.0.1 with that port.
pub(crate) fn local(port: u16) -> Host {
    Host::new("127.0.0.1").with_port(port)
}

/// Connects, runs one command and says good-bye, all within `limit`.
pub(crate) async fn run(transport: &SharedTransport, host: &Host, command: &Command, limit: Duration) -> Outcome {
    run_until(transport, host, command, limit, &Interrupt::new()).await
}

/// The same, until an interrupt.
pub(crate) async fn run_until(
    transport: &SharedTransport,
    host: &Host,
    command: &Command,
    limit: Duration,
    interrupt: &Interrupt,
) -> Outcome {
    let (start, deadline) = (Instant::now(), Deadline::after(limit));
    let mut output = Captured::with_cap(CAP);
    let mut session = match transport.connect(host, deadline).await {
        Ok(session) => session,
        Err(error) => return Outcome { exit: Err(error), output, peer: None, took: start.elapsed() },
    };
    let peer = Some(session.peer().clone());
    let context = ExecContext::until(deadline).with_interrupt(interrupt.clone());
    let exit = session.exec(command, &context, &mut output).await;
    let took = start.elapsed();
    if exit.is_ok() {
        session.close().await;
    }
    Outcome { exit, output, peer, took }
}

/// The same for a line of shell with time enough.
pub(crate) async fn sh(transport: &SharedTransport, host: &Host, line: &str) -> Outcome {
    run(transport, host, &Command::shell(line), PATIENCE).await
}

/// Waits until a condition holds.
pub(crate) async fn eventually(what: &str, patience: Duration, holds: impl Fn() -> bool) {
    let poll = async {
        while !holds() {
            // Looking through /proc is work, too.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(patience, poll).await.is_ok(), "not within {patience:?}: {what}");
}

fn whoami() -> String {
    nix::unistd::User::from_uid(nix::unistd::Uid::effective()).unwrap().unwrap().name
}
