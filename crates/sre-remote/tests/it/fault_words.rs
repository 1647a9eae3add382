//! Servers that say the wrong thing, or not all of it.

use std::time::Duration;

use sre_core::{Classify as _, ErrorClass};
use sre_remote::ssh::KeyFile;
use sre_remote::{Command, ErrorKind, Exit, Phase};
use sre_testkit::ssh_faults::{Fault, FaultServer};

use crate::leaks::{Held, resident, runtime};
use crate::ssh_client::{AnyKey, Outcome, PATIENCE, local, options, run, transport};

async fn meet(fault: Fault, line: &str, limit: Duration) -> Outcome {
    let (key, server) = (AnyKey::new(), FaultServer::start(fault).await);
    let known_hosts = server.known_hosts_file(&["127.0.0.1"]);
    let transport = transport(options(&known_hosts).with_key(KeyFile::new(key.pair.path())));
    let outcome = run(&transport, &local(server.port()), &Command::shell(line), limit).await;
    transport.settle().await;
    server.wait_until_idle(Duration::from_secs(3)).await;
    outcome
}

#[tokio::test]
async fn without_a_fault_all_is_well() {
    let outcome = meet(Fault::None, "echo hello; echo oops >&2; exit 7", PATIENCE).await;
    assert_eq!(outcome.exit(), &Exit::Code(7));
    assert_eq!((outcome.stdout().as_str(), outcome.stderr().as_str()), ("hello\n", "oops\n"));
}

#[tokio::test]
async fn what_does_not_speak_ssh_2_is_no_ssh_session() {
    let outcome = meet(Fault::Version("HTTP/1.1 400 Bad Request".to_owned()), "true", Duration::from_secs(3)).await;
    outcome.assert_failed(ErrorKind::Protocol, Phase::Handshake);
    assert_eq!(outcome.error().class(), ErrorClass::Application);
    assert!(outcome.error().to_string().contains("HTTP/1.1 400"), "{}", outcome.error());
    // RFC 4253, 5.1: a server that speaks both.
    meet(Fault::Version("SSH-1.99-old_router".to_owned()), "echo hello", PATIENCE).await.assert_said("hello\n");
}

#[tokio::test]
async fn lines_before_the_version_are_allowed_and_garbage_ends_in_time() {
    let lines = "Welcome to the router\r\n".repeat(3).into_bytes();
    meet(Fault::Preamble(lines), "echo hello", PATIENCE).await.assert_said("hello\n");
    let limit = Duration::from_secs(2);
    for garbage in
        [b"x".repeat(300).repeat(5), [b"y".repeat(300), b"\n".to_vec()].concat().repeat(200), vec![0; 70_000]]
    {
        let outcome = meet(Fault::Preamble(garbage), "echo hello", limit).await;
        match &outcome.exit {
            Ok(exit) => assert_eq!(exit, &Exit::Code(0)),
            Err(error) => assert_eq!(error.phase(), Phase::Handshake, "{error}"),
        }
        assert!(outcome.took <= limit + crate::ssh_client::GRACE);
    }
}

#[tokio::test]
async fn refusals_name_their_phase() {
    meet(Fault::RefuseAuth, "true", PATIENCE).await.assert_failed(ErrorKind::AuthRefused, Phase::Auth);
    meet(Fault::RefuseChannel, "true", PATIENCE).await.assert_failed(ErrorKind::ExecRefused, Phase::Exec);
    meet(Fault::RefuseExec, "true", PATIENCE).await.assert_failed(ErrorKind::ExecRefused, Phase::Exec);
}

#[tokio::test]
async fn without_a_status_nothing_is_a_success() {
    let outcome = meet(Fault::NoExitStatus, "echo hello; exit 3", PATIENCE).await;
    assert_eq!(outcome.stdout(), "hello\n");
    assert_ne!(outcome.exit(), &Exit::Code(0));
    // Killed before it could say that it was done.
    let outcome = meet(Fault::NoExitStatus, "echo hello; kill -9 $$", PATIENCE).await;
    assert_eq!((outcome.stdout().as_str(), outcome.exit()), ("hello\n", &Exit::Lost));
}

#[tokio::test]
async fn a_status_before_the_output_loses_no_output() {
    let outcome = meet(Fault::StatusBeforeData, "seq 100000; echo last >&2; exit 2", PATIENCE).await;
    assert_eq!(outcome.exit(), &Exit::Code(2));
    assert!(outcome.stdout().ends_with("99999\n100000\n"), "{} bytes", outcome.output.stdout_bytes);
    assert_eq!((outcome.output.stdout_bytes, outcome.stderr().as_str()), (588_895, "last\n"));
}

#[tokio::test]
async fn a_signal_is_a_signal_whatever_was_printed() {
    let outcome = meet(Fault::ExitSignal("XFSZ".to_owned()), "echo hello", PATIENCE).await;
    assert_eq!((outcome.stdout().as_str(), outcome.exit()), ("hello\n", &Exit::Signal("XFSZ".to_owned())));
}

#[tokio::test]
async fn a_channel_that_is_never_closed_ends_at_the_deadline() {
    let limit = Duration::from_secs(2);
    let outcome = meet(Fault::NeverClose, "echo hello; exit 3", limit).await;
    assert_eq!(outcome.stdout(), "hello\n");
    assert!(outcome.took <= limit + crate::ssh_client::GRACE, "{:?}", outcome.took);
    if let Err(error) = &outcome.exit {
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, Phase::Exec), "{error}");
    }
}

#[test]
fn output_beyond_the_window_is_whole_or_no_success_and_costs_no_memory() {
    runtime().block_on(async {
        meet(Fault::None, "true", PATIENCE).await.assert_said("");
        let (held, before) = (Held::now(), resident());
        let outcome = meet(Fault::IgnoreWindow, "head -c 64M /dev/zero >&2; head -c 64M /dev/zero", PATIENCE).await;
        let whole = outcome.output.stdout_bytes + outcome.output.stderr_bytes == 128 << 20;
        let success = outcome.exit.as_ref().is_ok_and(Exit::is_success);
        assert!(whole || !success, "{:?} after {} bytes", outcome.exit, outcome.output.stdout_bytes);
        let more = resident().saturating_sub(before);
        assert!(more < 48 << 20, "{} KiB more memory", more >> 10);
        held.assert_back().await;
    });
}
