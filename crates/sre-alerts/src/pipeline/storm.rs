//! Storms.

use std::collections::HashMap;
use std::time::Duration;

use sre_core::Severity::Critical;

use super::config::Config;
use super::outcome::Outcome;
use super::sim::{START, Sim, Told, min, sec};
use crate::alert::Alert;
use crate::stage::RouteConfig;

/// `total` alerts of `distinct` problems within ten minutes; Slack is paced, a pager takes one at once.
fn storm(total: usize, distinct: usize) {
    let now = Duration::ZERO;
    let config = Config {
        routes: vec![
            RouteConfig::new("page", ["pagerduty"]).group_by(["..."]).grouping(now, now).go_on(),
            RouteConfig::new("chat", ["slack"]).grouping(now, now),
        ],
        ..Config::default()
    };
    let mut sim = Sim::new(config);
    sim.scripts.insert("slack".to_owned(), Box::new(|_: &Told| (sec(1), Outcome::Sent)));
    let batch = total / 600;
    let alert = |sim: &Sim, i: usize| -> Alert {
        let alert = sim.alert(Critical, &format!("problem {}", i % distinct)).label("service", format!("s{}", i % 7));
        alert.build().unwrap()
    };
    for second in 0..600 {
        let alerts = (second * batch..(second + 1) * batch).map(|i| alert(&sim, i)).collect::<Vec<_>>();
        sim.accept(alerts);
        sim.advance(sec(1));
    }
    sim.advance(min(1));
    sim.check();
    let sent = 600 * batch;
    let counts = sim.counts();
    assert_eq!((counts.accepted as usize, counts.suppressed as usize), (sent, sent - distinct));
    assert_eq!(sim.engine.actives.len(), distinct);
    // The pager: each problem once, in the second in which it came.
    let pages = sim.told.iter().filter(|t| t.to == "pagerduty").collect::<Vec<_>>();
    assert_eq!(pages.len(), distinct);
    let mut first = HashMap::new();
    for i in 0..sent {
        first.entry(format!("problem {}", i % distinct)).or_insert(i / batch);
    }
    assert!(pages.iter().all(|t| t.at.since(START).as_secs() as usize == first[&t.n.title]));
    // Slack: at most one message a second, each problem in exactly one of them, and nothing later than it must be.
    let slack = sim.told.iter().filter(|t| t.to == "slack").collect::<Vec<_>>();
    assert!(slack.windows(2).all(|two| two[1].at >= two[0].at + sec(1)));
    assert_eq!(slack.iter().map(|t| t.firing).sum::<usize>(), distinct);
    assert!(slack.iter().all(|t| t.n.alerts.len() <= 50));
    let last_new = distinct.div_ceil(batch) as u64;
    assert!(slack.iter().all(|t| t.at.since(START) <= sec(last_new + 1)));
    // And the history has it all.
    let records = sim.alerts();
    assert_eq!((records.len(), records.iter().map(|r| r.count as usize).sum::<usize>()), (distinct, sent));
    assert_eq!(records.iter().map(|r| r.suppressed as usize).sum::<usize>(), sent - distinct);
}

#[test]
fn storm_small() {
    storm(12_000, 1_000);
}

#[test]
#[ignore = "in a debug build it takes a minute"]
fn storm_full() {
    storm(100_200, 5_000);
}
