//! A receiver that forgets what it is not told again, as Alertmanager; this one takes three alerts at once.

use std::collections::BTreeMap;

use sre_core::Severity::Warning;

use super::config::Config;
use super::sim::{START, Sim, min, sec};
use crate::stage::RouteConfig;

fn sim(interval: u64) -> Sim {
    let route = RouteConfig::new("all", ["alertmanager"]).grouping(sec(10), sec(interval));
    Sim::new(Config { routes: vec![route], ..Config::default() })
}

/// What was told since the last call: when, how many.
fn sizes(sim: &mut Sim) -> Vec<(u64, usize)> {
    let told = std::mem::take(&mut sim.told).into_iter();
    told.map(|t| (t.at.since(START).as_secs(), t.n.alerts.len())).collect()
}

/// When each alert was told to fire, or to be over.
fn times(sim: &Sim, over: bool) -> BTreeMap<String, Vec<u64>> {
    let mut times = BTreeMap::<_, Vec<_>>::new();
    for t in &sim.told {
        for alert in t.n.alerts.iter().filter(|alert| alert.is_resolved() == over) {
            times.entry(alert.title.clone()).or_default().push(t.at.since(START).as_secs());
        }
    }
    times
}

#[test]
fn every_alert_is_told_and_told_again() {
    let mut sim = sim(60);
    for i in 0..8 {
        sim.fire(Warning, &format!("a{i}"));
    }
    sim.advance(min(3));
    sim.check();
    let firing = times(&sim, false);
    assert_eq!(firing.len(), 8);
    assert!(firing.values().all(|times| *times == [10, 70, 130]), "{firing:?}");
    let round = |at| [(at, 3), (at, 3), (at, 2)];
    assert_eq!(sizes(&mut sim), [round(10), round(70), round(130)].concat());
}

#[test]
fn the_end_is_told_for_five_minutes() {
    let mut sim = sim(60);
    for title in ["a", "b", "c", "d", "e"] {
        sim.fire(Warning, title);
    }
    sim.advance(sec(160));
    sim.told.clear();
    ["a", "b", "c", "d"].iter().for_each(|title| sim.resolve(title));
    sim.advance(min(15));
    sim.check();
    let over = times(&sim, true);
    assert_eq!(over.keys().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert_eq!(over["a"], [160, 220, 280, 340, 400, 460]);
    for (title, times) in over {
        let gaps = times.windows(2).map(|two| two[1] - two[0]).collect::<Vec<_>>();
        assert!(
            times.len() >= 5 && gaps.iter().all(|gap| *gap == 60) && times[times.len() - 1] <= 460,
            "{title} {times:?}"
        );
    }
    let firing = &times(&sim, false)["e"];
    assert!(firing.windows(2).all(|two| two[1] - two[0] <= 60) && firing.len() >= 14, "{firing:?}");
    sim.resolve("e");
    sim.advance(min(30));
    assert!(sim.engine.groups.is_empty(), "what was over is forgotten");
}

#[test]
fn what_fires_again_is_not_said_to_be_over() {
    let mut sim = sim(0);
    sim.fire(Warning, "a");
    sim.advance(min(14));
    sim.resolve("a");
    sim.advance(sec(30));
    sim.told.clear();
    sim.fire(Warning, "a");
    sim.advance(min(10));
    let (firing, over) = (&times(&sim, false)["a"], times(&sim, true).remove("a").unwrap_or_default());
    assert!(over.iter().all(|at| *at < firing[0]), "{firing:?} {over:?}");
}

/// Something new every half minute does not put off the old ones.
#[test]
fn news_do_not_put_the_round_off() {
    let mut sim = sim(20);
    for i in 0..20 {
        sim.fire(Warning, &format!("a{i:02}"));
        sim.advance(sec(30));
    }
    let first = &times(&sim, false)["a00"];
    assert!(first.windows(2).all(|two| two[1] - two[0] <= 80), "{first:?}");
}

#[test]
fn a_silence_keeps_what_is_new_and_not_what_is_known() {
    let mut sim = sim(60);
    sim.fire(Warning, "a");
    sim.advance(sec(20));
    sim.silence("source=web-01", min(60));
    sim.fire(Warning, "b");
    sim.advance(min(5));
    assert_eq!(times(&sim, false), BTreeMap::from([("a".to_owned(), vec![10, 70, 130, 190, 250, 310])]));
}

#[test]
fn after_a_restart_it_is_told_everything_at_once() {
    let mut sim = sim(60);
    for i in 0..4 {
        sim.fire(Warning, &format!("a{i}"));
    }
    sim.advance(sec(30));
    sim.restart();
    sim.advance(sec(70));
    assert_eq!(sizes(&mut sim), [(10, 3), (10, 1), (30, 3), (30, 1), (90, 3), (90, 1)]);
}

/// Being said again every minute is no reason for people not to hear of it again.
#[test]
fn rounds_do_not_count_for_suppression() {
    let route = RouteConfig::new("all", ["alertmanager", "slack"]).grouping(sec(0), sec(0));
    let mut sim = Sim::new(Config { routes: vec![route], ..Config::default() });
    for _ in 0..=20 {
        sim.fire(Warning, "a");
        sim.advance(min(1));
    }
    sim.told.retain(|t| t.to == "slack");
    assert_eq!(sim.news(), ["slack Firing 1+0 @0 a", "slack Firing 1+0 @900 a"]);
}
