//! The SSH transport on a real server: the way from a host to a command's end.

use std::time::Duration;

use sre_remote::ssh::{KeyFile, SshOptions, SshTransport};
use sre_remote::{Captured, Command, Deadline, ErrorKind, ExecContext, Exit, Host, Phase, Stdin, Transport};
use sre_testkit::sshd::{KeySpec, Sshd};

const LIMIT: Duration = Duration::from_secs(60);

fn options(sshd: &Sshd) -> SshOptions {
    let key = sshd.client_key(&KeySpec::ed25519());
    SshOptions::new()
        .with_user(sshd.user())
        .with_port(sshd.port())
        .with_key(KeyFile::new(key.path()))
        .with_known_hosts([sshd.known_hosts_file(&["127.0.0.1"])])
}

async fn run(ssh: &SshTransport, command: &Command, limit: Duration) -> (Result<Exit, sre_remote::Error>, Captured) {
    let mut sink = Captured::with_cap(1 << 26);
    let deadline = Deadline::after(limit);
    let mut session = match ssh.connect(&Host::new("127.0.0.1"), deadline).await {
        Ok(session) => session,
        Err(e) => return (Err(e), sink),
    };
    let exit = session.exec(command, &ExecContext::until(deadline), &mut sink).await;
    session.close().await;
    (exit, sink)
}

#[tokio::test]
async fn a_command_runs_and_its_end_is_told() {
    let sshd = Sshd::start().await;
    let ssh = SshTransport::new(options(&sshd)).unwrap();
    let (exit, sink) = run(&ssh, &Command::shell("echo out; echo err >&2; exit 3"), LIMIT).await;
    assert_eq!(exit.unwrap(), Exit::Code(3));
    assert_eq!((sink.stdout.as_slice(), sink.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    let (exit, _) = run(&ssh, &Command::shell("true"), LIMIT).await;
    assert_eq!(exit.unwrap(), Exit::Code(0));
    let (exit, _) = run(&ssh, &Command::shell("kill -KILL $$"), LIMIT).await;
    assert_eq!(exit.unwrap(), Exit::Signal("KILL".to_owned()));
    let (exit, _) = run(&ssh, &Command::shell("exit 255"), LIMIT).await;
    assert_eq!(exit.unwrap(), Exit::Code(255));
}

#[tokio::test]
async fn several_commands_share_a_session_and_input_reaches_them() {
    let sshd = Sshd::start().await;
    let ssh = SshTransport::new(options(&sshd)).unwrap();
    let deadline = Deadline::after(LIMIT);
    let context = ExecContext::until(deadline);
    let mut session = ssh.connect(&Host::new("127.0.0.1"), deadline).await.unwrap();
    let input = bytes(3 << 20);
    for _ in 0..2 {
        let mut sink = Captured::with_cap(1 << 26);
        let cat = Command::shell("cat").with_stdin(Stdin::Bytes(input.clone().into()));
        assert_eq!(session.exec(&cat, &context, &mut sink).await.unwrap(), Exit::Code(0));
        assert!(sink.stdout == input, "{} bytes came back", sink.stdout.len());
    }
    assert!(session.peer().timings.get(Phase::Auth).is_some());
    assert_eq!(session.peer().address.unwrap().port(), sshd.port());
}

#[tokio::test]
async fn large_output_on_both_streams_comes_whole() {
    let sshd = Sshd::start().await;
    let ssh = SshTransport::new(options(&sshd)).unwrap();
    let flood = Command::shell("head -c 20000000 /dev/zero >&2; head -c 20000000 /dev/zero");
    let (exit, sink) = run(&ssh, &flood, Duration::from_secs(20)).await;
    assert_eq!(exit.unwrap(), Exit::Code(0));
    assert_eq!((sink.stdout_bytes, sink.stderr_bytes), (20_000_000, 20_000_000));
}

#[tokio::test]
async fn what_runs_too_long_is_killed_on_the_host() {
    let sshd = Sshd::start().await;
    let ssh = SshTransport::new(options(&sshd)).unwrap();
    let started = tokio::time::Instant::now();
    let (exit, sink) = run(&ssh, &Command::shell("echo before; sleep 3000 & sleep 3001"), Duration::from_secs(2)).await;
    let error = exit.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, Phase::Exec), "{error}");
    assert_eq!(sink.stdout, b"before\n");
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    let left = std::process::Command::new("pgrep").args(["-f", "^sleep 300[01]$"]).output().unwrap();
    assert!(left.stdout.is_empty(), "still there: {}", String::from_utf8_lossy(&left.stdout));
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|i| u8::try_from(i * 31 % 251).unwrap()).collect()
}

#[tokio::test]
async fn a_server_with_one_session_a_connection_is_reached_again_for_the_kill() {
    let sshd = Sshd::builder().max_sessions(1).start().await;
    let ssh = SshTransport::new(options(&sshd)).unwrap();
    let (exit, _) = run(&ssh, &Command::shell("sleep 3002"), Duration::from_secs(2)).await;
    assert_eq!(exit.unwrap_err().kind(), ErrorKind::Timeout);
    // The news that it worked may come too late for the result on a busy machine.
    ssh.settle().await;
    let left = std::process::Command::new("pgrep").args(["-f", "^sleep 3002$"]).output().unwrap();
    assert!(left.stdout.is_empty(), "still there: {}", String::from_utf8_lossy(&left.stdout));
}
