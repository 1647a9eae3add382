//! The system's `ssh` as a transport, on real servers and on bad ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sre_remote::openssh::{OpenSshOptions, OpenSshTransport};
use sre_remote::ssh::HostKeyPolicy;
use sre_remote::{
    Captured, Command, Deadline, Error, ErrorKind, ExecContext, Exit, Host, Interrupt, OutputSink, OutputStream, Phase,
    Stdin, Transport,
};
use sre_testkit::ssh_faults::{Action, Fault, FaultServer, Mishap, Proxy, Stage};
use sre_testkit::sshd::{KeySpec, Sshd};
use tokio::sync::Notify;

const LIMIT: Duration = Duration::from_secs(60);

/// No configuration but ours, whatever the machine has. OpenSSH's own first choice takes ten times the CPU time.
fn config(dir: &Path) -> PathBuf {
    let file = dir.join("quick_config");
    fs::write(&file, "KexAlgorithms curve25519-sha256\n").unwrap();
    file
}

fn plain(sshd: &Sshd) -> OpenSshOptions {
    OpenSshOptions::new()
        .with_config_file(config(sshd.dir()))
        .with_user(sshd.user())
        .with_port(sshd.port())
        .with_agent("/nonexistent")
        .with_known_hosts([sshd.known_hosts_file(&["127.0.0.1"])])
        .with_host_keys(HostKeyPolicy::Strict)
}

fn options(sshd: &Sshd) -> OpenSshOptions {
    plain(sshd).with_key(sshd.client_key(&KeySpec::ed25519()).path())
}

fn transport(options: OpenSshOptions) -> OpenSshTransport {
    OpenSshTransport::new(options).unwrap()
}

async fn run(ssh: &OpenSshTransport, command: &Command, limit: Duration) -> (Result<Exit, Error>, Captured) {
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

async fn refused(options: OpenSshOptions, host: &Host) -> Error {
    transport(options).connect(host, Deadline::after(LIMIT)).await.unwrap_err()
}

/// Tells when output comes.
#[derive(Debug, Default)]
struct Told(Arc<Notify>);

impl OutputSink for Told {
    fn output(&mut self, _stream: OutputStream, _bytes: &[u8]) {
        self.0.notify_one();
    }
}

/// The command lines of our processes that name something.
fn processes_with(word: &str) -> Vec<String> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    let lines = all.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(word)).collect()
}

