//! The fan-out over real and scripted SSH servers: throttling, hosts that hang, and nothing left behind.

use std::sync::Arc;
use std::time::Duration;

use sre_remote::fanout::{Fleet, HostResult, RunCommand, Stop};
use sre_remote::ssh::{HostKeyPolicy, KeyFile, PhaseLimits, SshOptions, SshTransport};
use sre_remote::{Command, Host, Status};
use sre_testkit::scripted::Blackhole;
use sre_testkit::ssh_faults::{Action, Fault, FaultServer, Stage};
use sre_testkit::sshd::{KeySpec, Sshd};
use tokio::time::Instant;

fn words(results: &[HostResult]) -> Vec<String> {
    results.iter().map(|result| result.status.to_string()).collect()
}

fn login(sshd: &Sshd) -> SshOptions {
    let key = sshd.client_key(&KeySpec::ed25519());
    SshOptions::new().with_user(sshd.user()).with_key(KeyFile::new(key.path())).with_host_keys(HostKeyPolicy::Off)
}

fn transport(sshd: &Sshd) -> Arc<SshTransport> {
    Arc::new(SshTransport::new(login(sshd)).unwrap())
}

fn hosts(sshd: &Sshd, count: usize) -> Vec<Host> {
    let host =
        |n: usize| Host::new(format!("h{n}")).with_address(format!("127.0.5.{}", n + 1)).with_port(sshd.addr().port());
    (0..count).map(host).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_throttles_gets_fewer_logins_at_once_and_every_host_is_done() {
    let sshd = Sshd::builder().any_loopback_address().option("MaxStartups", "2:100:2").start().await;
    let fleet = Fleet::new(transport(&sshd)).with_workers(24).with_timeout(Duration::from_secs(30));
    let results = fleet.run(RunCommand::new(Command::shell("true")), hosts(&sshd, 24)).collect().await;
    let attempts: u32 = results.iter().map(|result| result.attempts).sum();
    assert!(results.iter().all(HostResult::is_ok), "{:?} after {attempts} attempts", words(&results));
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_hang_hold_nobody() {
    let sshd = Sshd::builder().any_loopback_address().start().await;
    let mut fleet_hosts = hosts(&sshd, 8);
    let mut servers = Vec::new();
    for (i, stage) in [Stage::Connected, Stage::Auth, Stage::Started].into_iter().enumerate() {
        let server = FaultServer::start(Fault::At(stage, Action::Stall)).await;
        let host = Host::new(format!("stalls-{i}")).with_address("127.0.0.1").with_port(server.port());
        fleet_hosts.insert(i, host);
        servers.push(server);
    }
    let fleet = Fleet::new(transport(&sshd)).with_workers(4).with_timeout(Duration::from_secs(3));
    let fleet = fleet.with_grace(Duration::from_millis(500));
    let started = Instant::now();
    let results = fleet.run(RunCommand::new(Command::shell("echo fine")), fleet_hosts).collect().await;
    let took = started.elapsed();
    assert_eq!(words(&results)[..3], ["timeout (handshake)", "timeout (auth)", "timeout (exec)"], "{results:#?}");
    assert!(results[3..].iter().all(HostResult::is_ok), "{:?}", words(&results));
    // Eight hosts share the one slot that is left; on a busy machine that takes its time.
    assert!(took < Duration::from_secs(20), "{took:?}");
    for server in &servers {
        server.wait_until_idle(Duration::from_secs(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_never_answer_cost_one_timeout_whatever_their_place() {
    let sshd = Sshd::builder().any_loopback_address().start().await;
    let (silent, hole) =
        (FaultServer::start(Fault::At(Stage::Connected, Action::Stall)).await, Blackhole::start().await);
    let mut fleet_hosts = hosts(&sshd, 12);
    for (i, port) in [silent.port(), silent.port(), hole.addr().port(), silent.port()].into_iter().enumerate() {
        fleet_hosts.push(Host::new(format!("dead-{i}")).with_address("127.0.0.1").with_port(port));
    }
    let limit = Duration::from_secs(4);
    let limits = PhaseLimits::default().with_connect(limit).with_handshake(limit);
    let transport = Arc::new(SshTransport::new(login(&sshd).with_limits(limits)).unwrap());
    let fleet = Fleet::new(transport).with_workers(2).with_timeout(Duration::from_secs(30));
    let (mut running, started) = (fleet.run(RunCommand::new(Command::shell("true")), fleet_hosts), Instant::now());
    let (mut ok, mut dead, mut alive_after) = (0, 0, Duration::ZERO);
    while let Some(event) = running.next().await {
        let sre_remote::fanout::Event::Finished(result) = event else { continue };
        if result.is_ok() {
            (ok, alive_after) = (ok + 1, started.elapsed());
        } else {
            assert!(matches!(result.status, Status::Timeout { .. }), "{result:?}");
            dead += 1;
        }
    }
    assert_eq!((ok, dead), (12, 4));
    let dead_for = started.elapsed() - alive_after;
    assert!(dead_for < limit + Duration::from_millis(500), "{dead_for:?}");
    silent.wait_until_idle(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_run_closes_every_connection() {
    let sshd = Sshd::builder().any_loopback_address().start().await;
    let fleet = Fleet::new(transport(&sshd)).with_stop(Stop::new());
    let mut running = fleet.run(RunCommand::new(Command::shell("sleep 600")), hosts(&sshd, 5));
    let mut connected = 0;
    while connected < 5 {
        if let Some(sre_remote::fanout::Event::Connected { .. }) = running.next().await {
            connected += 1;
        }
    }
    drop(running);
    let started = Instant::now();
    while sshd.open_connections() > 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "{} are open", sshd.open_connections());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
