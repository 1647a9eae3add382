//! The decision: which rule does what about an alert, or why it does not. No I/O, no clock of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use sre_core::duration;
use tokio::time::Instant;

use super::breaker::Breaker;
use super::ledger::Ledger;
use super::plan::{Plan, Ready};
use super::rule::{Config, InvalidRule};
use crate::alert::Alert;
use crate::host::HostName;

/// The source of the alerts that remediation itself raises; no rule acts upon them.
pub const SOURCE: &str = "remediation";

/// Rules and what they did lately.
#[derive(Debug)]
pub struct Engine {
    rules: Vec<State>,
    fleet: BTreeSet<HostName>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) ready: Ready,
    pub(super) ledger: Ledger,
    pub(super) breaker: Breaker,
}

/// What one rule says to an alert that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// The rule.
    pub rule: String,
    /// What to do.
    pub verdict: Verdict,
}

/// Do it, say it, or leave it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Execute the plan, and tell [`Engine::finished`].
    Run(Plan),
    /// The rule is being watched: only say what would be done.
    DryRun(Plan),
    /// Do nothing.
    Skip(Why),
}

/// Why nothing is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// The alert has no label `host` or `instance` that is a host name.
    NoHost,
    /// The host is not one of the fleet.
    NotOurs(HostName),
    /// A label that the action needs is missing, or its value is not taken as an argument; the text names it.
    Unfit(String),
    /// The rule is at work there.
    Running(HostName),
    /// The rule was there lately.
    Cooldown(HostName, Duration),
    /// The hour's runs are used up.
    Budget(u32),
    /// Too large a part of the fleet was touched within an hour.
    FleetShare(usize),
    /// The fix does not fix: off for this long.
    BreakerOpen(Duration),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", content = "why", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunOutcome {
    /// The check passed.
    Fixed,
    /// The action was done, the check did not pass.
    NotFixed(String),
    /// The action could not be done.
    Failed(String),
}

// === impl Engine ===

impl Engine {
    /// Checks the rules.
    ///
    /// # Errors
    /// A rule that makes no sense, two of one name, a fleet with something else than host names.
    pub fn new(config: Config) -> Result<Self, InvalidRule> {
        let mut names = BTreeSet::new();
        let mut rules = Vec::new();
        for rule in config.rules {
            if !names.insert(rule.name.clone()) {
                return Err(InvalidRule::new("there are two rules of this name").of(&rule.name));
            }
            rules.push(State { ready: Ready::new(rule)?, ledger: Ledger::default(), breaker: Breaker::default() });
        }
        let host = |text: &String| text.parse().map_err(|why| InvalidRule::new(format!("fleet: `{text}` is {why}")));
        Ok(Self { rules, fleet: config.fleet.iter().map(host).collect::<Result<_, _>>()? })
    }

    /// The hosts that may be touched, from an inventory that changes.
    pub fn set_fleet(&mut self, fleet: BTreeSet<HostName>) {
        self.fleet = fleet;
    }

    /// What each rule that is for this alert says. A plan to run counts as begun.
    pub fn decide(&mut self, alert: &Alert, now: Instant) -> Vec<Decision> {
        if alert.is_resolved() || alert.source == SOURCE {
            return Vec::new();
        }
        let host = host_of(alert);
        let fleet = &self.fleet;
        let concerned = self.rules.iter_mut().filter(|state| state.is_for(alert));
        concerned
            .map(|state| Decision {
                rule: state.ready.rule.name.clone(),
                verdict: state.decide(alert, host.as_ref(), fleet, now).unwrap_or_else(Verdict::Skip),
            })
            .collect()
    }

    /// A run has ended. Says for how long the rule is off now, if its breaker opened.
    pub fn finished(&mut self, plan: &Plan, outcome: &RunOutcome, now: Instant) -> Option<Duration> {
        let state = self.state(&plan.rule)?;
        state.ledger.end(&plan.host);
        let config = &state.ready.rule.breaker;
        state.breaker.end(*outcome == RunOutcome::Fixed, now, config).then_some(config.open_for)
    }

