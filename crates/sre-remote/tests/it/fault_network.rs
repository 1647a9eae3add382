//! A network that cuts, stalls or drips anywhere between us and a good server, and the other hosts meanwhile.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use sre_remote::ssh::{KeyFile, SshOptions};
use sre_remote::{Command, ErrorKind, Exit, Host, Phase};
use sre_testkit::scripted::Blackhole;
use sre_testkit::ssh_faults::{Action, Fault, FaultServer, Mishap, Proxy, Stage};
use sre_testkit::sshd::{KeySpec, Sshd};
use tokio::task::JoinSet;

use crate::leaks::{Held, runtime};
use crate::ssh_client::{AnyKey, GRACE, Outcome, PATIENCE, local, options, run, transport};

/// Options for a server whose addresses have other ports because proxies are in between.
fn through(sshd: &Sshd, key: &PathBuf, ports: &[SocketAddr]) -> SshOptions {
    let known_hosts = sshd.dir().join(format!("known_through_{}", ports[0].port()));
    let line = |addr: &SocketAddr| sshd.host_keys()[0].known_hosts_line("127.0.0.1", addr.port()) + "\n";
    std::fs::write(&known_hosts, ports.iter().map(line).collect::<String>()).unwrap();
    options(&known_hosts).with_key(KeyFile::new(key))
}

async fn meet(sshd: &Sshd, key: &PathBuf, mishap: Mishap, limit: Duration) -> Outcome {
    let proxy = Proxy::start(sshd.addr(), mishap).await;
    let transport = transport(through(sshd, key, &[proxy.addr()]));
    let command = Command::shell("head -c 3000 /dev/zero; echo; exit 5");
    let outcome = run(&transport, &local(proxy.addr().port()), &command, limit).await;
    transport.settle().await;
    proxy.wait_until_idle(Duration::from_secs(3)).await;
    outcome
}

#[test]
fn cut_after_any_byte_it_is_never_a_success() {
    runtime().block_on(async {
        let sshd = Sshd::start().await;
        let key = sshd.client_key(&KeySpec::ed25519()).path().to_owned();
        let whole = meet(&sshd, &key, Mishap::None, PATIENCE).await;
        assert_eq!((whole.exit(), whole.output.stdout_bytes), (&Exit::Code(5), 3001));
        let held = Held::now();
        // The whole conversation is some 6 KB long; the steps are odd so that they fall on every part of a packet.
        let cuts = (0..5200).step_by(173).flat_map(|n| [Mishap::CutAfter(n), Mishap::ResetAfter(n + 57)]);
        let (sshd, key) = (&sshd, &key);
        let met = stream::iter(cuts).map(|mishap| async move { (mishap, meet(sshd, key, mishap, PATIENCE).await) });
        let met = met.buffer_unordered(4).collect::<Vec<_>>().await;
        let mut broken = 0;
        for (mishap, outcome) in &met {
            assert!(outcome.took < Duration::from_secs(8), "{mishap:?}: {:?}", outcome.took);
            match &outcome.exit {
                // Cut when all had been said.
                Ok(exit) => assert_eq!((exit, outcome.output.stdout_bytes), (&Exit::Code(5), 3001), "{mishap:?}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Broken, "{mishap:?}: {error}");
                    broken += 1;
                }
            }
        }
        assert!(broken > met.len() / 2, "{broken} of {} were broken", met.len());
        held.assert_back().await;
    });
}

#[test]
fn stalled_or_dripping_after_any_byte_it_ends_at_the_deadline() {
    runtime().block_on(async {
        let sshd = Sshd::start().await;
        let key = sshd.client_key(&KeySpec::ed25519()).path().to_owned();
        meet(&sshd, &key, Mishap::None, PATIENCE).await;
        let (held, limit) = (Held::now(), Duration::from_millis(1500));
        let second = Duration::from_secs(1);
        let mishaps = [0, 30, 900, 1500, 2100, 2600]
            .into_iter()
            .flat_map(|n| [Mishap::StallAfter(n), Mishap::DripAfter(n, second)]);
        let (sshd, key) = (&sshd, &key);
        let met = stream::iter(mishaps).map(|mishap| async move { (mishap, meet(sshd, key, mishap, limit).await) });
        for (mishap, outcome) in met.buffer_unordered(4).collect::<Vec<_>>().await {
            assert_eq!(outcome.error().kind(), ErrorKind::Timeout, "{mishap:?}: {}", outcome.error());
            outcome.assert_took_about(limit);
        }
        held.assert_back().await;
    });
}

#[tokio::test]
async fn hosts_that_hang_do_not_hold_the_others() {
    let sshd = Sshd::builder().any_loopback_address().start().await;
    let addresses = (1..=16).map(|n| format!("127.0.3.{n}")).collect::<Vec<_>>();
    let bad = [
        Fault::At(Stage::Connected, Action::Stall),
        Fault::At(Stage::Kex, Action::Drip(Duration::from_secs(1))),
        Fault::At(Stage::Auth, Action::Stall),
        Fault::At(Stage::Exec, Action::Stall),
        Fault::At(Stage::Output, Action::Stall),
    ];
    let servers = futures_util::future::join_all(bad.map(FaultServer::start)).await;
    let any = AnyKey::new();
    let known_hosts = any.known_hosts(&servers.iter().collect::<Vec<_>>());
    sshd.authorize(&any.pair);
    let names = addresses.iter().map(String::as_str).collect::<Vec<_>>();
    let both = [known_hosts, sshd.known_hosts_file(&names)];
    let options = options(&both[0]).with_known_hosts(both.clone()).with_key(KeyFile::new(any.pair.path()));
    let (transport, limit) = (transport(options), Duration::from_secs(6));

    let mut running = JoinSet::new();
    let hosts = servers.iter().map(|server| (false, local(server.port())));
    let good = addresses.iter().map(|address| (true, Host::new(address.as_str()).with_port(sshd.port())));
    for (is_good, host) in hosts.chain(good) {
        let transport = std::sync::Arc::clone(&transport);
        let command = Command::shell(if is_good { "echo hello" } else { "echo hello; sleep 60" });
        running.spawn(async move { (is_good, run(&transport, &host, &command, limit).await) });
    }
    for (is_good, outcome) in running.join_all().await {
        if is_good {
            outcome.assert_said("hello\n");
            assert!(outcome.took < limit - Duration::from_secs(1), "{:?}", outcome.took);
        } else {
            assert_eq!(outcome.error().kind(), ErrorKind::Timeout);
            assert!(outcome.took <= limit + GRACE, "{:?}", outcome.took);
        }
    }
    transport.settle().await;
    for server in &servers {
        server.wait_until_idle(Duration::from_secs(3)).await;
    }
}

#[tokio::test]
async fn a_host_that_drops_packets_costs_the_connect_limit() {
    let hole = Blackhole::start().await;
    let (any, limit) = (AnyKey::new(), Duration::from_secs(1));
    let limits = sre_remote::ssh::PhaseLimits::default().with_connect(limit);
    let options = options(&any.known_hosts(&[])).with_key(KeyFile::new(any.pair.path())).with_limits(limits);
    let outcome = run(&transport(options), &local(hole.addr().port()), &Command::shell("true"), PATIENCE).await;
    outcome.assert_failed(ErrorKind::Timeout, Phase::Connect);
    outcome.assert_took_about(limit);
}
