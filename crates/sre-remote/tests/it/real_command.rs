//! What a command says and how it ends, on a real server.

use std::time::Duration;

use bytes::Bytes;
use sre_core::{Classify as _, Delivery, ErrorClass};
use sre_remote::{Command, ErrorKind, Exit, Interrupt, Phase, Stdin};
use sre_testkit::sshd::Sshd;

use crate::ssh_client::{PATIENCE, eventually, local, run, run_until, sh, transport_for};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_a_signal_and_a_lost_connection_are_three_things() {
    let mut sshd = Sshd::start().await;
    let (transport, host) = (transport_for(&sshd), local(sshd.port()));
    for code in [0, 1, 3, 126, 127, 255] {
        assert_eq!(sh(&transport, &host, &format!("exit {code}")).await.exit(), &Exit::Code(code));
    }
    for (signal, name) in [("KILL", "KILL"), ("TERM", "TERM"), ("SEGV", "SEGV")] {
        let outcome = sh(&transport, &host, &format!("kill -{signal} $$")).await;
        assert_eq!(outcome.exit(), &Exit::Signal(name.to_owned()), "{:?}", outcome.output);
    }
    let (command, interrupt) = (Command::shell("echo started; sleep 60"), Interrupt::new());
    let running = run_until(&transport, &host, &command, PATIENCE, &interrupt);
    let stopping = async {
        eventually("it runs", PATIENCE, || !sshd.remote_processes().is_empty()).await;
        sshd.stop();
    };
    let (outcome, ()) = tokio::join!(running, stopping);
    outcome.assert_failed(ErrorKind::Broken, Phase::Exec);
    assert_eq!((outcome.error().class(), outcome.error().delivery()), (ErrorClass::Connection, Delivery::MaybeSent));
    let outcome = sh(&transport, &host, "true").await;
    outcome.assert_failed(ErrorKind::Unreachable, Phase::Connect);
}

#[tokio::test]
async fn both_outputs_come_whole_and_in_order() {
    let sshd = Sshd::start().await;
    let (transport, host) = (transport_for(&sshd), local(sshd.port()));
    let outcome = sh(&transport, &host, "seq 300000 >&2; seq 200000; printf 'no newline at the end'").await;
    let seq = |last: u32| (1..=last).map(|n| format!("{n}\n")).collect::<String>();
    outcome.assert_said(&(seq(200_000) + "no newline at the end"));
    assert_eq!(outcome.stderr(), seq(300_000));
    let outcome = sh(&transport, &host, "printf 'a\\000\\377b'").await;
    assert_eq!((outcome.exit(), outcome.output.stdout.as_slice()), (&Exit::Code(0), &b"a\0\xffb"[..]));
}

#[tokio::test]
async fn sixty_four_megabytes_of_errors_before_the_output_block_nothing() {
    let sshd = Sshd::start().await;
    let (transport, host) = (transport_for(&sshd), local(sshd.port()));
    sh(&transport, &host, "true").await.assert_said("");
    let before = crate::leaks::resident();
    let outcome = sh(&transport, &host, "head -c 64M /dev/zero >&2; head -c 64M /dev/zero; exit 9").await;
    let bytes = 64 << 20;
    assert_eq!((outcome.output.stderr_bytes, outcome.output.stdout_bytes), (bytes, bytes));
    assert_eq!(outcome.exit(), &Exit::Code(9));
    // Two caps of 4 MiB are kept, of 128 MiB in all.
    let more = crate::leaks::resident().saturating_sub(before);
    assert!(more < 32 << 20, "{} KiB more memory", more >> 10);
}

#[tokio::test]
async fn standard_input_arrives_while_output_comes_back() {
    let sshd = Sshd::start().await;
    let (transport, host) = (transport_for(&sshd), local(sshd.port()));
    let text: String = (0..400_000).map(|n| format!("{n}\n")).collect();
    let command = Command::shell("cat").with_stdin(Stdin::Bytes(Bytes::from(text.clone())));
    run(&transport, &host, &command, PATIENCE).await.assert_said(&text);
    let file = sshd.dir().join("input");
    std::fs::write(&file, &text).unwrap();
    let command = Command::shell("wc -c").with_stdin(Stdin::File(file));
    run(&transport, &host, &command, PATIENCE).await.assert_said(&format!("{}\n", text.len()));
    // A command that does not read it all is no error; without any, it sees the end at once.
    let command = Command::shell("head -n 1").with_stdin(Stdin::Bytes(Bytes::from(text)));
    run(&transport, &host, &command, PATIENCE).await.assert_said("0\n");
    sh(&transport, &host, "cat; echo end").await.assert_said("end\n");
}