    /// The severity with which a rule escalates.
    pub(super) fn escalate(&self, rule: &str) -> sre_core::Severity {
        let found = self.rules.iter().find(|state| state.ready.rule.name == rule);
        found.map_or(sre_core::Severity::Critical, |state| state.ready.rule.escalate)
    }

    pub(super) fn state(&mut self, rule: &str) -> Option<&mut State> {
        self.rules.iter_mut().find(|state| state.ready.rule.name == rule)
    }
}

// === impl State ===

impl State {
    fn is_for(&self, alert: &Alert) -> bool {
        let when = &self.ready.rule.when;
        let kind = alert.labels.get("type").or_else(|| alert.labels.get("alertname"));
        kind == Some(&when.kind)
            && alert.severity >= when.severity
            && when
                .labels
                .iter()
                .all(|(name, values)| alert.labels.get(name).is_some_and(|value| values.contains(value)))
    }

    fn decide(
        &mut self,
        alert: &Alert,
        host: Option<&HostName>,
        fleet: &BTreeSet<HostName>,
        now: Instant,
    ) -> Result<Verdict, Why> {
        let host = host.ok_or(Why::NoHost)?;
        if !fleet.contains(host) {
            return Err(Why::NotOurs(host.clone()));
        }
        let plan = self.ready.plan(alert, host).map_err(|unfit| Why::Unfit(unfit.label))?;
        self.within_bounds(host, fleet.len(), now)?;
        self.ledger.begin(host, now);
        if self.ready.rule.dry_run {
            self.ledger.end(host);
            return Ok(Verdict::DryRun(plan));
        }
        self.breaker.begin();
        Ok(Verdict::Run(plan))
    }

    fn within_bounds(&mut self, host: &HostName, fleet: usize, now: Instant) -> Result<(), Why> {
        let rule = &self.ready.rule;
        self.ledger.forget(now, rule.cooldown);
        if self.ledger.is_running(host) {
            return Err(Why::Running(host.clone()));
        }
        if let Some(until) = self.breaker.open_until(now) {
            return Err(Why::BreakerOpen(until.duration_since(now)));
        }
        if let Some(left) = self.ledger.cooling(host, now, rule.cooldown) {
            return Err(Why::Cooldown(host.clone(), left));
        }
        if self.ledger.runs(now) >= rule.hourly_budget as usize {
            return Err(Why::Budget(rule.hourly_budget));
        }
        let most = ((fleet as f64 * rule.fleet_share).floor() as usize).max(1);
        if self.ledger.hosts_with(host, now) > most { Err(Why::FleetShare(most)) } else { Ok(()) }
    }
}

/// The label `host`, or `instance` without its port.
fn host_of(alert: &Alert) -> Option<HostName> {
    if let Some(host) = alert.labels.get("host") {
        return host.parse().ok();
    }
    let instance = alert.labels.get("instance")?;
    instance.parse().or_else(|_| instance.rsplit_once(':').map_or("", |(host, _)| host).parse()).ok()
}

// === impl Why ===

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost => f.write_str("the alert names no host"),
            Self::NotOurs(host) => write!(f, "{host} is not one of the fleet"),
            Self::Unfit(label) => write!(f, "the label {label} is missing or cannot be taken as an argument"),
            Self::Running(host) => write!(f, "it is at work on {host}"),
            Self::Cooldown(host, left) => write!(f, "it was on {host} lately: {} to go", duration::format(*left)),
            Self::Budget(runs) => write!(f, "{runs} runs an hour are used up"),
            Self::FleetShare(hosts) => write!(f, "{hosts} hosts an hour are the allowed part of the fleet"),
            Self::BreakerOpen(left) => write!(f, "it did not help lately: off for {}", duration::format(*left)),
        }
    }
}

impl fmt::Display for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed => f.write_str("fixed"),
            Self::NotFixed(why) => write!(f, "not fixed: {why}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

/// Labels for tests and for [`Alert`]s of our own.
pub(super) fn labels(rule: &str, host: &HostName) -> BTreeMap<String, String> {
    BTreeMap::from([("rule".to_owned(), rule.to_owned()), ("host".to_owned(), host.to_string())])
}
