//! Dead letters that are sent after all.

use std::time::Duration;

use sre_core::Severity::Warning;

use super::config::Config;
use super::outcome::Outcome;
use super::sim::{Sim, failed, min, sec};
use crate::outbox::{EntryId, EntryState};
use crate::stage::RouteConfig;

/// An alert that Slack refused for good.
fn refused(by: &[&str]) -> (Sim, EntryId) {
    let route =
        RouteConfig::new("all", ["slack"]).group_by(by.iter().copied()).grouping(Duration::ZERO, Duration::ZERO);
    let mut sim = Sim::new(Config { routes: vec![route], ..Config::default() });
    sim.scripts.insert("slack".to_owned(), Box::new(|_| (Duration::ZERO, failed(true, None))));
    sim.fire(Warning, "a");
    sim.told.clear();
    sim.scripts.clear();
    let id = sim.notifications().iter().find(|n| n.state == EntryState::Dead).unwrap().id;
    (sim, id)
}

fn revive(sim: &mut Sim, id: EntryId) {
    sim.turn(|engine, now| engine.revive(id, now).unwrap().unwrap());
    sim.check();
    sim.advance(Duration::ZERO);
    sim.check();
}

#[test]
fn who_hears_of_it_after_all_hears_the_end() {
    for by in [&["..."][..], &[]] {
        let (mut sim, id) = refused(by);
        revive(&mut sim, id);
        sim.restart();
        sim.advance(min(1));
        sim.resolve("a");
        sim.advance(min(1));
        assert_eq!(sim.news(), ["slack Firing 1+0 @0 a", "slack Resolved 0+1 @60 a"]);
        sim.advance(min(60));
        sim.check();
        assert!(sim.engine.actives.is_empty() && sim.engine.groups.is_empty());
    }
}

#[test]
fn a_restart_in_between() {
    let (mut sim, id) = refused(&["..."]);
    sim.scripts.insert("slack".to_owned(), Box::new(|_| (sec(20), Outcome::Sent)));
    revive(&mut sim, id);
    sim.advance(sec(5));
    sim.restart();
    sim.check();
    sim.advance(min(1));
    sim.resolve("a");
    sim.advance(min(1));
    assert_eq!(sim.news(), ["slack Firing 1+0 @0 a", "slack Firing 1+0 @5 a", "slack Resolved 0+1 @65 a"]);
}

/// What was over meanwhile, even forgotten, is not left open.
#[test]
fn what_is_over_meanwhile_is_said_to_be() {
    for wait in [1, 60 * 5] {
        let (mut sim, id) = refused(&["..."]);
        sim.advance(min(1));
        sim.resolve("a");
        sim.advance(min(wait));
        assert_eq!(sim.engine.actives.is_empty(), wait > 60);
        revive(&mut sim, id);
        let at = 60 * (wait + 1);
        assert_eq!(sim.news(), [format!("slack Firing 1+0 @{at} a"), format!("slack Resolved 0+1 @{at} a")]);
        sim.advance(min(60));
        assert!(sim.engine.actives.is_empty() && sim.engine.groups.is_empty());
    }
}

#[test]
fn it_waits_for_the_one_of_its_group_that_is_on_its_way() {
    let (mut sim, id) = refused(&[]);
    sim.scripts.insert("slack".to_owned(), Box::new(|_| (sec(20), Outcome::Sent)));
    sim.fire(Warning, "b");
    sim.advance(sec(5));
    revive(&mut sim, id);
    sim.fire(Warning, "c");
    sim.restart();
    sim.check();
    sim.advance(min(5));
    sim.check();
    let mut told = sim.told.iter().map(|t| (t.n.title.as_str(), t.n.alerts.len())).collect::<Vec<_>>();
    told.dedup();
    assert_eq!(sim.counts().unsent, 0);
    assert!(told.contains(&("a", 1)) && told.contains(&("b", 1)) && told.contains(&("c", 1)), "{told:?}");
    sim.told.clear();
    ["a", "b", "c"].iter().for_each(|title| sim.resolve(title));
    sim.advance(min(5));
    assert_eq!(sim.told.iter().map(|t| t.resolved).sum::<usize>(), 3);
}

/// It said that something was over, which fires again: that is told again, or nobody would know.
#[test]
fn an_end_that_is_no_longer_true() {
    let route = RouteConfig::new("all", ["slack"]).group_by(["..."]).grouping(Duration::ZERO, Duration::ZERO);
    let mut sim = Sim::new(Config { routes: vec![route], ..Config::default() });
    sim.fire(Warning, "a");
    sim.advance(min(1));
    sim.scripts.insert("slack".to_owned(), Box::new(|_| (Duration::ZERO, failed(true, None))));
    sim.resolve("a");
    sim.scripts.clear();
    sim.advance(min(20));
    sim.fire(Warning, "a");
    let id = sim.notifications().iter().find(|n| n.state == EntryState::Dead).unwrap().id;
    sim.told.clear();
    revive(&mut sim, id);
    sim.advance(min(20));
    assert_eq!(sim.news(), ["slack Resolved 0+1 @1260 a", "slack Firing 1+0 @2160 a"]);
}
