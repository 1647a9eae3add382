//! A rule that was checked, and what it makes of an alert: a plan of plain data.

use serde::Serialize;
use serde_json::json;

use std::collections::BTreeMap;
use std::time::Duration;

use super::rule::{Action, InvalidRule, Rule, Verify};
use super::template::{Template, Unfit};
use crate::alert::Alert;
use crate::host::HostName;

/// Programs that read a script from an argument.
const SHELLS: [&str; 9] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "busybox"];

/// What is to be done on one host because of one alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The rule.
    pub rule: String,
    /// The host.
    pub host: HostName,
    /// The alert's dedup key.
    pub alert: String,
    /// What to do.
    pub step: Step,
    /// What to look at afterwards.
    pub check: Option<Check>,
}

/// Something to execute. All of it is data: hand it on as arguments or JSON, never as shell text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Run a program on the host.
    Command {
        /// The program, then its arguments.
        argv: Vec<String>,
        /// How long it may take.
        #[serde(with = "sre_core::duration::serde")]
        timeout: Duration,
    },
    /// Add replicas to a workload.
    Scale {
        /// Its name.
        workload: String,
        /// How many more.
        add: u32,
        /// Never more than this.
        max: u32,
    },
    /// Post to a webhook of the configuration.
    Webhook {
        /// Its name.
        name: String,
        /// The JSON to post.
        body: String,
    },
}

/// A check that must pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What to run on the host; success is a pass.
    pub step: Step,
    /// When to look first.
    #[serde(with = "sre_core::duration::serde")]
    pub after: Duration,
    /// When to look again.
    #[serde(with = "sre_core::duration::serde")]
    pub every: Duration,
    /// How often.
    pub tries: u32,
}

/// A rule whose templates are read.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) rule: Rule,
    action: Prepared,
    verify: Option<(Vec<Template>, Verify)>,
}

#[derive(Debug)]
enum Prepared {
    Command(Vec<Template>, Duration),
    Scale(Template, u32, u32),
    Webhook(String),
}

// === impl Ready ===

impl Ready {
    pub(super) fn new(rule: Rule) -> Result<Self, InvalidRule> {
        let name = rule.name.clone();
        Self::prepare(rule).map_err(|invalid| invalid.of(&name))
    }

    fn prepare(rule: Rule) -> Result<Self, InvalidRule> {
        bounds(&rule)?;
        let vars = &rule.vars;
        let action = match rule.action.as_ref().ok_or_else(|| InvalidRule::new("it has no action"))? {
            Action::Command(command) => Prepared::Command(argv(&command.argv, vars)?, command.timeout),
            Action::Scale { workload, add, max } => Prepared::Scale(Template::parse(workload, vars)?, *add, *max),
            Action::Webhook { name } => Prepared::Webhook(name.clone()),
        };
        let verify = match &rule.verify {
            Some(verify) if verify.tries == 0 => return Err(InvalidRule::new("verify.tries is zero")),
            Some(verify) => Some((argv(&verify.argv, vars)?, verify.clone())),
            None => None,
        };
        Ok(Self { rule, action, verify })
    }

    /// What the rule makes of this alert of this host.
    pub(super) fn plan(&self, alert: &Alert, host: &HostName) -> Result<Plan, Unfit> {
        let vars = &self.rule.vars;
        let fill = |template: &Template| template.fill(host, &alert.labels, vars);
        let command = |templates: &[Template], timeout: Duration| -> Result<Step, Unfit> {
            Ok(Step::Command { argv: templates.iter().map(fill).collect::<Result<_, _>>()?, timeout })
        };
        let step = match &self.action {
            Prepared::Command(templates, timeout) => command(templates, *timeout)?,
            Prepared::Scale(workload, add, max) => Step::Scale { workload: fill(workload)?, add: *add, max: *max },
            Prepared::Webhook(name) => {
                let body = json!({ "rule": self.rule.name, "host": host, "alert": alert });
                Step::Webhook { name: name.clone(), body: body.to_string() }
            }
        };
        let check = match &self.verify {
            None => None,
            Some((templates, Verify { timeout, after, every, tries, .. })) => {
                Some(Check { step: command(templates, *timeout)?, after: *after, every: *every, tries: *tries })
            }
        };
        let (rule, alert) = (self.rule.name.clone(), alert.key().as_str().to_owned());
        Ok(Plan { rule, host: host.clone(), alert, step, check })
    }
}

