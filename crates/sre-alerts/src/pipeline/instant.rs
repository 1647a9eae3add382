//! Many things happen within one millisecond: what is older is told by numbers, not by times.

use std::time::Duration;

use sre_core::Severity::Warning;

use super::arrival::Arrival;
use super::config::Config;
use super::outcome::Outcome;
use super::sim::{Sim, min};
use crate::stage::RouteConfig;

/// The pager is told of `b`, which writes its row while it waits for Slack; Slack is told at the same moment, and the
/// process dies.
#[test]
fn a_notification_of_the_same_moment_as_the_row_says_that_it_was_told() {
    let route = |name: &str| RouteConfig::new(name, [name]).grouping(Duration::ZERO, Duration::ZERO);
    let routes = vec![route("pagerduty").group_by(["..."]).go_on(), route("slack")];
    let mut sim = Sim::new(Config { routes, ..Config::default() });
    sim.scripts.insert("pagerduty".to_owned(), Box::new(|_| (min(60), Outcome::Sent)));
    let mut first = true;
    let slack = move |_: &_| (if std::mem::take(&mut first) { Duration::ZERO } else { min(60) }, Outcome::Sent);
    sim.scripts.insert("slack".to_owned(), Box::new(slack));
    for title in ["a", "b"] {
        let arrival = Arrival::new(sim.alert(Warning, title).build().unwrap());
        sim.turn(|engine, now| engine.arrive(&arrival, now).unwrap());
    }
    sim.advance(Duration::ZERO);
    sim.scripts.clear();
    sim.restart();
    sim.advance(min(5));
    let of_b = sim.notifications().into_iter().filter(|n| n.receiver == "slack" && n.notification.title == "b");
    assert_eq!(of_b.count(), 1);
    assert_eq!(sim.told.iter().filter(|t| t.to == "slack" && t.n.title == "b").count(), 2, "again, as nobody answered");
    sim.check();
}
