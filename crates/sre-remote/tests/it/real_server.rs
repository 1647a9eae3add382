//! Servers with peculiarities that fleets have.

use std::net::TcpStream;
use std::time::Duration;

use sre_core::{Classify as _, Delivery, ErrorClass, RetryHint};
use sre_remote::{Captured, Command, Deadline, ErrorKind, ExecContext, Exit, Phase};
use sre_testkit::sshd::Sshd;

use crate::ssh_client::{PATIENCE, eventually, local, run, sh, transport_for};

#[tokio::test]
async fn without_sftp_commands_run_and_file_transfer_is_not_supported() {
    let sshd = Sshd::builder().no_sftp().start().await;
    let transport = transport_for(&sshd);
    let host = local(sshd.port());
    sh(&transport, &host, "echo hello").await.assert_said("hello\n");
    let deadline = Deadline::after(PATIENCE);
    let mut session = transport.connect(&host, deadline).await.unwrap();
    let (from, to) = (sshd.dir().join("authorized_keys"), sshd.dir().join("copy"));
    let context = ExecContext::until(deadline);
    let error = session.write_file(&from, to.to_str().unwrap(), 0o600, &context).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    // The session is still good.
    let exit = session.exec(&Command::shell("exit 3"), &context, &mut Captured::with_cap(100)).await.unwrap();
    assert_eq!(exit, Exit::Code(3));
    session.close().await;
}

#[tokio::test]
async fn a_full_server_turns_us_away_before_its_banner_and_a_retry_may_help() {
    let sshd = Sshd::builder().option("MaxStartups", "1:100:1").start().await;
    let (transport, host) = (transport_for(&sshd), local(sshd.port()));
    // Somebody who never logs in takes the only place.
    let other = TcpStream::connect(sshd.addr()).unwrap();
    eventually("the place is taken", PATIENCE, || sshd.open_connections() == 1).await;
    let outcome = sh(&transport, &host, "true").await;
    outcome.assert_failed(ErrorKind::Broken, Phase::Handshake);
    let error = outcome.error();
    assert_eq!(
        (error.class(), error.delivery(), error.retry_hint()),
        (ErrorClass::Connection, Delivery::NotSent, RetryHint::Backoff),
        "{error}"
    );
    drop(other);
    eventually("the place is free", PATIENCE, || sshd.open_connections() == 0).await;
    sh(&transport, &host, "echo hello").await.assert_said("hello\n");
}

#[tokio::test]
async fn a_server_with_unknown_algorithms_only_is_told_from_a_dead_one() {
    let sshd = Sshd::builder().option("KexAlgorithms", "sntrup761x25519-sha512@openssh.com").start().await;
    let outcome = sh(&transport_for(&sshd), &local(sshd.port()), "true").await;
    assert_eq!(outcome.error().phase(), Phase::Handshake);
    assert!(outcome.error().to_string().contains("algorithm"), "{}", outcome.error());
}

#[tokio::test]
async fn one_session_at_a_time_is_enough() {
    let sshd = Sshd::builder().max_sessions(1).start().await;
    let transport = transport_for(&sshd);
    let mut session = transport.connect(&local(sshd.port()), Deadline::after(PATIENCE)).await.unwrap();
    let context = ExecContext::until(Deadline::after(PATIENCE));
    for code in 0..4 {
        let mut output = Captured::with_cap(1000);
        let command = Command::shell(format!("echo run {code}; exit {code}"));
        assert_eq!(session.exec(&command, &context, &mut output).await.unwrap(), Exit::Code(code));
        assert_eq!(output.stdout, format!("run {code}\n").into_bytes());
    }
    session.close().await;
    assert_eq!(sshd.connections(), 1);
}

#[tokio::test]
async fn what_a_server_shows_before_the_login_is_no_output() {
    let sshd = Sshd::builder().banner("Authorized use only\n").start().await;
    let outcome = sh(&transport_for(&sshd), &local(sshd.port()), "echo hello").await;
    outcome.assert_said("hello\n");
    assert_eq!(outcome.stderr(), "");
    // libssh2 drops a banner that comes with the answer to a key.
    let banner = outcome.peer.unwrap().banner;
    assert!(banner.is_none_or(|text| text.trim() == "Authorized use only"));
}

#[tokio::test]
async fn a_message_of_the_day_is_no_output_even_on_a_terminal() {
    let sshd = Sshd::builder().motd("Maintenance on Sunday").start().await;
    let (transport, host) = (transport_for(&sshd), local(sshd.port()));
    sh(&transport, &host, "echo hello").await.assert_said("hello\n");
    assert!(nix::unistd::Uid::effective().is_root(), "OpenSSH gives terminals as root only: run this test as root");
    let outcome = run(&transport, &host, &Command::shell("echo hello").with_pty(true), PATIENCE).await;
    outcome.assert_said("hello\r\n");
}

#[tokio::test]
async fn a_slow_login_is_waited_for_until_the_deadline() {
    let sshd = Sshd::builder().login_delay(Duration::from_millis(1200)).start().await;
    let (transport, host) = (transport_for(&sshd), local(sshd.port()));
    sh(&transport, &host, "echo hello").await.assert_said("hello\n");
    let limit = Duration::from_millis(800);
    let outcome = run(&transport, &host, &Command::shell("echo hello"), limit).await;
    assert_eq!(outcome.error().kind(), ErrorKind::Timeout, "{}", outcome.error());
    outcome.assert_took_about(limit);
}

#[tokio::test]
async fn a_forced_command_answers_in_place_of_ours() {
    let sshd = Sshd::builder().force_command("echo forced; exit 4").start().await;
    let outcome = sh(&transport_for(&sshd), &local(sshd.port()), "echo ours").await;
    assert_eq!((outcome.exit(), outcome.stdout().as_str()), (&Exit::Code(4), "forced\n"));
}

#[tokio::test]
async fn a_shell_that_prints_on_login_spoils_neither_output_nor_status() {
    let sshd = Sshd::builder().noisy_shell().start().await;
    let (transport, host) = (transport_for(&sshd), local(sshd.port()));
    let outcome = sh(&transport, &host, "echo hello; exit 6").await;
    assert_eq!((outcome.exit(), outcome.stdout().as_str()), (&Exit::Code(6), "hello\n"));
    sh(&transport, &host, "true").await.assert_said("");
}
