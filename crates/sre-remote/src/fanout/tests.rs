//! The engine over scripted hosts, under a paused clock.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use sre_core::retry::RetryPolicy;
use tokio::time::Instant;

use super::*;
use crate::command::Command;
use crate::error::ErrorKind;
use crate::exec::{ExecContext, OutputSink, OutputStream};
use crate::fake::{self, FakeHost, FakeTransport, Reply};
use crate::host::Host;
use crate::phase::Phase;
use crate::transport::{BoxFuture, Session};

fn hosts(n: usize) -> Vec<Host> {
    (0..n).map(|i| Host::new(format!("h{i}"))).collect()
}

fn fleet(fake: &FakeTransport) -> Fleet {
    Fleet::new(Arc::new(fake.clone())).with_timeout(seconds(30))
}

fn command() -> RunCommand {
    RunCommand::new(Command::shell("true"))
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

async fn statuses(fleet: &Fleet, n: usize) -> Vec<String> {
    fleet.run(command(), hosts(n)).collect().await.iter().map(|result| result.status.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_end_has_its_status() {
    let reply = |reply: fn() -> Reply| FakeHost::new().reply(move |_, _| reply());
    let fails = |kind, phase| FakeHost::new().fail_connect(kind, phase);
    let fake = FakeTransport::new()
        .host("h1", reply(|| Reply::exit(3)))
        .host("h2", reply(|| Reply::signal("KILL")))
        .host("h3", reply(Reply::lost))
        .host("h4", reply(|| Reply::error(ErrorKind::Broken, Phase::Read)))
        .host("h5", reply(Reply::hang))
        .host("h6", fails(ErrorKind::Unreachable, Phase::Connect))
        .host("h7", fails(ErrorKind::AuthRefused, Phase::Auth))
        .host("h8", fails(ErrorKind::HostKeyChanged, Phase::HostKey))
        .host("h9", FakeHost::new().hang_connect(Phase::Handshake))
        .host("h10", fails(ErrorKind::Resolve, Phase::Resolve))
        .host("h11", reply(|| Reply::error(ErrorKind::ExecRefused, Phase::Exec)));
    let started = Instant::now();
    assert_eq!(
        statuses(&fleet(&fake), 12).await,
        [
            "ok",
            "exit 3",
            "signal KILL",
            "lost",
            "lost",
            "timeout (exec)",
            "unreachable (connect)",
            "auth",
            "host-key",
            "timeout (handshake)",
            "unreachable (resolve)",
            "failed (exec)"
        ]
    );
    assert!(started.elapsed() < seconds(31), "nobody waits longer than the timeout: {:?}", started.elapsed());
    assert!(fake.events("h5").contains(&fake::Event::Killed));
}

#[tokio::test(start_paused = true)]
async fn connecting_is_tried_again_but_a_command_is_not() {
    let flaky = FakeHost::new().fail_connect_times(ErrorKind::Unreachable, Phase::Connect, 2);
    let breaks = FakeHost::new().reply(|_, _| Reply::error(ErrorKind::Broken, Phase::Exec));
    let fake = FakeTransport::new().host("h0", flaky.clone()).host("h1", breaks);
    let results = fleet(&fake).run(command(), hosts(2)).collect().await;
    assert_eq!((results[0].attempts, results[0].is_ok()), (3, true));
    assert_eq!((results[1].attempts, fake.commands("h1").len()), (1, 1));

    let fake = FakeTransport::new().host("h0", flaky);
    let results = fleet(&fake).with_retry(RetryPolicy::never()).run(command(), hosts(1)).collect().await;
    assert_eq!((results[0].attempts, results[0].is_ok()), (1, false));
}

#[tokio::test(start_paused = true)]
async fn who_never_stops_is_cut_off_and_its_slot_is_freed() {
    let stuck = FakeHost::new().reply(|_, _| Reply::stuck().stdout("before\n"));
    let fake = FakeTransport::new().host("h0", FakeHost::new().stuck_connect()).host("h1", stuck);
    let started = Instant::now();
    let fleet = fleet(&fake).with_workers(2).with_grace(seconds(2));
    let results = fleet.run(command(), hosts(10)).collect().await;
    let words: Vec<_> = results.iter().map(|result| result.status.as_str()).collect();
    assert_eq!(words, ["timeout", "timeout", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok"]);
    assert!(started.elapsed() < seconds(33), "{:?}", started.elapsed());
    assert!(fake.events("h1").contains(&fake::Event::Dropped), "its connection is closed");
}

#[tokio::test(start_paused = true)]
async fn throttling_servers_are_asked_by_fewer_at_once() {
    for (most, hosts_behind) in [(1, 40), (4, 100)] {
        let fake = FakeTransport::new()
            .every_host(FakeHost::new().connect_delay(Duration::from_millis(50)))
            .gateway(|_| Some("bastion".to_owned()))
            .throttle(most);
        let statuses = statuses(&fleet(&fake).with_startups(16), hosts_behind).await;
        assert!(statuses.iter().all(|status| status == "ok"), "{most}: {statuses:?}");
        assert!(fake.max_connecting(Some("bastion")) <= 16);
    }
    let fake = FakeTransport::new().every_host(FakeHost::new().connect_delay(Duration::from_millis(50))).throttle(8);
    assert!(statuses(&fleet(&fake), 200).await.iter().all(|status| status == "ok"), "and without a jump host");
}

#[tokio::test(start_paused = true)]
async fn a_full_way_does_not_hold_the_others() {
    let slow = FakeHost::new().connect_delay(seconds(5));
    let mut fake = FakeTransport::new().gateway(|host| (host.name() < "h2").then(|| "bastion".to_owned()));
    for name in ["h0", "h1", "h10", "h11"] {
        fake = fake.host(name, slow.clone());
    }
    let mut running = fleet(&fake).with_workers(4).with_startups(1).run(command(), hosts(20));
    let mut order = Vec::new();
    while let Some(event) = running.next().await {
        if let Event::Finished(result) = event {
            order.push(result.index);
        }
    }
    assert_eq!(order.len(), 20);
    assert_eq!(
        order.iter().rev().take(1).collect::<Vec<_>>(),
        [&19],
        "the bastion's hosts, one after the other: {order:?}"
    );
    assert!(order.iter().position(|i| *i == 9).unwrap() < 9, "the others did not wait for them: {order:?}");
    assert_eq!(fake.max_connecting(Some("bastion")), 1);
}

#[tokio::test(start_paused = true)]
async fn hosts_that_never_answer_cost_their_timeout_once() {
    let mut fake = FakeTransport::new().every_host(FakeHost::new().reply(|_, _| Reply::exit(0).delay(seconds(1))));
    for i in [1, 2, 3, 40, 41, 42] {
        fake = fake.host(&format!("h{i}"), FakeHost::new().hang_connect(Phase::Connect));
    }
    let started = Instant::now();
    let fleet = fleet(&fake).with_workers(6).with_timeout(seconds(20));
    let statuses = statuses(&fleet, 43).await;
    assert_eq!(statuses.iter().filter(|status| *status == "timeout (connect)").count(), 6);
    assert_eq!(statuses.iter().filter(|status| *status == "ok").count(), 37);
    // 37 hosts by six at a time take 7 s, and the last dead ones begin soon after the run does.
    assert!(started.elapsed() < seconds(28), "{:?}", started.elapsed());
    assert!(fake.max_active() <= 6);

    let fake = FakeTransport::new().host("h0", FakeHost::new().connect_delay(Duration::from_millis(500)));
    let results = self::fleet(&fake).with_workers(1).with_timeout(seconds(2)).run(command(), hosts(5)).collect().await;
    let began: Vec<_> = fake.all_events().into_iter().filter(|(_, event)| *event == fake::Event::Connecting).collect();
    let order: Vec<_> = began.iter().map(|(host, _)| host.as_str()).collect();
    assert_eq!((order, results.len()), (vec!["h0", "h1", "h2", "h3", "h4"], 5), "one worker keeps the order");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_answers_late_waits_for_a_slot_outside_of_its_own_time() {
    let late = FakeHost::new().connect_delay(seconds(1));
    let busy = FakeHost::new().reply(|_, _| Reply::exit(0).delay(seconds(4)));
    let fake = FakeTransport::new().every_host(busy).host("h0", late.clone()).host("h1", late);
    let fleet = fleet(&fake).with_workers(2).with_timeout(seconds(5));
    let results = fleet.run(command(), hosts(6)).collect().await;
    let words: Vec<_> = results.iter().map(|result| result.status.as_str()).collect();
    assert_eq!(words, ["ok"; 6]);
    assert!(results.iter().all(|result| result.elapsed < seconds(5)), "{results:?}");
    assert!(fake.max_active() <= 2);
    assert!(fake.events("h0").len() == 5 && results[0].attempts == 1, "{:?}", fake.events("h0"));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_waits_too_long_for_a_slot_is_made_anew() {
    use fake::Event::{Answered, Connected, Connecting, Dropped};
    let busy = FakeHost::new().reply(|_, _| Reply::exit(0).delay(seconds(25)));
    let fake = FakeTransport::new().every_host(busy).host("h0", FakeHost::new().connect_delay(seconds(1)));
    let fleet = fleet(&fake).with_workers(2);
    let results = fleet.run(command(), hosts(3)).collect().await;
    assert!(results.iter().all(HostResult::is_ok), "{results:?}");
    assert_eq!(fake.events("h0")[..5], [Connecting, Answered, Dropped, Connecting, Answered]);
    assert_eq!((fake.events("h0")[5].clone(), results[0].attempts), (Connected, 1));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_slot_when_the_run_stops_is_skipped() {
    let busy = FakeHost::new().reply(|_, _| Reply::exit(1).delay(seconds(4)));
    let fake = FakeTransport::new().every_host(busy).host("h0", FakeHost::new().connect_delay(seconds(1)));
    let fleet = fleet(&fake).with_workers(2).with_max_fail("0".parse().unwrap());
    assert_eq!(statuses(&fleet, 6).await, ["skipped", "exit 1", "exit 1", "skipped", "skipped", "skipped"]);
    assert!(fake.commands("h0").is_empty());
}

#[tokio::test(start_paused = true)]
async fn too_many_failures_stop_the_run() {
    let fake = FakeTransport::new().every_host(FakeHost::new().reply(|_, _| Reply::exit(1).delay(seconds(1))));
    let fleet = fleet(&fake).with_workers(2).with_max_fail("10%".parse().unwrap());
    let mut running = fleet.run(command(), hosts(20));
    let (mut failed, mut skipped) = (0, 0);
    while let Some(event) = running.next().await {
        if let Event::Finished(result) = event {
            failed += usize::from(result.status.is_failed());
            skipped += usize::from(result.status == Status::Skipped);
        }
    }
    assert_eq!((running.stopped(), failed + skipped), (Some(StopReason::MaxFail), 20));
    assert!((3..=4).contains(&failed), "two may fail, the third stops it: {failed}");
}

#[tokio::test(start_paused = true)]
async fn stopping_has_two_levels() {
    let fake = FakeTransport::new().every_host(FakeHost::new().reply(|_, _| Reply::hang()));
    let stop = Stop::new();
    let mut running = fleet(&fake).with_workers(3).with_stop(stop.clone()).run(command(), hosts(5));
    for _ in 0..3 {
        assert!(matches!(running.next().await, Some(Event::Started { .. })));
    }
    stop.drain();
    let began = Instant::now();
    tokio::spawn(async move {
        tokio::time::sleep(seconds(2)).await;
        stop.kill();
    });
    let results = running.collect().await;
    let words: Vec<_> = results.iter().map(|result| result.status.as_str()).collect();
    assert_eq!(words, ["interrupted", "interrupted", "interrupted", "skipped", "skipped"]);
    assert_eq!(began.elapsed().as_secs(), 2);
    assert!(fake.events("h0").contains(&fake::Event::Killed));
}

#[tokio::test(start_paused = true)]
async fn output_comes_as_whole_lines_and_is_cut_at_the_cap() {
    let dir = tempfile::tempdir().unwrap();
    let reply = |_: &Command, _: u32| {
        let piece = |reply: Reply, text: &'static str| reply.piece(seconds(1), OutputStream::Stdout, text);
        piece(piece(piece(Reply::exit(0), "one\ntw"), "o\nthr"), "ee").stderr("oops\n")
    };
    let fake = FakeTransport::new().every_host(FakeHost::new().reply(reply));
    let fleet = fleet(&fake).with_live_output(true).with_output_cap(6).with_output_folder(dir.path());
    let mut running = fleet.run(command(), hosts(1));
    let mut seen = Vec::new();
    let mut last = None;
    while let Some(event) = running.next().await {
        match event {
            Event::Output { stream, lines, .. } => seen.push((stream, String::from_utf8(lines).unwrap())),
            Event::Finished(result) => last = Some(result),
            _ => {}
        }
    }
    let (out, err) = (OutputStream::Stdout, OutputStream::Stderr);
    assert_eq!(seen, [(out, "one\n".into()), (out, "two\n".into()), (err, "oops\n".into()), (out, "three".into())]);
    let result = last.unwrap();
    assert_eq!((&result.output.stdout[..], result.output.stdout_bytes), (&b"one\ntw"[..], 13));
    assert!(result.is_truncated() && result.spill_error.is_none());
    assert_eq!(std::fs::read(dir.path().join("h0.out")).unwrap(), b"one\ntwo\nthree");
    assert_eq!(std::fs::read(dir.path().join("h0.err")).unwrap(), b"oops\n");
}

/// A job with a defect.
#[derive(Debug)]
struct Panics;

impl Job for Panics {
    type Output = ();

    fn run<'a>(
        &'a self,
        _: &'a mut dyn Session,
        host: &'a Host,
        _: &'a ExecContext,
        _: &'a mut dyn OutputSink,
    ) -> BoxFuture<'a, Result<Finish<()>, crate::error::Error>> {
        assert_ne!(host.name(), "h1", "a defect");
        Box::pin(async { Ok(Finish::ok(())) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_defect_in_one_host_is_one_result() {
    let results = fleet(&FakeTransport::new()).run(Panics, hosts(3)).collect().await;
    let words: Vec<_> = results.iter().map(|result| result.status.as_str()).collect();
    assert_eq!(words, ["ok", "failed", "ok"]);
    assert!(results[1].detail.contains("defect"), "{}", results[1].detail);
}

#[derive(Debug, Clone)]
struct Plan {
    connect_ms: u64,
    failure: Option<(bool, u32)>,
    end: u8,
    bastion: Option<u8>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let failure = proptest::option::weighted(0.3, (any::<bool>(), 0..5_u32));
    let bastion = proptest::option::weighted(0.5, 0..3_u8);
    (0..3000_u64, failure, 0..8_u8, bastion).prop_map(|(connect_ms, failure, end, bastion)| Plan {
        connect_ms,
        failure,
        end,
        bastion,
    })
}

fn scripted(plans: &[Plan], throttle: Option<usize>) -> FakeTransport {
    let bastions: Vec<_> = plans.iter().map(|plan| plan.bastion).collect();
    let mut fake = FakeTransport::new().gateway(move |host| {
        let index: usize = host.name()[1..].parse().unwrap();
        bastions[index].map(|bastion| format!("b{bastion}"))
    });
    for (i, plan) in plans.iter().enumerate() {
        let end = plan.end;
        let mut host = FakeHost::new().connect_delay(Duration::from_millis(plan.connect_ms));
        host = host.reply(move |_, _| match end {
            0 => Reply::hang(),
            1 => Reply::stuck(),
            2 => Reply::exit(1),
            3 => Reply::error(ErrorKind::Broken, Phase::Read),
            n => Reply::out("x").delay(seconds(n.into())),
        });
        host = match plan.failure {
            Some((_, 4)) => host.stuck_connect(),
            Some((true, times)) => host.fail_connect_times(ErrorKind::Broken, Phase::Handshake, times),
            Some((false, times)) => host.fail_connect_times(ErrorKind::Unreachable, Phase::Connect, times),
            None => host,
        };
        fake = fake.host(&format!("h{i}"), host);
    }
    throttle.map_or(fake.clone(), |most| fake.throttle(most))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn every_host_has_one_result_within_all_bounds(
        plans in proptest::collection::vec(plan(), 1..60),
        workers in 1..12_usize,
        startups in 1..5_usize,
        throttle in proptest::option::of(1..6_usize),
        kill_after in proptest::option::of(0..40_u64),
    ) {
        let fake = scripted(&plans, throttle);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (results, elapsed) = runtime.block_on(async {
            let stop = Stop::new();
            if let Some(after) = kill_after {
                let stop = stop.clone();
                tokio::spawn(async move { tokio::time::sleep(seconds(after)).await; stop.kill(); });
            }
            let fleet = fleet(&fake).with_timeout(seconds(10)).with_grace(seconds(1));
            let fleet = fleet.with_workers(workers).with_startups(startups).with_stop(stop);
            let began = Instant::now();
            (fleet.run(command(), hosts(plans.len())).collect().await, began.elapsed())
        });
        let indices: Vec<_> = results.iter().map(|result| result.index).collect();
        prop_assert_eq!(indices, (0..plans.len()).collect::<Vec<_>>());
        prop_assert!(fake.max_active() <= workers);
        for bastion in ["b0", "b1", "b2"] {
            prop_assert!(fake.max_connecting(Some(bastion)) <= startups);
        }
        prop_assert!(results.iter().all(|result| result.elapsed <= Duration::from_millis(11_300)));
        let rounds = plans.len().div_ceil(workers) as u64 + plans.len() as u64 / startups as u64;
        prop_assert!(elapsed <= seconds(12 * (rounds + 1)));
        if let Some(after) = kill_after {
            prop_assert!(elapsed <= seconds(after) + Duration::from_millis(1_500));
        } else {
            prop_assert!(results.iter().all(|result| result.started.is_some()), "nobody is skipped");
        }
        for result in &results {
            prop_assert!(fake.commands(&result.host).len() <= 1, "nothing is sent twice");
        }
    }
}
