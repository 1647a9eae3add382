//! What another version or a fault left on disk, and this program cannot read.

use std::time::Duration;

use sre_core::Severity::Warning;

use super::config::Config;
use super::sim::{Sim, failed, min, sec};
use crate::outbox::EntryState;
use crate::stage::RouteConfig;

fn each() -> Config {
    let route = RouteConfig::new("all", ["slack"]).group_by(["..."]).grouping(Duration::ZERO, Duration::ZERO);
    Config { routes: vec![route], ..Config::default() }
}

#[test]
fn an_alert_that_cannot_be_read_holds_up_nobody() {
    let mut sim = Sim::new(each());
    sim.fire(Warning, "told");
    sim.silence("source=web-01", min(10));
    sim.silence("title=none", min(10));
    sim.fire(Warning, "held");
    sim.fire(Warning, "good");
    for (table, id) in [("alerts", 1), ("alerts", 2), ("silences", 2)] {
        sim.edit(&format!("UPDATE {table} SET body = '{{\"version\": 9}}' WHERE id = {id}"));
    }
    sim.restart();
    sim.check();
    sim.resolve("told");
    sim.advance(min(20));
    assert_eq!(sim.news(), ["slack Firing 1+0 @0 told", "slack Firing 1+0 @600 good"]);
    // The history shows what can be shown.
    let titles = sim.alerts().into_iter().map(|record| record.alert.title).collect::<Vec<_>>();
    assert_eq!(titles, ["told", "good"]);
    // It comes anew when it still fires.
    sim.fire(Warning, "held");
    assert_eq!(sim.news(), ["slack Firing 1+0 @1200 held"]);
}

#[test]
fn an_alert_that_becomes_unreadable_while_it_fires() {
    let mut sim = Sim::new(each());
    sim.fire(Warning, "a");
    sim.silence("title=b", min(1));
    sim.fire(Warning, "b");
    sim.edit("UPDATE alerts SET body = x'ff'");
    sim.advance(min(20));
    sim.fire(Warning, "a");
    sim.resolve("a");
    sim.resolve("b");
    sim.advance(min(20));
    sim.check();
    assert_eq!(sim.counts().unsent, 0);
}

#[test]
fn a_notification_that_cannot_be_read_holds_up_nobody() {
    let mut sim = Sim::new(each());
    sim.scripts.insert("slack".to_owned(), Box::new(|_| (Duration::ZERO, failed(false, Some(sec(30))))));
    sim.fire(Warning, "poison");
    sim.fire(Warning, "good");
    sim.told.clear();
    sim.scripts.clear();
    sim.edit("UPDATE notifications SET body = '[]' WHERE id = 1");
    sim.restart();
    sim.advance(min(5));
    sim.check();
    assert_eq!(sim.told.iter().map(|t| t.n.title.as_str()).collect::<Vec<_>>(), ["good"]);
    assert_eq!((sim.counts().dead, sim.counts().unsent), (1, 0));
    sim.edit("UPDATE notifications SET body = (SELECT body FROM notifications WHERE id = 2) WHERE id = 1");
    let dead = sim.notifications().into_iter().find(|n| n.state == EntryState::Dead).unwrap();
    assert_eq!(dead.error.as_deref(), Some("it cannot be read"));
}
