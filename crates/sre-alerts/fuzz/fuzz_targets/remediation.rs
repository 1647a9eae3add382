//! Rules and labels of any text: an argument is filled in as it is, or the alert is left alone.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use sre_alerts::Alert;
use sre_alerts::remediation::{Action, Argv, Config, Engine, Rule, Step, Verdict};
use sre_core::Severity;

fuzz_target!(|parts: (&str, &str, &str)| {
    let (template, host, label) = parts;
    let mut command = Argv::default();
    command.argv = vec!["program".to_owned(), template.to_owned(), "{label.service}".to_owned()];
    let mut rule = Rule::default();
    rule.name = "rule".to_owned();
    rule.when.kind = "kind".to_owned();
    rule.action = Some(Action::Command(command));
    let mut config = Config::default();
    config.rules = vec![rule];
    config.fleet = vec!["web-01".to_owned()];
    let Ok(mut engine) = Engine::new(config) else { return };
    let host = if host.len() % 2 == 0 { "web-01" } else { host };
    let alert = Alert::builder(Severity::Critical, "x").label("type", "kind").label("host", host).label("service", label);
    let Ok(alert) = alert.starts_at(Timestamp::UNIX_EPOCH).build() else { return };
    for decision in engine.decide(&alert, std::time::Instant::now().into()) {
        if let Verdict::DryRun(plan) = decision.verdict
            && let Step::Command { argv, .. } = plan.step
        {
            assert_eq!((argv.len(), argv[2].as_str(), plan.host.as_str()), (3, label, "web-01"));
            assert!(!label.starts_with('-') && !label.contains([' ', '\n', ';', '$', '`', '\'', '"']));
        }
    }
});
