//! What `explain` prints.

use std::time::Duration;

use sre_core::Severity::{Critical, Info, Warning};

use super::config::Config;
use super::sim::{START, Sim, min, sec};
use crate::stage::{InhibitRule, RouteConfig, WindowConfig};

#[test]
fn every_verdict_with_its_reasons() {
    let m = |text: &str| text.parse().unwrap();
    let page = RouteConfig::new("page", ["pagerduty"]).matching(m("severity=critical")).group_by(["..."]);
    let config = Config {
        routes: vec![
            page.grouping(Duration::ZERO, Duration::ZERO).go_on(),
            RouteConfig::new("chat", ["slack"])
                .matching(m("severity>=warning"))
                .group_by(["service"])
                .grouping(sec(10), min(1)),
        ],
        inhibit: vec![InhibitRule::new("switch", [m("title=switch")], [m("title=~host.*")], ["source"])],
        windows: vec![
            WindowConfig::once("patches", START.timestamp(), (START + min(30)).timestamp())
                .matching(m("title=patched")),
        ],
        ..Config::default()
    };
    let mut sim = Sim::new(config);
    sim.silence("title=known", min(30));
    for (severity, title) in [(Critical, "switch"), (Warning, "told"), (Warning, "over"), (Warning, "ended")] {
        sim.fire(severity, title);
    }
    sim.advance(min(1));
    sim.fire(Warning, "waits");
    sim.resolve("over");
    sim.advance(min(1));
    sim.fire(Warning, "joins");
    let mut text = String::new();
    for (severity, title, over) in [
        (Critical, "new", false),
        (Info, "new", false),
        (Warning, "host a", false),
        (Warning, "known", false),
        (Warning, "patched", false),
        (Warning, "told", false),
        (Critical, "told", false),
        (Warning, "joins", false),
        (Warning, "over", false),
        (Info, "told", true),
        (Info, "new", true),
    ] {
        let asked = sim.alert(severity, title).label("service", "api");
        let asked = if over { asked.resolved_at(sim.now.timestamp()) } else { asked };
        let asked = asked.build().unwrap();
        let now = sim.time();
        let said = sim.engine.explain(&asked, now);
        text.push_str(&format!("# {severity} {title}{}\n{said}\n\n", if over { ", over" } else { "" }));
    }
    insta::assert_snapshot!(text);
}