/// Waits until nobody is left.
async fn none_left(what: impl Fn() -> Vec<String>) {
    let started = tokio::time::Instant::now();
    while !what().is_empty() {
        assert!(started.elapsed() < Duration::from_secs(10), "still there: {:?}", what());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn all_gone(sshd: &Sshd) {
    none_left(|| sshd.remote_processes().iter().map(ToString::to_string).collect()).await;
}

#[tokio::test]
async fn commands_share_a_login_and_their_ends_are_told() {
    let sshd = Sshd::start().await;
    let sockets = tempfile::tempdir().unwrap();
    let ssh = transport(options(&sshd).with_socket_folder(sockets.path()));
    let deadline = Deadline::after(LIMIT);
    let context = ExecContext::until(deadline);
    let mut session = ssh.connect(&Host::new("127.0.0.1"), deadline).await.unwrap();
    assert_eq!(session.peer().address, Some(sshd.addr()));
    assert_eq!(session.peer().user, Some(sshd.user()));
    for (text, exit) in [
        ("echo out; echo err >&2; exit 3", Exit::Code(3)),
        ("echo out; echo err >&2", Exit::Code(0)),
        ("echo out; echo err >&2; exit 255", Exit::Code(255)),
        ("echo out; echo err >&2; kill -KILL $$", Exit::Lost),
        ("echo out; echo err >&2; sleep 0.2", Exit::Code(0)),
    ] {
        let mut sink = Captured::with_cap(1 << 20);
        assert_eq!(session.exec(&Command::shell(text), &context, &mut sink).await.unwrap(), exit, "{text}");
        assert_eq!((sink.stdout.as_slice(), sink.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]), "{text}");
    }
    let mut sink = Captured::with_cap(1 << 26);
    let input = vec![b'i'; 3 << 20];
    let cat = Command::shell("cat").with_stdin(Stdin::Bytes(input.clone().into()));
    assert_eq!(session.exec(&cat, &context, &mut sink).await.unwrap(), Exit::Code(0));
    assert!(sink.stdout == input);
    assert_eq!(sshd.connections(), 1);
    session.close().await;
    drop(ssh);
    assert_eq!(fs::read_dir(sockets.path()).unwrap().count(), 0, "nothing stays on the disk");
    none_left(|| processes_with(sockets.path().to_str().unwrap())).await;
    all_gone(&sshd).await;
}

#[tokio::test]
async fn a_pty_and_a_flood_on_both_streams() {
    let sshd = Sshd::start().await;
    let ssh = transport(options(&sshd));
    let (exit, sink) = run(&ssh, &Command::shell("test -t 1 && echo tty").with_pty(true), LIMIT).await;
    assert_eq!((exit.unwrap(), sink.stdout.trim_ascii()), (Exit::Code(0), &b"tty"[..]));
    let flood = Command::shell("head -c 10000000 /dev/zero >&2; head -c 10000000 /dev/zero");
    let (exit, sink) = run(&ssh, &flood, LIMIT).await;
    assert_eq!((exit.unwrap(), sink.stdout_bytes, sink.stderr_bytes), (Exit::Code(0), 10_000_000, 10_000_000));
}

#[tokio::test]
async fn what_runs_too_long_or_is_interrupted_is_killed_on_the_host() {
    let sshd = Sshd::start().await;
    let ssh = transport(options(&sshd));
    let command = Command::shell("echo before; sleep 300 & sleep 301");
    let (exit, sink) = run(&ssh, &command, Duration::from_secs(5)).await;
    let error = exit.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, Phase::Exec), "{error}");
    assert!(error.detail().contains("its process group was"), "{error}");
    assert_eq!(sink.stdout, b"before\n");
    ssh.settle().await;
    all_gone(&sshd).await;

    let interrupt = Interrupt::new();
    let context = ExecContext::until(Deadline::after(LIMIT)).with_interrupt(interrupt.clone());
    let mut session = ssh.connect(&Host::new("127.0.0.1"), context.deadline).await.unwrap();
    let mut sink = Told::default();
    let begun = Arc::clone(&sink.0);
    let stop = async {
        begun.notified().await;
        interrupt.trigger();
    };
    let (exit, ()) = tokio::join!(session.exec(&command, &context, &mut sink), stop);
    assert_eq!(exit.unwrap_err().kind(), ErrorKind::Interrupted);
    ssh.settle().await;
    all_gone(&sshd).await;
}

#[tokio::test]
async fn a_command_that_is_interrupted_as_it_starts_is_killed_too() {
    let sshd = Sshd::start().await;
    let ssh = transport(options(&sshd));
    for wait in [0, 20, 40, 80] {
        let interrupt = Interrupt::new();
        let context = ExecContext::until(Deadline::after(LIMIT)).with_interrupt(interrupt.clone());
        let mut session = ssh.connect(&Host::new("127.0.0.1"), context.deadline).await.unwrap();
        let stop = async {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            interrupt.trigger();
        };
        let (command, mut sink) = (Command::shell("sleep 300"), Captured::default());
        let (exit, ()) = tokio::join!(session.exec(&command, &context, &mut sink), stop);
        let error = exit.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
        ssh.settle().await;
        // On a busy machine the host may be slower than we wait for; the error says so then.
        if !error.detail().contains("is not known") {
            all_gone(&sshd).await;
        }
    }
}

