//! The servers that misbehave, seen by the real `ssh`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use sre_testkit::ssh_faults::{Action, Fault, FaultServer, Mishap, Proxy, Stage};
use sre_testkit::sshd::{KeyPair, KeySpec, Sshd};
use tempfile::TempDir;

struct Client {
    key: KeyPair,
    _dir: TempDir,
}

impl Client {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { key: KeyPair::generate(dir.path(), "id", &KeySpec::ed25519()), _dir: dir }
    }

    fn command(key: &Path, known_hosts: &Path, addr: SocketAddr, command: &str) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"]);
        ssh.arg("-o").arg(format!("UserKnownHostsFile={}", known_hosts.display())).arg("-i").arg(key);
        ssh.args(["-o", "GlobalKnownHostsFile=/dev/null", "-p", &addr.port().to_string(), "127.0.0.1", command]);
        ssh.env_clear().stdin(Stdio::null());
        ssh
    }

    async fn run(&self, server: &FaultServer, command: &str) -> Output {
        let known_hosts = server.known_hosts_file(&["127.0.0.1"]);
        let ssh = Self::command(self.key.path(), &known_hosts, server.addr(), command);
        let output = tokio::process::Command::from(ssh).output().await.unwrap();
        server.wait_until_idle(Duration::from_secs(5)).await;
        output
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn without_a_fault_it_is_an_ssh_server() {
    let (client, server) = (Client::new(), FaultServer::start(Fault::None).await);
    let output = client.run(&server, "echo out; echo err >&2; exit 5").await;
    assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).as_str()), ("out\n", "err\n"));
    assert_eq!(output.status.code(), Some(5));
    // Much more than a window, both streams, byte for byte.
    let output = client.run(&server, "head -c 20000000 /dev/zero >&2; seq 1000000").await;
    assert_eq!((output.stderr.len(), output.stdout.len()), (20_000_000, 6_888_896));
    assert!(text(&output.stdout).ends_with("999999\n1000000\n"));
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn every_stage_is_reached_and_not_passed() {
    let client = Client::new();
    for stage in Stage::ALL {
        for action in [Action::Close, Action::Reset] {
            let server = FaultServer::start(Fault::At(stage, action)).await;
            let output = client.run(&server, "echo first; exec sleep 60").await;
            assert_eq!(output.status.code(), Some(255), "{stage:?} {action:?}");
            assert_eq!(text(&output.stdout), if stage == Stage::Output { "first\n" } else { "" });
        }
    }
}

#[tokio::test]
async fn the_ends_of_a_command_can_be_wrong() {
    let client = Client::new();
    let run = async |fault: Fault, command: &str| {
        let server = FaultServer::start(fault).await;
        client.run(&server, command).await
    };
    let output = run(Fault::NoExitStatus, "echo hello").await;
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(255), "hello\n"));
    let output = run(Fault::StatusBeforeData, "echo hello; exit 3").await;
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(3), "hello\n"));
    let output = run(Fault::ExitSignal("SEGV".to_owned()), "echo hello").await;
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(255), "hello\n"));
    assert!(text(&run(Fault::RefuseAuth, "true").await.stderr).contains("Permission denied"));
    assert!(text(&run(Fault::RefuseChannel, "true").await.stderr).contains("no channels today"));
    assert!(text(&run(Fault::RefuseExec, "true").await.stderr).contains("exec request failed"));
    assert_eq!(run(Fault::Version("HTTP/1.1 400 Bad Request".to_owned()), "true").await.status.code(), Some(255));
    let preamble = format!("{}\r\n", "x".repeat(200)).repeat(3).into_bytes();
    assert!(run(Fault::Preamble(preamble), "true").await.status.success());
}

#[tokio::test]
async fn a_stalled_or_dripping_server_keeps_its_connection_until_the_client_leaves() {
    let client = Client::new();
    for action in [Action::Stall, Action::Drip(Duration::from_secs(1))] {
        let server = FaultServer::start(Fault::At(Stage::Auth, action)).await;
        let known_hosts = server.known_hosts_file(&["127.0.0.1"]);
        let ssh = Client::command(client.key.path(), &known_hosts, server.addr(), "true");
        let mut ssh = tokio::process::Command::from(ssh).kill_on_drop(true).spawn().unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(700), ssh.wait()).await.is_err());
        assert_eq!(server.open_connections(), 1);
        ssh.kill().await.unwrap();
        server.wait_until_idle(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn a_proxy_cuts_stalls_and_drips_anywhere() {
    let sshd = Sshd::start().await;
    let key = sshd.client_key(&KeySpec::ed25519());
    let run = async |mishap: Mishap, limit: Duration| {
        let proxy = Proxy::start(sshd.addr(), mishap).await;
        let known_hosts: PathBuf = sshd.dir().join("known_hosts_proxy");
        std::fs::write(&known_hosts, sshd.host_keys()[0].known_hosts_line("127.0.0.1", proxy.addr().port())).unwrap();
        let ssh = Client::command(key.path(), &known_hosts, proxy.addr(), "echo hello");
        let output = tokio::time::timeout(limit, tokio::process::Command::from(ssh).kill_on_drop(true).output());
        let code = output.await.ok().map(|output| output.unwrap().status.code().unwrap());
        proxy.wait_until_idle(Duration::from_secs(5)).await;
        code
    };
    // Long enough for a busy machine, and for what never ends just long enough to see it.
    let (ends, never_ends) = (Duration::from_secs(30), Duration::from_millis(2500));
    assert_eq!(run(Mishap::None, ends).await, Some(0));
    for bytes in [0, 20, 900] {
        assert_eq!(run(Mishap::CutAfter(bytes), ends).await, Some(255));
        assert_eq!(run(Mishap::ResetAfter(bytes), ends).await, Some(255));
    }
    assert_eq!(run(Mishap::StallAfter(900), never_ends).await, None);
    assert_eq!(run(Mishap::DripAfter(900, Duration::from_secs(1)), never_ends).await, None);
}
