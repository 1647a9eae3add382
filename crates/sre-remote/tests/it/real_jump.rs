//! Through other hosts: two in a row, dead ones, and deadlines that hold behind them.

use std::time::Duration;

use sre_remote::ssh::{KeyFile, PhaseLimits, SshOptions};
use sre_remote::{Command, ErrorKind, Phase};
use sre_testkit::ssh_faults::{Action, Fault, FaultServer, Stage};
use sre_testkit::sshd::{KeySpec, Sshd};

use crate::ssh_client::{PATIENCE, local, options, run, sh, transport};

/// Options for all these servers on 127.0.0.1, with one key for all.
fn options_for_all(servers: &[&Sshd], more: &str) -> SshOptions {
    let key = servers[0].client_key(&KeySpec::ed25519());
    for server in &servers[1..] {
        server.authorize(&key);
    }
    let known_hosts = servers[0].dir().join("known_by_all");
    let lines: String = servers.iter().map(|server| server.known_hosts_line("127.0.0.1")).collect();
    std::fs::write(&known_hosts, lines + more).unwrap();
    options(&known_hosts).with_key(KeyFile::new(key.path()))
}

#[tokio::test]
async fn two_jumps_in_a_row_lead_to_the_host() {
    let (first, second, last) = tokio::join!(Sshd::start(), Sshd::start(), Sshd::start());
    let options = options_for_all(&[&first, &second, &last], "");
    let jumps = format!("127.0.0.1:{},{}@127.0.0.1:{}", first.port(), second.user(), second.port());
    let transport = transport(options.with_jump(jumps));
    let host = local(last.port());
    sh(&transport, &host, "echo $HOME").await.assert_said(&format!("{}\n", last.home().display()));
    assert_eq!([first.connections(), second.connections(), last.connections()], [1, 1, 1]);
    // Much more than the windows of the channels in between.
    let outcome = sh(&transport, &host, "head -c 9000000 /dev/zero | tr '\\0' x; echo end >&2").await;
    assert_eq!((outcome.output.stdout_bytes, outcome.stderr().as_str()), (9_000_000, "end\n"));
    for server in [&first, &second, &last] {
        crate::ssh_client::eventually("idle", Duration::from_secs(5), || server.open_connections() == 0).await;
    }
}

#[tokio::test]
async fn none_goes_directly() {
    let last = Sshd::start().await;
    let transport = transport(options_for_all(&[&last], "").with_jump("none"));
    sh(&transport, &local(last.port()), "echo hello").await.assert_said("hello\n");
}

#[tokio::test]
async fn a_dead_jump_or_host_behind_it_is_no_connection() {
    let (jump, last) = tokio::join!(Sshd::start(), Sshd::start());
    let options = options_for_all(&[&jump, &last], "");
    let nobody = sre_testkit::process::free_port();
    let through_nobody = transport(options.clone().with_jump(format!("127.0.0.1:{nobody}")));
    let outcome = sh(&through_nobody, &local(last.port()), "true").await;
    outcome.assert_failed(ErrorKind::Unreachable, Phase::Connect);
    assert!(outcome.error().to_string().contains(&nobody.to_string()), "the jump host is named: {}", outcome.error());

    let to_nobody = transport(options.with_jump(format!("127.0.0.1:{}", jump.port())));
    sh(&to_nobody, &local(nobody), "true").await.assert_failed(ErrorKind::Unreachable, Phase::Connect);
}

#[tokio::test]
async fn a_jump_that_forwards_nothing_is_no_connection() {
    let (jump, last) = tokio::join!(Sshd::builder().option("AllowTcpForwarding", "no").start(), Sshd::start());
    let options = options_for_all(&[&jump, &last], "").with_jump(format!("127.0.0.1:{}", jump.port()));
    let outcome = sh(&transport(options), &local(last.port()), "true").await;
    assert_eq!(outcome.error().phase(), Phase::Connect, "{}", outcome.error());
}

#[tokio::test]
async fn deadlines_hold_at_the_jump_and_behind_it() {
    let jump = Sshd::start().await;
    let limit = Duration::from_secs(1);
    let limits = PhaseLimits::default().with_handshake(limit).with_auth(limit);
    for (stage, phase) in [(Stage::Connected, Phase::Handshake), (Stage::Auth, Phase::Auth)] {
        let silent = FaultServer::start(Fault::At(stage, Action::Stall)).await;
        let known = silent.known_hosts_line("127.0.0.1");
        let behind = options_for_all(&[&jump], &known).with_limits(limits);
        let behind = behind.with_jump(format!("127.0.0.1:{}", jump.port()));
        let outcome = run(&transport(behind), &local(silent.port()), &Command::shell("true"), PATIENCE).await;
        outcome.assert_failed(ErrorKind::Timeout, phase);
        assert!(outcome.took < limit * 3, "{:?}", outcome.took);
        silent.wait_until_idle(Duration::from_secs(3)).await;

        let at_jump = options_for_all(&[&jump], &known).with_limits(limits);
        let at_jump = at_jump.with_jump(format!("127.0.0.1:{}", silent.port()));
        let outcome = run(&transport(at_jump), &local(jump.port()), &Command::shell("true"), PATIENCE).await;
        assert_eq!(outcome.error().kind(), ErrorKind::Timeout, "{}", outcome.error());
        assert!(outcome.took < limit * 3, "{:?}", outcome.took);
        silent.wait_until_idle(Duration::from_secs(3)).await;
    }
}