#[tokio::test]
async fn a_server_with_one_channel_takes_one_command_after_the_other() {
    let sshd = Sshd::builder().max_sessions(1).start().await;
    let ssh = transport(options(&sshd));
    let deadline = Deadline::after(LIMIT);
    let context = ExecContext::until(deadline);
    let mut session = ssh.connect(&Host::new("127.0.0.1"), deadline).await.unwrap();
    for _ in 0..3 {
        let exit = session.exec(&Command::shell("true"), &context, &mut Captured::default()).await;
        assert_eq!(exit.unwrap(), Exit::Code(0));
    }
    // Killing needs a second channel, and gets it on a connection of its own.
    let context = ExecContext::until(Deadline::after(Duration::from_secs(2)));
    let late = session.exec(&Command::shell("sleep 300"), &context, &mut Captured::default()).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Timeout, "{late}");
    let ended = session.exec(&Command::shell("true"), &context, &mut Captured::default()).await.unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::Broken, "{ended}");
    ssh.settle().await;
    all_gone(&sshd).await;
    let none = Sshd::builder().option("MaxSessions", "0").start().await;
    let (exit, _) = run(&transport(options(&none)), &Command::shell("true"), LIMIT).await;
    let error = exit.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::ExecRefused, Phase::Exec), "{error}");
}

#[tokio::test]
async fn logins_that_are_refused_say_why() {
    let mut sshd = Sshd::start().await;
    let host = Host::new("127.0.0.1");
    let stranger = sshd.stranger_key(&KeySpec::ed25519());
    let good = options(&sshd);
    let is = |error: Error, kind, phase| assert_eq!((error.kind(), error.phase()), (kind, phase), "{error}");
    is(refused(plain(&sshd).with_key(stranger.path()), &host).await, ErrorKind::AuthRefused, Phase::Auth);
    is(refused(plain(&sshd).with_key("/no/such/key"), &host).await, ErrorKind::NoCredentials, Phase::Auth);
    let other = Host::new("127.0.0.1").with_user("no-such-user");
    is(refused(good.clone(), &other).await, ErrorKind::AuthRefused, Phase::Auth);

    let empty = sshd.dir().join("empty_known_hosts");
    let unknown = good.clone().with_known_hosts([&empty]);
    is(refused(unknown.clone(), &host).await, ErrorKind::HostKeyUnknown, Phase::HostKey);
    let accept = unknown.with_host_keys(HostKeyPolicy::AcceptNew);
    assert!(transport(accept.clone()).connect(&host, Deadline::after(LIMIT)).await.is_ok());
    assert!(fs::read_to_string(&empty).unwrap().contains("127.0.0.1"));
    let revoked = sshd.dir().join("revoked_known_hosts");
    fs::write(&revoked, sshd.known_hosts_line("127.0.0.1").replace("[127", "@revoked [127")).unwrap();
    is(refused(good.clone().with_known_hosts([revoked]), &host).await, ErrorKind::HostKeyRevoked, Phase::HostKey);
    sshd.change_host_keys().await;
    is(refused(accept, &host).await, ErrorKind::HostKeyChanged, Phase::HostKey);
    let off = good.clone().with_host_keys(HostKeyPolicy::Off);
    assert!(transport(off).connect(&host, Deadline::after(LIMIT)).await.is_ok());

    sshd.stop();
    is(refused(good.clone(), &host).await, ErrorKind::Unreachable, Phase::Connect);
    is(refused(good.clone(), &Host::new("no-such-host.invalid")).await, ErrorKind::Resolve, Phase::Resolve);
    is(refused(good.with_program("/no/such/ssh"), &host).await, ErrorKind::Usage, Phase::Connect);
}

