//! What the pipeline does, on a made-up time line.

use std::time::Duration;

use sre_core::Severity::{Critical, Error, Info, Warning};

use super::arrival::Arrival;
use super::config::Config;
use super::outcome::Outcome;
use super::sim::{START, Sim, failed, min, sec};
use super::template::TemplateConfig;
use crate::outbox::EntryState;
use crate::stage::moment::Moment;
use crate::stage::{InhibitRule, RouteConfig, WindowConfig};

/// Everything to slack: each alert at once and on its own.
fn each() -> Config {
    let route = RouteConfig::new("all", ["slack"]).group_by(["..."]).grouping(Duration::ZERO, Duration::ZERO);
    Config { routes: vec![route], ..Config::default() }
}

/// Everything to slack, together.
fn together() -> Config {
    Config { routes: vec![RouteConfig::new("all", ["slack"]).grouping(sec(10), min(1))], ..Config::default() }
}

#[test]
fn default_routes() {
    let mut sim = Sim::new(Config::default());
    for (severity, title) in [(Critical, "c"), (Error, "e"), (Warning, "w"), (Info, "i")] {
        sim.fire(severity, title);
    }
    assert_eq!(sim.news(), ["pagerduty Firing 1+0 @0 c", "slack Firing 1+0 @0 c"]);
    sim.advance(min(2));
    assert_eq!(sim.news(), ["slack Firing 2+0 @10 [2 firing] e"]);
    let verdicts = sim.alerts().into_iter().map(|r| r.verdict).collect::<Vec<_>>();
    assert_eq!(verdicts, ["record only", "notify slack", "notify slack", "notify pagerduty, slack"]);
    sim.check();
}

#[test]
fn the_same_again_is_counted_and_sent_after_the_window() {
    let mut sim = Sim::new(each());
    sim.fire(Warning, "cpu");
    sim.advance(min(14));
    sim.fire(Warning, "cpu");
    assert_eq!(sim.news(), ["slack Firing 1+0 @0 cpu"]);
    sim.restart();
    sim.fire(Warning, "cpu");
    assert_eq!((sim.news().len(), sim.counts().suppressed), (0, 1));
    sim.advance(min(1));
    sim.fire(Warning, "cpu");
    assert_eq!(sim.news(), ["slack Firing 1+0 @900 cpu"]);
    let [record] = sim.alerts().try_into().unwrap();
    assert_eq!((record.count, record.suppressed), (4, 2));
}

#[test]
fn what_becomes_worse_is_sent_at_once() {
    let mut sim = Sim::new(Config::default());
    sim.fire(Warning, "cpu");
    sim.advance(sec(11));
    sim.fire(Critical, "cpu");
    sim.fire(Warning, "cpu");
    assert_eq!(sim.news(), ["slack Firing 1+0 @10 cpu", "pagerduty Firing 1+0 @11 cpu", "slack Firing 1+0 @11 cpu"]);
    sim.check();
}

#[test]
fn groups_wait_and_keep_their_distance() {
    let mut sim = Sim::new(together());
    sim.fire(Warning, "a");
    sim.advance(sec(9));
    sim.fire(Warning, "b");
    sim.advance(sec(5));
    sim.fire(Warning, "c");
    sim.advance(min(5));
    assert_eq!(sim.news(), ["slack Firing 2+0 @10 [2 firing] a", "slack Firing 1+0 @70 c"]);
    sim.resolve("a");
    sim.resolve("b");
    assert_eq!(sim.news(), ["slack Firing 0+1 @314 a"]);
    sim.resolve("c");
    sim.advance(min(1));
    assert_eq!(sim.news(), ["slack Resolved 0+2 @374 [2 resolved] b"]);
    sim.advance(min(20));
    assert!(sim.engine.actives.is_empty() && sim.engine.groups.is_empty());
}

