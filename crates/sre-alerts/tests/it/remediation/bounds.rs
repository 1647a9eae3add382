//! Each bound of the engine, alone.

use std::time::Duration;

use sre_alerts::Alert;
use sre_alerts::remediation::{Engine, Plan, Rule, RunOutcome, Step, Verdict, Why};
use sre_core::Severity;
use tokio::time::Instant;

use super::{alert, builder, config, rule};

const MINUTE: Duration = Duration::from_secs(60);

struct Bench {
    engine: Engine,
    now: Instant,
}

impl Bench {
    fn new(rule: Rule, hosts: usize) -> Self {
        Self { engine: Engine::new(config(rule, hosts)).unwrap(), now: Instant::now() + Duration::from_secs(100_000) }
    }

    fn decide(&mut self, alert: &Alert) -> Option<Verdict> {
        self.engine.decide(alert, self.now).pop().map(|decision| decision.verdict)
    }

    fn run(&mut self, host: &str) -> Plan {
        match self.decide(&alert(host)) {
            Some(Verdict::Run(plan)) => plan,
            other => panic!("{other:?}"),
        }
    }

    fn skip(&mut self, host: &str) -> Why {
        match self.decide(&alert(host)) {
            Some(Verdict::Skip(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    fn end(&mut self, plan: &Plan, helped: bool) -> Option<Duration> {
        let outcome = if helped { RunOutcome::Fixed } else { RunOutcome::NotFixed("x".into()) };
        self.engine.finished(plan, &outcome, self.now)
    }
}

#[test]
fn a_plan_is_whole_arguments() {
    let mut bench = Bench::new(rule(), 10);
    let plan = bench.run("web-3");
    let Step::Command { argv, .. } = &plan.step else { panic!() };
    assert_eq!(argv, &["restart", "api"]);
    let Step::Command { argv, .. } = &plan.check.unwrap().step else { panic!() };
    assert_eq!(argv, &["check", "web-3"]);
}

#[test]
fn only_what_a_rule_is_for() {
    let mut limited = rule();
    limited.when.labels.insert("service".to_owned(), vec!["api".to_owned(), "web".to_owned()]);
    let mut bench = Bench::new(limited, 10);
    for none in [
        builder("web-0").label("type", "disk_full"),
        builder("web-0").label("service", "db"),
        builder("web-0").source("remediation"),
        builder("web-0").resolved_at(jiff::Timestamp::UNIX_EPOCH),
    ] {
        assert_eq!(bench.decide(&none.build().unwrap()), None);
    }
    let mild =
        Alert::builder(Severity::Info, "x").label("type", "high_cpu").label("host", "web-0").label("service", "api");
    assert_eq!(bench.decide(&mild.starts_at(jiff::Timestamp::UNIX_EPOCH).build().unwrap()), None);
    let alertname = Alert::builder(Severity::Error, "x")
        .label("alertname", "high_cpu")
        .label("instance", "web-0:9100")
        .label("service", "api")
        .starts_at(jiff::Timestamp::UNIX_EPOCH);
    assert!(matches!(bench.decide(&alertname.build().unwrap()), Some(Verdict::Run(_))));
}

#[test]
fn only_hosts_of_the_fleet() {
    let mut bench = Bench::new(rule(), 2);
    assert_eq!(bench.skip("web-7"), Why::NotOurs("web-7".parse().unwrap()));
    for hostile in ["web-0;reboot", "$(reboot)", "-oProxyCommand=x", "../web-0", "web-0\n", ""] {
        assert_eq!(bench.skip(hostile), Why::NoHost, "{hostile:?}");
    }
}

#[test]
fn a_label_that_is_no_argument() {
    let mut bench = Bench::new(rule(), 2);
    let hostile = builder("web-0").label("service", "api; reboot").build().unwrap();
    assert_eq!(bench.decide(&hostile), Some(Verdict::Skip(Why::Unfit("service".to_owned()))));
    bench.run("web-0");
}

#[test]
fn one_run_a_host_and_a_cooldown() {
    let mut bench = Bench::new(rule(), 10);
    let plan = bench.run("web-0");
    assert_eq!(bench.skip("web-0"), Why::Running("web-0".parse().unwrap()));
    bench.end(&plan, true);
    bench.now += 14 * MINUTE;
    assert_eq!(bench.skip("web-0"), Why::Cooldown("web-0".parse().unwrap(), MINUTE));
    bench.now += MINUTE;
    bench.run("web-0");
}

#[test]
fn a_budget_an_hour() {
    let mut cheap = rule();
    (cheap.hourly_budget, cheap.fleet_share) = (3, 1.0);
    let mut bench = Bench::new(cheap, 10);
    for n in 0..3 {
        let plan = bench.run(&format!("web-{n}"));
        bench.end(&plan, true);
        bench.now += 10 * MINUTE;
    }
    assert_eq!(bench.skip("web-3"), Why::Budget(3));
    bench.now += 30 * MINUTE;
    bench.run("web-3");
    assert_eq!(bench.skip("web-4"), Why::Budget(3));
}

#[test]
fn a_part_of_the_fleet() {
    let mut shared = rule();
    (shared.hourly_budget, shared.fleet_share) = (100, 0.2);
    let mut bench = Bench::new(shared.clone(), 19);
    for host in ["web-0", "web-1", "web-2"] {
        let plan = bench.run(host);
        bench.end(&plan, true);
    }
    assert_eq!(bench.skip("web-3"), Why::FleetShare(3));
    bench.now += 20 * MINUTE;
    bench.run("web-0"); // touched already
    // One host is always allowed.
    let mut small = Bench::new(shared, 3);
    small.run("web-0");
    assert_eq!(small.skip("web-1"), Why::FleetShare(1));
}

#[test]
fn the_breaker_opens_when_the_fix_does_not_fix() {
    let mut often = rule();
    (often.hourly_budget, often.fleet_share, often.cooldown) = (100, 1.0, Duration::ZERO);
    let mut bench = Bench::new(often, 10);
    let hour = Duration::from_secs(3600);
    let plan = bench.run("web-0");
    assert_eq!(bench.end(&plan, false), None);
    let plan = bench.run("web-1");
    assert_eq!(bench.end(&plan, true), None, "one that helped starts the count anew");
    for expected in [None, Some(hour)] {
        let plan = bench.run("web-2");
        assert_eq!(bench.end(&plan, false), expected);
    }
    assert_eq!(bench.skip("web-3"), Why::BreakerOpen(hour));
    bench.now += hour;
    let test = bench.run("web-3");
    assert!(matches!(bench.skip("web-4"), Why::BreakerOpen(_)), "one run is the test");
    assert_eq!(bench.end(&test, false), Some(hour));
    bench.now += hour;
    let test = bench.run("web-3");
    assert_eq!(bench.end(&test, true), None);
    bench.run("web-4");
    bench.run("web-5");
}

#[test]
fn a_new_rule_only_says_what_it_would_do() {
    let mut watched = rule();
    watched.dry_run = Rule::default().dry_run;
    let mut bench = Bench::new(watched, 10);
    assert!(matches!(bench.decide(&alert("web-0")), Some(Verdict::DryRun(_))));
    assert!(matches!(bench.skip("web-0"), Why::Cooldown(..)), "as often as it would act");
}
