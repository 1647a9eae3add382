//! What holds whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use sre_core::Severity;

use super::config::Config;
use super::outcome::Outcome;
use super::sim::{Sim, failed, min, sec};
use crate::alert::Alert;
use crate::stage::moment::Moment;
use crate::stage::{InhibitRule, RouteConfig, Stage, Verdict};

#[derive(Debug, Clone)]
enum Op {
    Fire(u8, Severity),
    Resolve(u8),
    Wait(u16),
    Restart,
    /// The wall clock is set by so many minutes.
    Jump(i16),
    Silence(u8, u16),
}

/// Who was told of what and when.
type Told = BTreeSet<(Moment, String, String, bool)>;

/// Who was told of what how often: (receiver, title) → firing.
type Times = BTreeMap<(String, String), usize>;

fn op() -> impl Strategy<Value = Op> {
    let severity = prop::sample::select(Severity::ALL.to_vec());
    prop_oneof![
        4 => (0_u8..4, severity).prop_map(|(i, severity)| Op::Fire(i, severity)),
        2 => (0_u8..4).prop_map(Op::Resolve),
        3 => (0_u16..1200).prop_map(Op::Wait),
        1 => (0_u16..15).prop_map(Op::Wait),
    ]
}

fn ops(most: usize) -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 1..most)
}

fn crashes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0_usize..20, 1..4)
}

fn config(each: bool) -> Config {
    let m = |text: &str| text.parse().unwrap();
    let by: &[&str] = if each { &["..."] } else { &["service"] };
    let timing = if each { Duration::ZERO } else { sec(10) };
    Config {
        routes: vec![
            RouteConfig::new("page", ["pagerduty"])
                .matching(m("severity=critical"))
                .group_by(["..."])
                .grouping(timing, timing)
                .go_on(),
            RouteConfig::new("chat", ["slack", "log"])
                .matching(m("severity>=warning"))
                .group_by(by.iter().copied())
                .grouping(timing, timing * 6),
        ],
        inhibit: vec![InhibitRule::new("i", [m("title=p0")], [m("title=p1")], [""; 0])],
        ..Config::default()
    }
}

/// Without inhibition, which ends at the next look around, and a restart is one.
fn plain(each: bool) -> Config {
    Config { inhibit: Vec::new(), ..config(each) }
}

fn alert(sim: &Sim, i: u8, severity: Severity) -> Alert {
    sim.alert(severity, &format!("p{i}")).label("service", if i < 2 { "a" } else { "b" }).build().unwrap()
}

fn run(ops: &[Op], mut sim: Sim) -> Sim {
    for op in ops {
        match op {
            Op::Fire(i, severity) => {
                let alert = alert(&sim, *i, *severity);
                sim.accept([alert]);
            }
            Op::Resolve(i) => sim.resolve(&format!("p{i}")),
            Op::Wait(seconds) => sim.advance(sec(u64::from(*seconds))),
            Op::Restart => sim.restart(),
            Op::Jump(minutes) => sim.ahead += i64::from(*minutes) * 60_000,
            Op::Silence(i, seconds) => drop(sim.silence(&format!("title=p{i}"), sec(u64::from(*seconds)))),
        }
        sim.check();
    }
    sim
}

/// Longer than any silence here, and then longer than an alert that came back is held.
fn settle(mut sim: Sim) -> Sim {
    sim.advance(min(60) + min(20));
    sim.check();
    sim
}

fn told(sim: &Sim) -> Told {
    let each = |t: &super::sim::Told| {
        let (at, to) = (t.at, t.to.clone());
        let of = move |a: &Alert| (at, to.clone(), a.title.clone(), a.is_resolved());
        t.n.alerts.iter().map(of).collect::<Vec<_>>()
    };
    sim.told.iter().flat_map(each).collect()
}

fn times(sim: &Sim) -> Times {
    let mut times = Times::new();
    for t in &sim.told {
        for alert in t.n.alerts.iter().filter(|a| !a.is_resolved()) {
            *times.entry((t.to.clone(), alert.title.clone())).or_default() += 1;
        }
    }
    times
}

fn with_crashes(ops: &[Op], crashes: Vec<usize>) -> Vec<Op> {
    let mut crashing = ops.to_vec();
    for at in crashes {
        crashing.insert(at.min(crashing.len()), Op::Restart);
    }
    crashing
}

/// Each problem always as bad: one that was quiet while it was worst is told again when it is that bad again.
fn steady(ops: &[Op]) -> Vec<Op> {
    let severities = [Severity::Critical, Severity::Warning, Severity::Error, Severity::Critical];
    let one = |op: &Op| match op {
        Op::Fire(i, _) => Op::Fire(*i, severities[usize::from(*i)]),
        other => other.clone(),
    };
    ops.iter().map(one).collect()
}

/// As many as `PROPTEST_CASES` says.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(48)
}