#[test]
fn while_a_receiver_is_slow_alerts_gather_and_others_are_not_held_up() {
    let mut config = each();
    let all = RouteConfig::new("all", ["slack"]).grouping(Duration::ZERO, Duration::ZERO).go_on();
    config.routes.insert(0, all);
    config.routes[1].receivers = Some(vec!["pagerduty".to_owned()]);
    let mut sim = Sim::new(config);
    sim.scripts.insert("slack".to_owned(), Box::new(|_| (sec(30), Outcome::Sent)));
    for i in 0..10 {
        sim.fire(Warning, &format!("a{i}"));
        sim.advance(sec(1));
    }
    let pager = sim.told.iter().filter(|t| t.to == "pagerduty").map(|t| t.at.since(START).as_secs());
    assert_eq!(pager.collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    sim.advance(min(5));
    sim.told.retain(|t| t.to == "slack");
    assert_eq!(sim.news(), ["slack Firing 1+0 @0 a0", "slack Firing 9+0 @30 [9 firing] a1"]);
}

#[test]
fn reminders_and_the_end_only_for_those_who_were_told() {
    let mut config = each();
    config.routes[0].receivers = Some(vec!["slack".to_owned(), "pagerduty".to_owned()]);
    config.expire = min(60 * 24 * 7);
    let mut sim = Sim::new(config);
    sim.scripts.insert("pagerduty".to_owned(), Box::new(|_| (Duration::ZERO, failed(true, None))));
    sim.fire(Warning, "cpu");
    sim.advance(min(8 * 60 + 1));
    sim.resolve("cpu");
    sim.advance(min(600));
    let news = sim.news();
    let slack = news.iter().filter(|n| n.starts_with("slack")).map(String::as_str).collect::<Vec<_>>();
    assert_eq!(
        slack,
        [
            "slack Firing 1+0 @0 cpu",
            "slack Firing 1+0 @14400 cpu",
            "slack Firing 1+0 @28800 cpu",
            "slack Resolved 0+1 @28860 cpu"
        ]
    );
    assert_eq!(news.iter().filter(|n| n.starts_with("pagerduty")).count(), 1, "{news:?}");
}

#[test]
fn what_is_over_before_it_was_told_is_not_told() {
    let mut sim = Sim::new(together());
    sim.fire(Warning, "a");
    sim.advance(sec(5));
    sim.resolve("a");
    sim.resolve("never");
    sim.advance(min(60));
    assert_eq!(sim.news(), [""; 0]);
    let records = sim.alerts();
    let seen = records.iter().map(|r| (r.verdict.as_str(), r.ending.as_deref())).collect::<Vec<_>>();
    assert_eq!(seen, [("resolved, was not firing", Some("resolved")), ("resolved, nobody was told", Some("resolved"))]);
}

#[test]
fn the_end_waits_for_the_beginning() {
    let mut sim = Sim::new(each());
    let mut tries = 0;
    sim.scripts.insert(
        "slack".to_owned(),
        Box::new(move |_| {
            tries += 1;
            (sec(1), if tries < 3 { failed(false, Some(sec(10))) } else { Outcome::Sent })
        }),
    );
    sim.fire(Warning, "a");
    sim.resolve("a");
    sim.advance(min(5));
    let events = sim.told.iter().map(|t| format!("{:?}", t.n.event)).collect::<Vec<_>>();
    assert_eq!(events, ["Firing", "Firing", "Firing", "Resolved"]);
    assert_eq!((sim.counts().retried, sim.counts().sent), (2, 2));
}

#[test]
fn a_silence_holds_and_its_end_sends() {
    let mut sim = Sim::new(each());
    sim.silence("source=web-01", min(10));
    sim.fire(Warning, "a");
    sim.fire(Warning, "b");
    sim.advance(min(5));
    sim.restart();
    sim.resolve("b");
    sim.advance(min(4));
    assert_eq!(sim.news(), [""; 0]);
    assert!(sim.alerts()[1].verdict.starts_with("silenced by 1 until"), "{}", sim.alerts()[1].verdict);
    sim.advance(min(2));
    assert_eq!(sim.news(), ["slack Firing 1+0 @600 a"]);
    assert_eq!((sim.alerts()[1].verdict.as_str(), sim.counts().muted), ("notify slack", 0));
}

#[test]
fn a_silence_that_is_ended_sends_at_once_and_one_that_comes_late_still_counts() {
    let mut sim = Sim::new(together());
    sim.fire(Warning, "a");
    let id = sim.silence("title=a", min(60));
    sim.advance(min(5));
    assert_eq!(sim.news(), [""; 0]);
    sim.turn(|engine, now| engine.end_silence(id, now).unwrap().unwrap());
    sim.advance(min(1));
    assert_eq!(sim.news(), ["slack Firing 1+0 @310 a"]);
    sim.silence("title=a", min(60));
    sim.resolve("a");
    sim.advance(min(1));
    assert_eq!(sim.news(), ["slack Resolved 0+1 @370 a"]);
}

#[test]
fn a_silence_never_makes_a_repeat_that_would_not_have_been() {
    let mut sim = Sim::new(each());
    sim.fire(Warning, "a");
    sim.silence("title=a", min(30));
    sim.advance(min(1));
    sim.fire(Warning, "a");
    sim.advance(min(60));
    assert_eq!(sim.news(), ["slack Firing 1+0 @0 a"]);
}

/// Slack hears at once; the pager's group waits, and meanwhile comes a silence, or the end and a new beginning.
#[test]
fn who_was_not_told_is_told_in_the_end() {
    let route = |name: &str, wait| RouteConfig::new(name, [name]).group_by(["..."]).grouping(wait, sec(30)).go_on();
    let config = || {
        let routes = vec![route("slack", Duration::ZERO), route("pagerduty", sec(10))];
        Config { routes, ..Config::default() }
    };
    let mut sim = Sim::new(config());
    sim.fire(Warning, "a");
    sim.advance(sec(5));
    sim.silence("title=a", min(1));
    sim.advance(min(3));
    sim.fire(Warning, "a");
    sim.restart();
    sim.advance(min(30));
    assert_eq!(
        sim.news(),
        ["slack Firing 1+0 @0 a", "slack Firing 1+0 @900 a", "pagerduty Firing 1+0 @910 a"],
        "silenced"
    );
    let mut sim = Sim::new(config());
    sim.fire(Warning, "a");
    sim.advance(sec(5));
    sim.resolve("a");
    sim.advance(sec(5));
    sim.fire(Warning, "a");
    sim.advance(min(30));
    assert_eq!(
        sim.news(),
        ["slack Firing 1+0 @0 a", "slack Firing 1+0 @900 a", "pagerduty Firing 1+0 @910 a"],
        "over and back"
    );
}

#[test]
fn maintenance_holds_until_it_is_over() {
    let mut config = each();
    let (from, to) = (START.timestamp(), (START + min(30)).timestamp());
    config.windows.push(WindowConfig::once("patches", from, to).matching("title=a".parse().unwrap()));
    let mut sim = Sim::new(config);
    sim.fire(Warning, "a");
    sim.fire(Warning, "b");
    sim.advance(min(60));
    assert_eq!(sim.news(), ["slack Firing 1+0 @0 b", "slack Firing 1+0 @1800 a"]);
}

#[test]
fn an_inhibited_alert_is_sent_when_the_other_is_over() {
    let mut config = each();
    let m = |text: &str| text.parse().unwrap();
    config.inhibit.push(InhibitRule::new("switch", [m("title=switch")], [m("title=~host.*")], ["source"]));
    let mut sim = Sim::new(config);
    sim.fire(Critical, "switch");
    sim.fire(Warning, "host a");
    sim.fire(Warning, "host b");
    sim.advance(min(3));
    sim.resolve("host b");
    sim.restart();
    sim.advance(min(3));
    sim.resolve("switch");
    sim.advance(min(3));
    assert_eq!(
        sim.news(),
        ["slack Firing 1+0 @0 switch", "slack Resolved 0+1 @360 switch", "slack Firing 1+0 @361 host a"]
    );
}

#[test]
fn flapping_is_held_until_the_window_ends() {
    let mut sim = Sim::new(each());
    for i in 0..5 {
        sim.fire(Warning, "a");
        sim.advance(sec(30));
        sim.resolve("a");
        sim.advance(sec(30));
        if i == 2 {
            sim.restart();
        }
    }
    sim.fire(Warning, "a");
    assert_eq!(sim.news(), ["slack Firing 1+0 @0 a", "slack Resolved 0+1 @30 a"]);
    sim.advance(min(20));
    assert_eq!(sim.news(), ["slack Firing 1+0 @900 a"]);
    sim.check();
}

#[test]
fn back_while_the_end_is_being_told() {
    let mut sim = Sim::new(each());
    sim.scripts.insert("slack".to_owned(), Box::new(|_| (sec(20), Outcome::Sent)));
    sim.fire(Warning, "a");
    sim.advance(min(1));
    sim.resolve("a");
    sim.advance(sec(5));
    sim.fire(Warning, "a");
    sim.advance(min(30));
    assert_eq!(sim.news(), ["slack Firing 1+0 @0 a", "slack Resolved 0+1 @60 a", "slack Firing 1+0 @900 a"]);
    assert_eq!(sim.alerts().len(), 1);
    sim.check();
}

#[test]
fn a_poisoned_notification_holds_up_only_its_group() {
    let mut sim = Sim::new(each());
    let script = |t: &super::sim::Told| match t.n.title.as_str() {
        "poison" => (Duration::ZERO, failed(false, None)),
        "never" => (Duration::ZERO, failed(true, None)),
        _ => (Duration::ZERO, Outcome::Sent),
    };
    sim.scripts.insert("slack".to_owned(), Box::new(script));
    for title in ["poison", "never", "a", "b"] {
        sim.fire(Warning, title);
    }
    sim.advance(min(10));
    let counts = sim.counts();
    assert_eq!((counts.sent, counts.dead, counts.unsent), (2, 1, 1));
    assert!(counts.retried > 3, "{counts:?}");
    sim.advance(min(60 * 24));
    let notifications = sim.notifications();
    let dead = notifications.iter().filter(|n| n.state == EntryState::Dead).collect::<Vec<_>>();
    assert_eq!(dead.len(), 2);
    assert!(dead.iter().all(|n| n.error.as_deref() == Some("said no")));
    assert_eq!(sim.counts().unsent, 0);
    // It comes back from the dead when somebody asks.
    let id = dead[0].id;
    sim.scripts.clear();
    sim.told.clear();
    sim.turn(|engine, now| engine.revive(id, now).unwrap().unwrap());
    sim.advance(sec(1));
    assert_eq!(sim.told.len(), 1);
    assert!(sim.turn(|engine, now| engine.revive(id, now).unwrap()).is_none());
}

#[test]
fn a_restart_at_any_point_loses_nothing() {
    // In the group's wait, which goes on; on its way; to be retried; told.
    for (crash_at, expected) in [
        (5, vec!["slack Firing 1+0 @10 a", "slack Resolved 0+1 @600 a"]),
        (12, vec!["slack Firing 1+0 @10 a", "slack Firing 1+0 @12 a", "slack Resolved 0+1 @600 a"]),
        (100, vec!["slack Firing 1+0 @10 a", "slack Resolved 0+1 @600 a"]),
    ] {
        let mut sim = Sim::new(together());
        sim.scripts.insert("slack".to_owned(), Box::new(|_| (sec(5), Outcome::Sent)));
        sim.fire(Warning, "a");
        sim.advance(sec(crash_at));
        sim.restart();
        sim.check();
        sim.advance(sec(600 - crash_at));
        sim.resolve("a");
        sim.advance(min(60));
        assert_eq!(sim.news(), expected, "{crash_at}");
        let all = sim.notifications();
        assert!(all.iter().all(|n| n.state == EntryState::Sent), "{all:?}");
    }
}

/// Two receivers hear at different times; the process dies while both are being told.
#[test]
fn a_restart_while_several_are_being_told() {
    let route = |name: &str, wait| RouteConfig::new(name, [name]).group_by(["..."]).grouping(wait, sec(30)).go_on();
    let routes = vec![route("slack", sec(1)), route("pagerduty", sec(3))];
    let mut sim = Sim::new(Config { routes, ..Config::default() });
    for name in ["slack", "pagerduty"] {
        sim.scripts.insert(name.to_owned(), Box::new(|_| (sec(60), Outcome::Sent)));
    }
    sim.fire(Warning, "a");
    sim.advance(sec(2));
    sim.fire(Warning, "a");
    sim.advance(sec(3));
    sim.scripts.clear();
    sim.restart();
    sim.advance(min(10));
    sim.restart();
    sim.advance(min(10));
    let told = sim.told.iter().map(|t| (t.to.as_str(), t.at.since(START).as_secs(), t.entry.0)).collect::<Vec<_>>();
    assert_eq!(told, [("slack", 1, 1), ("pagerduty", 3, 2), ("pagerduty", 5, 2), ("slack", 5, 1)]);
    sim.check();
}

#[test]
fn other_receivers_after_a_restart() {
    let mut sim = Sim::new(together());
    sim.fire(Warning, "a");
    sim.reconfigure(|config| config.routes[0].receivers = Some(vec!["log".to_owned()]));
    sim.advance(min(5));
    // Slack is still there, so who was to be told is told.
    assert_eq!(sim.news(), ["slack Firing 1+0 @10 a"]);
    sim.fire(Warning, "b");
    sim.resolve("a");
    sim.advance(min(5));
    assert_eq!(sim.news(), ["slack Resolved 0+1 @300 a", "log Firing 1+0 @310 b"]);
}

#[test]
fn who_speaks_no_more_of_an_alert_ends_it_quietly() {
    let mut sim = Sim::new(each());
    sim.fire(Warning, "a");
    sim.advance(min(60 * 24 + 2));
    sim.told.clear();
    sim.advance(min(60 * 48));
    assert_eq!(sim.news(), [""; 0]);
    assert_eq!(sim.alerts()[0].ending.as_deref(), Some("expired"));
    assert!(sim.engine.actives.is_empty());
}

/// The machine was off for longer than anything is remembered.
#[test]
fn what_waits_to_be_told_is_told_however_late() {
    let mut sim = Sim::new(together());
    sim.fire(Warning, "a");
    sim.now = sim.now + min(60 * 48);
    sim.restart();
    sim.advance(min(1));
    assert_eq!(sim.news(), ["slack Firing 1+0 @172800 a"]);
}

#[test]
fn what_becomes_worse_while_it_is_being_told() {
    for restart in [false, true] {
        let mut sim = Sim::new(Config::default());
        sim.scripts.insert("slack".to_owned(), Box::new(|_| (sec(5), Outcome::Sent)));
        sim.fire(Warning, "cpu");
        sim.advance(sec(12));
        sim.fire(Critical, "cpu");
        if restart {
            sim.restart();
        }
        sim.told.clear();
        sim.advance(min(2));
        let last = sim.told.last().map(|t| (t.to.as_str(), t.at.since(START).as_secs()));
        assert_eq!(last, Some(("slack", if restart { 17 } else { 15 })));
    }
}

#[test]
fn nothing_is_due_while_it_shuts_down() {
    let mut sim = Sim::new(each());
    sim.scripts.insert("slack".to_owned(), Box::new(|_| (sec(60), Outcome::Sent)));
    sim.fire(Warning, "a");
    sim.engine.draining = true;
    sim.turn(|engine, now| engine.sweep_at = now.steady);
    sim.fire(Warning, "b");
    assert_eq!(sim.engine.next_due(), Moment::MAX);
}

#[test]
fn there_is_room_for_what_is_known() {
    let mut config = each();
    config.limits.alerts = 2;
    let mut sim = Sim::new(config);
    sim.fire(Warning, "a");
    sim.fire(Warning, "b");
    let [known, new] = ["a", "c"].map(|title| Arrival::new(sim.alert(Warning, title).build().unwrap()));
    assert!(sim.engine.has_room_for(std::slice::from_ref(&known)));
    assert!(!sim.engine.has_room_for(&[known, new]));
}

#[test]
fn a_template_changes_the_words_of_its_receiver() {
    let mut config = each();
    config.routes[0].receivers = Some(vec!["slack".to_owned(), "log".to_owned()]);
    let shout = TemplateConfig::new().title("{{ severity | upper }}: {{ title }} on {{ alerts[0].source }}");
    config.templates.insert("slack".to_owned(), shout);
    let mut sim = Sim::new(config);
    sim.fire(Warning, "a");
    assert_eq!(sim.news(), ["log Firing 1+0 @0 a", "slack Firing 1+0 @0 WARNING: a on web-01"]);
}

#[test]
fn what_is_old_is_forgotten() {
    let mut config = each();
    config.limits.retention = min(60);
    let mut sim = Sim::new(config);
    sim.fire(Warning, "a");
    sim.fire(Warning, "fires on");
    sim.resolve("a");
    sim.advance(min(300));
    assert_eq!(sim.alerts().len(), 1);
    assert_eq!(sim.notifications().len(), 1, "the reminder");
}
