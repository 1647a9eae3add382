//! A server that closes, resets, stalls or drips at each stage of a connection: the result says where, in time.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use sre_core::{Classify as _, Delivery, ErrorClass};
use sre_remote::ssh::KeyFile;
use sre_remote::{Command, ErrorKind, Phase};
use sre_testkit::ssh_faults::{Action, Fault, FaultServer, Stage};

use crate::leaks::{Held, runtime};
use crate::ssh_client::{AnyKey, Outcome, PATIENCE, local, options, run, transport};

/// So that a machine that is busy otherwise keeps the deadlines.
const AT_ONCE: usize = 4;

fn phase_of(stage: Stage) -> Phase {
    match stage {
        // libssh2 asks for permission to log in as the last step of its handshake.
        Stage::Connected | Stage::Banner | Stage::Kex | Stage::BeforeAuth => Phase::Handshake,
        Stage::Auth => Phase::Auth,
        // The command's whole life is the phase `exec`.
        Stage::Channel | Stage::Exec | Stage::Started | Stage::Output => Phase::Exec,
    }
}

/// One command on a server with that fault; afterwards no connection is left.
async fn meet(key: &AnyKey, fault: Fault, limit: Duration) -> Outcome {
    let server = FaultServer::start(fault).await;
    let known_hosts = server.known_hosts_file(&["127.0.0.1"]);
    let transport = transport(options(&known_hosts).with_key(KeyFile::new(key.pair.path())));
    let outcome = run(&transport, &local(server.port()), &Command::shell("echo first; exec sleep 60"), limit).await;
    transport.settle().await;
    server.wait_until_idle(Duration::from_secs(3)).await;
    outcome
}

/// The same at every stage, a few at a time.
async fn at_every_stage(action: Action, limit: Duration) -> Vec<(Stage, Outcome)> {
    let key = &AnyKey::new();
    let meeting = stream::iter(Stage::ALL)
        .map(|stage| async move { (stage, meet(key, Fault::At(stage, action), limit).await) })
        .buffer_unordered(AT_ONCE);
    meeting.collect().await
}

fn check_facts(stage: Stage, outcome: &Outcome) {
    let error = outcome.error();
    let delivery = if phase_of(stage).is_before_exec() { Delivery::NotSent } else { Delivery::MaybeSent };
    assert_eq!((error.class(), error.delivery()), (ErrorClass::Connection, delivery), "{stage:?}: {error}");
    // Its first piece of output may be no more than our own mark.
    assert!(stage == Stage::Output && outcome.stdout() == "first\n" || outcome.stdout().is_empty(), "{outcome:?}");
}

#[test]
fn a_server_that_closes_or_resets_is_broken_in_that_phase() {
    runtime().block_on(async {
        let held = Held::now();
        for action in [Action::Close, Action::Reset] {
            for (stage, outcome) in at_every_stage(action, PATIENCE).await {
                let error = outcome.error();
                let expected = (ErrorKind::Broken, phase_of(stage));
                assert_eq!((error.kind(), error.phase()), expected, "{stage:?} {action:?}: {error}");
                assert!(outcome.took < Duration::from_secs(5), "{stage:?} {action:?}: {:?}", outcome.took);
                check_facts(stage, &outcome);
            }
        }
        held.assert_back().await;
    });
}

#[test]
fn a_server_that_falls_silent_is_a_timeout_in_that_phase_at_the_deadline() {
    runtime().block_on(async {
        let (held, limit) = (Held::now(), Duration::from_millis(1500));
        for (stage, outcome) in at_every_stage(Action::Stall, limit).await {
            let error = outcome.error();
            assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, phase_of(stage)), "{stage:?}: {error}");
            outcome.assert_took_about(limit);
            check_facts(stage, &outcome);
        }
        held.assert_back().await;
    });
}

#[test]
fn a_server_that_drips_is_a_timeout_at_the_deadline() {
    runtime().block_on(async {
        let (held, limit) = (Held::now(), Duration::from_millis(1500));
        for (stage, outcome) in at_every_stage(Action::Drip(Duration::from_secs(1)), limit).await {
            let error = outcome.error();
            assert_eq!(error.kind(), ErrorKind::Timeout, "{stage:?}: {error}");
            // With the answers so slow it never gets beyond the phase in which the dripping began.
            assert_eq!(error.phase(), phase_of(stage), "{stage:?}: {error}");
            outcome.assert_took_about(limit);
        }
        held.assert_back().await;
    });
}

#[tokio::test]
async fn phases_have_limits_of_their_own() {
    use sre_remote::ssh::PhaseLimits;
    let (key, limit) = (AnyKey::new(), Duration::from_secs(1));
    let limits = PhaseLimits::default().with_handshake(limit).with_auth(limit).with_exec(limit);
    for stage in [Stage::Connected, Stage::Kex, Stage::BeforeAuth, Stage::Auth, Stage::Channel, Stage::Exec] {
        let server = FaultServer::start(Fault::At(stage, Action::Stall)).await;
        let options = options(&server.known_hosts_file(&["127.0.0.1"])).with_limits(limits);
        let transport = transport(options.with_key(KeyFile::new(key.pair.path())));
        let outcome = run(&transport, &local(server.port()), &Command::shell("true"), PATIENCE).await;
        outcome.assert_failed(ErrorKind::Timeout, phase_of(stage));
        // What came before the phase took time as well.
        assert!(outcome.took < limit * 2, "{stage:?}: {:?}", outcome.took);
    }
}
