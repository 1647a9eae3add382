//! Remediation: its bounds, its driver, the example rules on a real machine, and what hostile alerts come to.

mod books;
mod bounds;
mod driver;
mod examples;
#[cfg(feature = "server")]
mod hostile;
mod local;
mod restart;

use jiff::Timestamp;
use sre_alerts::Alert;
use sre_alerts::alert::AlertBuilder;
use sre_alerts::remediation::{Action, Argv, Config, Rule, Verify};
use sre_core::Severity;

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A rule for `high_cpu` that restarts the service of the alert, and checks once.
fn rule() -> Rule {
    let mut rule = Rule::default();
    rule.name = "restart".to_owned();
    rule.when.kind = "high_cpu".to_owned();
    let mut command = Argv::default();
    command.argv = argv(&["restart", "{label.service}"]);
    rule.action = Some(Action::Command(command));
    let mut verify = Verify::default();
    verify.argv = argv(&["check", "{host}"]);
    verify.tries = 2;
    rule.verify = Some(verify);
    rule.dry_run = false;
    rule
}

/// The rule, and a fleet of `web-0`, `web-1`, ….
fn config(rule: Rule, hosts: usize) -> Config {
    let mut config = Config::default();
    config.rules = vec![rule];
    config.fleet = (0..hosts).map(|n| format!("web-{n}")).collect();
    config
}

fn builder(host: &str) -> AlertBuilder {
    Alert::builder(Severity::Critical, "cpu is busy")
        .source(host)
        .label("type", "high_cpu")
        .label("host", host)
        .label("service", "api")
        .starts_at(Timestamp::UNIX_EPOCH)
}

fn alert(host: &str) -> Alert {
    builder(host).build().unwrap()
}