#[tokio::test]
async fn jump_hosts_and_proxy_commands() {
    let (gate, inner) = (Sshd::start().await, Sshd::start().await);
    let key = gate.client_key(&KeySpec::ed25519());
    inner.authorize(&key);
    let known = gate.dir().join("both");
    fs::write(&known, gate.known_hosts_line("127.0.0.1") + &inner.known_hosts_line("127.0.0.1")).unwrap();
    let config = gate.dir().join("config");
    let common = format!(
        "Host *\n KexAlgorithms curve25519-sha256\n User {}\n IdentityFile {}\n IdentityAgent none\n UserKnownHostsFile {}\n StrictHostKeyChecking yes\n",
        gate.user(),
        key.path().display(),
        known.display()
    );
    let text = format!(
        "Host gate\n HostName 127.0.0.1\n Port {}\nHost inner nojump\n HostName 127.0.0.1\n Port {}\n\
         Host inner\n ProxyJump gate\nHost piped\n Port {}\n HostName 127.0.0.1\n ProxyCommand ssh -F {} -W %h:%p gate\n{common}",
        gate.port(),
        inner.port(),
        inner.port(),
        config.display()
    );
    fs::write(&config, text).unwrap();
    let ssh = transport(OpenSshOptions::new().with_config_file(&config));
    let mut through = 0;
    for (host, jumps) in [
        (Host::new("inner"), true),
        (Host::new("nojump"), false),
        (Host::new("nojump").with_var("jump", "gate"), true),
        (Host::new("inner").with_var("jump", "none"), false),
        (Host::new("piped"), true),
    ] {
        let deadline = Deadline::after(LIMIT);
        let mut session = ssh.connect(&host, deadline).await.unwrap();
        let exit =
            session.exec(&Command::shell("exit 9"), &ExecContext::until(deadline), &mut Captured::default()).await;
        assert_eq!(exit.unwrap(), Exit::Code(9), "{host}");
        session.close().await;
        through += usize::from(jumps);
        assert_eq!(gate.connections(), through, "{host:?}");
    }
    assert_eq!(ssh.gateway(&Host::new("x").with_var("jump", "me@gate:22,b")), Some("gate".to_owned()));
    none_left(|| processes_with(config.to_str().unwrap())).await;
    drop(inner);
    let error = ssh.connect(&Host::new("inner"), Deadline::after(LIMIT)).await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Unreachable, Phase::Connect), "{error}");
    none_left(|| processes_with(config.to_str().unwrap())).await;
}

#[tokio::test]
async fn a_connection_that_breaks_is_no_status() {
    let mut sshd = Sshd::start().await;
    let ssh = transport(options(&sshd));
    let deadline = Deadline::after(LIMIT);
    let context = ExecContext::until(deadline);
    let mut session = ssh.connect(&Host::new("127.0.0.1"), deadline).await.unwrap();
    let command = Command::shell("echo begun; sleep 60").with_env("TOKEN", "hush");
    let mut sink = Told::default();
    let begun = Arc::clone(&sink.0);
    let stop = async {
        begun.notified().await;
        sshd.stop();
    };
    let (exit, ()) = tokio::join!(session.exec(&command, &context, &mut sink), stop);
    let error = exit.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Broken, "{error}");
    assert!(!error.to_string().contains("hush"), "{error}");
    let again = session.exec(&Command::shell("true"), &context, &mut sink).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Broken, "{again}");
}

#[tokio::test]
async fn forced_commands_and_talking_shells() {
    let forced = Sshd::builder().force_command("echo forced; exit 5").start().await;
    let (exit, sink) = run(&transport(options(&forced)), &Command::shell("echo mine"), LIMIT).await;
    assert_eq!((exit.unwrap(), sink.stdout.as_slice()), (Exit::Code(5), &b"forced\n"[..]));
    let noisy = Sshd::builder().noisy_shell().banner("Authorized use only\n").start().await;
    let ssh = transport(options(&noisy));
    let (exit, sink) = run(&ssh, &Command::shell("echo mine"), LIMIT).await;
    assert_eq!((exit.unwrap(), sink.stdout.as_slice()), (Exit::Code(0), &b"mine\n"[..]));
    let session = ssh.connect(&Host::new("127.0.0.1"), Deadline::after(LIMIT)).await.unwrap();
    assert_eq!(session.peer().banner.as_deref().map(str::trim), Some("Authorized use only"));
}

