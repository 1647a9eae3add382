//! Many runs in one process: what it holds stays the same.

use std::sync::Arc;
use std::time::Duration;

use sre_remote::ssh::{PhaseLimits, SshOptions};
use sre_remote::{Command, Host};
use sre_testkit::sshd::Sshd;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::leaks::{Held, resident, runtime};
use crate::ssh_client::{options_for, run, transport};

const AT_ONCE: usize = 16;
/// It is about what is held, not about time: a machine that is busy otherwise fails nothing.
const PATIENCE: Duration = Duration::from_secs(120);
/// Noise of the allocator over a few thousand connections.
const MORE_MEMORY: u64 = 4 << 20;

/// One run as a tool would do it: keys and known hosts are read anew, every host gets a connection and a command.
async fn one_run(options: SshOptions, hosts: &[Host]) {
    let transport = transport(options);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for (nth, host) in hosts.iter().cloned().enumerate() {
        let (transport, places) = (transport.clone(), places.clone());
        running.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let outcome = run(&transport, &host, &Command::shell(format!("echo {nth}")), PATIENCE).await;
            outcome.assert_said(&format!("{nth}\n"));
        });
    }
    running.join_all().await;
}

/// Fails when descriptors, threads or memory grow after the first tenth of the runs.
async fn soak(runs: usize, hosts: usize) {
    let sshd = Sshd::builder().any_loopback_address().log_level("ERROR").start().await;
    let names = (0..hosts).map(|n| format!("127.0.{}.{}", 20 + n / 200, 1 + n % 200)).collect::<Vec<_>>();
    let options = options_for(&sshd, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let limits = PhaseLimits::default().with_handshake(PATIENCE).with_auth(PATIENCE).with_exec(PATIENCE);
    let options = options.with_limits(limits.with_connect(PATIENCE));
    let hosts = names.iter().map(|name| Host::new(name.as_str()).with_port(sshd.port())).collect::<Vec<_>>();
    let warm_up = runs.div_ceil(10).max(2);
    for _ in 0..warm_up {
        one_run(options.clone(), &hosts).await;
    }
    let (held, before) = (Held::now(), resident());
    for _ in warm_up..runs {
        one_run(options.clone(), &hosts).await;
    }
    held.assert_back().await;
    let more = resident().saturating_sub(before);
    assert!(more <= MORE_MEMORY, "{} KiB more memory after {} more runs", more >> 10, runs - warm_up);
}

#[test]
fn a_few_runs_hold_nothing_afterwards() {
    runtime().block_on(soak(8, 16));
}

/// `cargo xtask soak fleet-run`: an hour on two cores.
#[test]
#[ignore = "100,000 connections"]
fn two_thousand_runs_of_fifty_hosts_hold_nothing_afterwards() {
    let runs = std::env::var("SRE_SOAK_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(2000);
    runtime().block_on(soak(runs, 50));
}