#[tokio::test]
async fn arguments_environment_folder_and_scripts_arrive_as_they_are() {
    let sshd = Sshd::start().await;
    let (transport, host) = (transport_for(&sshd), local(sshd.port()));
    let words = ["a b", "", "it's", "$HOME `id` \\", "*", "-n", "new\nline", "ü€", ";exit 3"];
    let command = Command::argv(["printf", "<%s>"].into_iter().chain(words));
    let expected: String = words.iter().map(|word| format!("<{word}>")).collect();
    run(&transport, &host, &command, PATIENCE).await.assert_said(&expected);

    let command =
        Command::shell("pwd; printf '%s\\n' \"$GREETING\"").with_cwd("/usr/lib").with_env("GREETING", "it's $HOME");
    run(&transport, &host, &command, PATIENCE).await.assert_said("/usr/lib\nit's $HOME\n");

    let body = "#!/bin/sh\nprintf '<%s>' \"$@\"\ncat\nexit 5\n";
    let command = Command::script(body, ["a b", "$x"]).with_stdin(Stdin::Bytes(Bytes::from_static(b"input")));
    let outcome = run(&transport, &host, &command, PATIENCE).await;
    assert_eq!((outcome.exit(), outcome.stdout().as_str()), (&Exit::Code(5), "<a b><$x>input"), "{:?}", outcome.output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_deadline_nothing_of_the_command_is_left() {
    let limit = Duration::from_millis(1500);
    for sshd in [Sshd::start().await, Sshd::builder().max_sessions(1).start().await] {
        let (transport, host) = (transport_for(&sshd), local(sshd.port()));
        let command = Command::shell("sleep 611 & (trap '' HUP; sleep 612) & sleep 613");
        let outcome = run(&transport, &host, &command, limit).await;
        assert_eq!(outcome.error().kind(), ErrorKind::Timeout, "{}", outcome.error());
        assert_eq!(outcome.error().delivery(), Delivery::MaybeSent);
        outcome.assert_took_about(limit);
        eventually("the sleepers are gone", PATIENCE, || sshd.remote_processes().is_empty()).await;
        eventually("the connection is closed", PATIENCE, || sshd.open_connections() == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_ends_the_command_on_the_host() {
    let sshd = Sshd::start().await;
    let (transport, host) = (transport_for(&sshd), local(sshd.port()));
    let (command, interrupt) = (Command::shell("echo started; sleep 611; echo never"), Interrupt::new());
    let running = run_until(&transport, &host, &command, PATIENCE, &interrupt);
    let interrupting = async {
        eventually("it runs", PATIENCE, || sshd.remote_processes().len() >= 3).await;
        interrupt.trigger();
    };
    let (outcome, ()) = tokio::join!(running, interrupting);
    assert_eq!(outcome.error().kind(), ErrorKind::Interrupted, "{}", outcome.error());
    assert!("started\n".starts_with(&outcome.stdout()));
    eventually("the sleeper is gone", PATIENCE, || sshd.remote_processes().is_empty()).await;
}

#[tokio::test]
async fn what_a_command_leaves_in_the_background_does_not_hold_the_result() {
    let sshd = Sshd::start().await;
    let (transport, host) = (transport_for(&sshd), local(sshd.port()));
    let outcome = sh(&transport, &host, "setsid sleep 611 >/dev/null 2>&1 </dev/null & echo done").await;
    outcome.assert_said("done\n");
    assert!(outcome.took < Duration::from_secs(10));
}

#[tokio::test]
async fn the_peer_and_the_time_of_each_phase_are_known() {
    let sshd = Sshd::start().await;
    let outcome = sh(&transport_for(&sshd), &local(sshd.port()), "true").await;
    let peer = outcome.peer.unwrap();
    assert_eq!((peer.address, peer.user), (Some(sshd.addr()), Some(sshd.user())));
    for phase in [Phase::Connect, Phase::Handshake, Phase::Auth] {
        assert!(peer.timings.get(phase).is_some_and(|spent| spent > Duration::ZERO), "{phase}: {:?}", peer.timings);
    }
    assert!(peer.timings.total() <= outcome.took);
}