fn decides(verdict: &Verdict) -> Stage {
    match verdict {
        Verdict::Notify { .. } => Stage::Group,
        Verdict::Record => Stage::Route,
        Verdict::Inhibited { .. } => Stage::Inhibit,
        Verdict::Silenced { .. } => Stage::Silence,
        Verdict::Maintenance { .. } => Stage::Maintenance,
        Verdict::Merged | Verdict::Suppressed { .. } | Verdict::Held { .. } => Stage::Suppress,
        Verdict::Resolved { .. } | Verdict::NotFiring => Stage::Resolve,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: cases(), ..ProptestConfig::default() })]

    /// Whatever the state, `explain` has one verdict, the last step is the stage that decided, asking changes nothing,
    /// and what was said is what happens: those receivers are told, and nobody else.
    #[test]
    fn each_alert_has_exactly_one_explanation(ops in ops(20), i in 0_u8..4, severity in prop::sample::select(Severity::ALL.to_vec()), over in any::<bool>(), silence in prop::option::of(0_u8..4)) {
        let mut sim = run(&ops, Sim::new(config(true)));
        if let Some(i) = silence {
            sim.silence(&format!("title=p{i}"), min(30));
        }
        let mut asked = alert(&sim, i, severity);
        if over {
            asked.resolved_at = Some(asked.starts_at);
        }
        let now = sim.time();
        let said = sim.engine.explain(&asked, now);
        prop_assert_eq!(&said, &sim.engine.explain(&asked, now));
        prop_assert_eq!(said.steps.last().map(|step| step.stage), Some(decides(&said.verdict)), "{}", said);
        let order = said.steps.iter().map(|step| step.stage as u8).collect::<Vec<_>>();
        prop_assert!(order.is_sorted(), "{}", said);
        sim.told.clear();
        sim.accept([asked]);
        let told = sim.told.iter().map(|t| t.to.clone()).collect::<BTreeSet<_>>();
        let expected = match &said.verdict {
            Verdict::Notify { receivers } | Verdict::Resolved { receivers } => receivers.iter().cloned().collect(),
            _ => BTreeSet::new(),
        };
        prop_assert_eq!(told, expected, "{}", said);
    }

    /// The same alerts at the same times, with a silence more: nobody is told more often.
    #[test]
    fn a_silence_never_adds_a_notification(ops in ops(25), i in 0_u8..4, at in 0_usize..25, for_seconds in 1_u64..3600) {
        let ops = steady(&ops);
        let without = times(&settle(run(&ops, Sim::new(config(true)))));
        let at = at.min(ops.len());
        let mut sim = run(&ops[..at], Sim::new(config(true)));
        sim.silence(&format!("title=p{i}"), sec(for_seconds));
        for (who, times) in times(&settle(run(&ops[at..], sim))) {
            prop_assert!(times <= without.get(&who).copied().unwrap_or(0), "{who:?} {times} {without:?}");
        }
    }

    /// Whatever the state and the alert: with a silence more there is no receiver more.
    #[test]
    fn a_silence_never_adds_a_receiver(ops in ops(25), i in 0_u8..4, severity in prop::sample::select(Severity::ALL.to_vec()), silenced in 0_u8..4) {
        let mut sim = run(&ops, Sim::new(config(false)));
        let asked = alert(&sim, i, severity);
        let now = sim.time();
        let without = sim.engine.explain(&asked, now).verdict;
        sim.silence(&format!("title=p{silenced}"), min(1));
        let with = sim.engine.explain(&asked, now).verdict;
        prop_assert!(with == without || i == silenced && !with.notifies(), "{without} → {with}");
    }

    /// Crashes change nothing: everybody is told the same at the same times, with groups that gather too.
    #[test]
    fn restarts_neither_lose_nor_repeat(ops in ops(20), crashes in crashes(), each in any::<bool>()) {
        let steady = settle(run(&ops, Sim::new(plain(each))));
        let crashing = settle(run(&with_crashes(&ops, crashes), Sim::new(plain(each))));
        prop_assert_eq!(told(&crashing), told(&steady));
        prop_assert_eq!(times(&crashing), times(&steady));
    }

    /// A clock that is set, however often, changes nothing either: not the groups, suppression, reminders, nor silences
    /// that began when they were made.
    #[test]
    fn setting_the_clock_neither_loses_nor_repeats(
        ops in ops(20),
        jumps in prop::collection::vec((0_usize..20, -3000_i16..3000), 1..4),
        silences in prop::collection::vec((0_usize..20, 0_u8..4, 1_u16..3600), 0..3),
        each in any::<bool>(),
    ) {
        let mut ops = ops;
        for (at, i, seconds) in silences {
            ops.insert(at.min(ops.len()), Op::Silence(i, seconds));
        }
        let steady = told(&settle(run(&ops, Sim::new(plain(each)))));
        for (at, minutes) in jumps {
            ops.insert(at.min(ops.len()), Op::Jump(minutes));
        }
        prop_assert_eq!(told(&settle(run(&ops, Sim::new(plain(each))))), steady);
    }

    /// A receiver that fails at random gets everything in the end: all that still fires has been told.
    #[test]
    fn nothing_is_lost_to_a_flaky_receiver(ops in ops(20), crashes in crashes(), seed in any::<u64>()) {
        let mut sim = Sim::new(plain(false));
        let mut state = seed | 1;
        sim.scripts.insert("slack".to_owned(), Box::new(move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (sec(state >> 60), if state >> 63 == 0 { failed(false, None) } else { Outcome::Sent })
        }));
        let mut sim = run(&with_crashes(&ops, crashes), sim);
        sim.scripts.clear();
        let mut sim = settle(sim);
        prop_assert_eq!(sim.counts().unsent, 0);
        let slack = sim.engine.receiver("slack").unwrap();
        let now = sim.engine.actives.values().cloned().collect::<Vec<_>>();
        for active in now {
            let severity = sim.engine.store.alert(active.id).unwrap().unwrap().severity;
            prop_assert!(active.waiting.is_empty());
            prop_assert!(active.held_until.is_none(), "{active:?}");
            prop_assert!(active.fires() || active.told.is_empty(), "the end was not told");
            let known = active.told.has(slack);
            prop_assert!(!active.fires() || severity < Severity::Warning || known, "{active:?}");
        }
    }
}