/// Whoever hangs is left at its deadline, in the phase where it hung, and its processes go.
#[tokio::test]
async fn servers_that_hang_in_any_phase() {
    let dir = tempfile::tempdir().unwrap();
    for (fault, phase) in [
        (Fault::At(Stage::Connected, Action::Stall), Phase::Handshake),
        (Fault::At(Stage::Kex, Action::Stall), Phase::Handshake),
        (Fault::At(Stage::Auth, Action::Stall), Phase::Auth),
    ] {
        let server = FaultServer::start(fault.clone()).await;
        let ssh = transport(faulty(&server, dir.path()));
        let started = tokio::time::Instant::now();
        let error = ssh.connect(&Host::new("127.0.0.1"), Deadline::after(Duration::from_secs(2))).await.unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, phase), "{fault:?}: {error}");
        assert!(started.elapsed() < Duration::from_secs(4), "{fault:?} took {:?}", started.elapsed());
        drop(ssh);
        none_left(|| processes_with(dir.path().to_str().unwrap())).await;
    }
}

#[tokio::test]
async fn servers_that_close_or_refuse() {
    let dir = tempfile::tempdir().unwrap();
    for (fault, kind, phase) in [
        (Fault::At(Stage::Connected, Action::Close), ErrorKind::Broken, Phase::Handshake),
        (Fault::At(Stage::Kex, Action::Reset), ErrorKind::Broken, Phase::Handshake),
        (Fault::RefuseAuth, ErrorKind::AuthRefused, Phase::Auth),
        (Fault::Version("HTTP/1.1 400 Bad Request".to_owned()), ErrorKind::Protocol, Phase::Handshake),
        (Fault::RefuseChannel, ErrorKind::ExecRefused, Phase::Exec),
    ] {
        let server = FaultServer::start(fault.clone()).await;
        let (exit, _) = run(&transport(faulty(&server, dir.path())), &Command::shell("true"), LIMIT).await;
        let error = exit.unwrap_err();
        assert_eq!((error.kind(), error.phase()), (kind, phase), "{fault:?}: {error}");
    }
    let server = FaultServer::start(Fault::NoExitStatus).await;
    let (exit, _) = run(&transport(faulty(&server, dir.path())), &Command::shell("true"), LIMIT).await;
    assert_eq!(exit.unwrap(), Exit::Lost);
}

fn faulty(server: &FaultServer, dir: &Path) -> OpenSshOptions {
    let key = dir.join("key");
    if !key.exists() {
        let made =
            std::process::Command::new("ssh-keygen").args(["-q", "-N", "", "-t", "ed25519", "-f"]).arg(&key).status();
        assert!(made.unwrap().success());
    }
    let known = dir.join(format!("known_{}", server.port()));
    fs::write(&known, server.known_hosts_line("127.0.0.1")).unwrap();
    OpenSshOptions::new()
        .with_config_file(config(dir))
        .with_user("anyone")
        .with_port(server.port())
        .with_key(key)
        .with_agent("/nonexistent")
        .with_known_hosts([known])
        .with_host_keys(HostKeyPolicy::Strict)
        .with_socket_folder(dir)
}

/// A line that goes dead while a command runs: the deadline ends it, though nobody can be told to stop.
#[tokio::test]
async fn a_dead_line_costs_the_deadline_and_the_kill() {
    let sshd = Sshd::start().await;
    let proxy = Proxy::start(sshd.addr(), Mishap::StallAfter(20_000)).await;
    let known = sshd.dir().join("known_proxy");
    let line = sshd.known_hosts_line("127.0.0.1").replace(&sshd.port().to_string(), &proxy.addr().port().to_string());
    fs::write(&known, line).unwrap();
    let ssh = transport(options(&sshd).with_port(proxy.addr().port()).with_known_hosts([known]));
    let started = tokio::time::Instant::now();
    let (exit, sink) = run(&ssh, &Command::shell("yes"), Duration::from_secs(6)).await;
    let error = exit.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, Phase::Exec), "{error}");
    assert!(sink.stdout_bytes < 100_000 && started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
}
