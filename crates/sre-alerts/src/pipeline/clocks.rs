//! Clocks that are set: by NTP, by hand, twice a year.

use std::time::Duration;

use sre_core::Severity::{Critical, Warning};

use super::config::Config;
use super::sim::{START, Sim, min, sec};
use crate::stage::{NewSilence, RouteConfig, WindowConfig};

const JUMPS: [i64; 6] = [1_500, -1_500, 3_600_000, -3_600_000, 86_400_000, -86_400_000];

fn each() -> Config {
    let route = RouteConfig::new("all", ["slack"]).group_by(["..."]).grouping(Duration::ZERO, Duration::ZERO);
    Config { routes: vec![route], ..Config::default() }
}

#[test]
fn setting_the_clock_neither_loses_nor_repeats() {
    let route = RouteConfig::new("all", ["slack"]).grouping(sec(10), min(1));
    let run = |jump: i64| {
        let mut sim = Sim::new(Config { routes: vec![route.clone()], ..Config::default() });
        sim.fire(Warning, "a");
        sim.advance(sec(5));
        sim.ahead += jump;
        sim.advance(min(5));
        sim.fire(Warning, "a");
        sim.fire(Warning, "b");
        sim.ahead -= 2 * jump;
        sim.advance(min(1));
        sim.fire(Warning, "a");
        sim.resolve("b");
        sim.advance(min(250));
        sim.check();
        sim.news()
    };
    let steady = run(0);
    assert_eq!(steady.len(), 4, "{steady:?}");
    for jump in [1_000, -1_000, 3_600_000, -3_600_000, 86_400_000, -86_400_000] {
        assert_eq!(run(jump), steady, "{jump}");
    }
}

/// Europe/Berlin, 29 March 2026: the night has no 02:30. The window of that night opens at 03:00 and is an hour long.
#[test]
fn a_window_in_the_night_of_summer_time() {
    let start: jiff::Timestamp = "2026-03-29T00:30:00Z".parse().unwrap();
    let route = RouteConfig::new("all", ["slack"]).group_by(["..."]).grouping(Duration::ZERO, Duration::ZERO);
    let window = WindowConfig::cron("night", "30 2 * * *", "Europe/Berlin", min(60));
    let mut sim = Sim::new(Config { routes: vec![route], windows: vec![window], ..Config::default() });
    sim.ahead = start.as_millisecond() - START.0;
    sim.fire(Warning, "before");
    sim.advance(min(45));
    sim.fire(Warning, "within");
    sim.advance(min(90));
    assert_eq!(sim.news(), ["slack Firing 1+0 @0 before", "slack Firing 1+0 @5400 within"]);
}

#[test]
fn the_window_of_suppression_survives_a_clock_that_was_set_back_while_it_was_down() {
    let route = RouteConfig::new("all", ["slack"]).group_by(["..."]).grouping(Duration::ZERO, Duration::ZERO);
    let mut sim = Sim::new(Config { routes: vec![route], ..Config::default() });
    assert_eq!(sim.engine.store.load().unwrap().last, None);
    sim.fire(Warning, "a");
    sim.advance(min(1));
    let last = sim.engine.store.load().unwrap().last.unwrap();
    assert!(last >= START, "the steady clock goes on from there: {last}");
}

/// Ten minutes are ten minutes, for what is held and for what comes.
#[test]
fn a_silence_from_now_on_lasts_as_long_as_it_says() {
    for jump in JUMPS {
        let mut sim = Sim::new(each());
        sim.fire(Warning, "before");
        sim.silence("source=web-01", min(10));
        sim.fire(Warning, "held");
        sim.ahead += jump;
        sim.advance(min(5));
        sim.fire(Warning, "within");
        sim.fire(Critical, "before");
        sim.advance(min(4));
        assert_eq!(sim.news(), ["slack Firing 1+0 @0 before"], "{jump}");
        sim.advance(min(2));
        let mut news = sim.news();
        news.sort();
        let expected = ["before", "held", "within"].map(|title| format!("slack Firing 1+0 @600 {title}"));
        assert_eq!(news, expected, "{jump}");
    }
}

#[test]
fn what_is_planned_goes_by_the_clock() {
    let at = |minutes| (START + min(minutes)).timestamp();
    for (jump, silenced) in [(-3_600_000, false), (0, true), (3_600_000, false)] {
        let mut config = each();
        config.windows.push(WindowConfig::once("patches", at(30), at(60)).matching("title=a".parse().unwrap()));
        let mut sim = Sim::new(config);
        let planned = NewSilence::new("anna", "move", min(30)).starts_at(at(30)).matching("title=b".parse().unwrap());
        sim.turn(|engine, now| engine.add_silence(planned, now).unwrap());
        sim.ahead = jump;
        sim.advance(min(40));
        sim.fire(Warning, "a");
        sim.fire(Warning, "b");
        assert_eq!(sim.told.is_empty(), silenced, "{jump}");
    }
}

/// What was held until some time on the wall does not wait for it when the clock has passed it meanwhile.
#[test]
fn a_clock_that_is_set_forward_past_the_end_of_a_window_sends() {
    let mut config = each();
    config.windows.push(WindowConfig::once("patches", START.timestamp(), (START + min(60 * 24 * 365)).timestamp()));
    let mut sim = Sim::new(config);
    sim.fire(Warning, "a");
    sim.advance(min(10));
    assert_eq!(sim.news(), [""; 0]);
    sim.ahead += 366 * 86_400_000;
    sim.advance(min(1));
    assert_eq!(sim.news(), ["slack Firing 1+0 @660 a"]);
    sim.advance(min(60));
    assert_eq!(sim.news(), [""; 0]);
}

/// Back in time there is no window; forward again it goes on; nothing is told twice.
#[test]
fn a_clock_that_goes_back_and_forth_around_a_window() {
    let mut config = each();
    config.windows.push(WindowConfig::once("patches", START.timestamp(), (START + min(30)).timestamp()));
    let mut sim = Sim::new(config);
    sim.fire(Warning, "held");
    sim.ahead -= 3_600_000;
    sim.advance(min(2));
    sim.ahead += 3_600_000;
    sim.advance(min(2));
    sim.fire(Warning, "held");
    sim.fire(Warning, "within");
    sim.advance(min(60));
    assert_eq!(sim.news(), ["slack Firing 1+0 @60 held", "slack Firing 1+0 @1800 within"]);
}