fn bounds(rule: &Rule) -> Result<(), InvalidRule> {
    let fault = match rule {
        rule if rule.name.is_empty() => "a rule has no name",
        rule if rule.when.kind.is_empty() => "when.type is empty",
        rule if rule.hourly_budget == 0 => "hourly_budget is zero",
        rule if rule.breaker.failures == 0 => "breaker.failures is zero",
        rule if !(0.0..=1.0).contains(&rule.fleet_share) => "fleet_share is a part of the fleet, from 0 to 1",
        _ => return Ok(()),
    };
    Err(InvalidRule::new(fault))
}

fn argv(words: &[String], vars: &BTreeMap<String, String>) -> Result<Vec<Template>, InvalidRule> {
    let templates: Vec<Template> = words.iter().map(|word| Template::parse(word, vars)).collect::<Result<_, _>>()?;
    match templates.first() {
        None => return Err(InvalidRule::new("argv is empty")),
        Some(program) if program.is_from_outside() => {
            return Err(InvalidRule::new("the program cannot come from an alert"));
        }
        Some(_) => {}
    }
    if script(words).is_some_and(|script| templates[script].is_from_outside()) {
        let why = "an alert's words cannot be part of a script: pass them after it, and use \"$1\" in it";
        return Err(InvalidRule::new(why));
    }
    Ok(templates)
}

/// The place of a shell's script among the arguments: what follows `-c`.
fn script(words: &[String]) -> Option<usize> {
    let is_shell = |word: &String| word.rsplit('/').next().is_some_and(|name| SHELLS.contains(&name));
    let shell = words.iter().position(is_shell)?;
    let is_option_c = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.contains('c');
    let option = words.iter().skip(shell).position(is_option_c)? + shell;
    (option + 1 < words.len()).then_some(option + 1)
}

#[cfg(test)]
mod tests {
    use super::super::rule::Argv;
    use super::*;

    fn ready(argv: &[&str]) -> Result<Ready, InvalidRule> {
        let mut rule = Rule { name: "r".into(), ..Rule::default() };
        rule.when.kind = "t".into();
        rule.action =
            Some(Action::Command(Argv { argv: argv.iter().map(|w| (*w).to_owned()).collect(), ..Argv::default() }));
        Ready::new(rule)
    }

    #[test]
    fn an_alert_never_becomes_script() {
        for argv in [
            &["sh", "-c", "restart {label.service}"][..],
            &["sudo", "/bin/bash", "-euc", "echo {host}"],
            &["env", "A=b", "busybox", "sh", "-c", "{label.x}"],
        ] {
            let error = ready(argv).unwrap_err().to_string();
            assert!(error.starts_with("rule r: an alert's words cannot be part of a script"), "{error}");
        }
        assert_eq!(
            ready(&["{label.x}", "a"]).unwrap_err().to_string(),
            "rule r: the program cannot come from an alert"
        );
        assert_eq!(ready(&[]).unwrap_err().to_string(), "rule r: argv is empty");
        assert!(ready(&["sh", "-c", "systemctl restart \"$1\"", "sh", "{label.service}"]).is_ok());
    }

    #[test]
    fn rules_that_make_no_sense() {
        let fine = || {
            let mut rule = Rule { name: "r".into(), ..Rule::default() };
            rule.when.kind = "t".into();
            rule.action = Some(Action::Webhook { name: "x".into() });
            rule
        };
        assert!(Ready::new(fine()).is_ok());
        type Spoil = fn(&mut Rule);
        let faults: [(Spoil, &str); 5] = [
            (|rule| rule.action = None, "rule r: it has no action"),
            (|rule| rule.when.kind.clear(), "rule r: when.type is empty"),
            (|rule| rule.fleet_share = 1.5, "rule r: fleet_share is a part of the fleet, from 0 to 1"),
            (|rule| rule.name.clear(), "a rule has no name"),
            (|rule| rule.hourly_budget = 0, "rule r: hourly_budget is zero"),
        ];
        for (spoil, expected) in faults {
            let mut rule = fine();
            spoil(&mut rule);
            assert_eq!(Ready::new(rule).unwrap_err().to_string(), expected);
        }
    }
}
