//! Rules as they are written: when, what, how often, how it is checked.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sre_core::Severity;

/// All rules and what they may touch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Config {
    /// The rules; each one that fits an alert is tried.
    pub rules: Vec<Rule>,
    /// The hosts that may be touched. An alert of another host is none of our business, whoever sent it.
    pub fleet: Vec<String>,
}

/// What to do about which alerts, within which bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Rule {
    /// A name for logs and people, unique.
    pub name: String,
    /// Which alerts.
    pub when: When,
    /// What to do.
    pub action: Option<Action>,
    /// Values for `{var.NAME}`.
    pub vars: BTreeMap<String, String>,
    /// How to see that it helped. Without it, the action's own success counts.
    pub verify: Option<Verify>,
    /// Only say what would be done. Default: true; a new rule is watched first.
    pub dry_run: bool,
    /// The time between two runs on one host. Default: 15 min.
    #[serde(with = "sre_core::duration::serde")]
    pub cooldown: Duration,
    /// Runs in an hour, on all hosts together. Default: 5.
    pub hourly_budget: u32,
    /// Hosts touched in an hour, as a part of the fleet; one is always allowed. Default: 0.1.
    pub fleet_share: f64,
    /// When to stop trying.
    pub breaker: Breaker,
    /// The severity of the alert that says that it did not help. Default: critical.
    pub escalate: Severity,
}

/// Which alerts a rule is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct When {
    /// The label `type`, or where there is none `alertname`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Other labels, each with the values it may have.
    pub labels: BTreeMap<String, Vec<String>>,
    /// At least this. Default: warning.
    pub severity: Severity,
}

/// What a rule does. Arguments have places: see the [module](super).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Runs a program on the host. No shell: these are its arguments, the program first.
    Command(Argv),
    /// Adds replicas to a workload.
    Scale {
        /// Its name; may have places.
        workload: String,
        /// How many more.
        add: u32,
        /// Never more than this.
        max: u32,
    },
    /// Posts to a webhook of the configuration, by its name.
    Webhook {
        /// The name.
        name: String,
    },
}

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Argv {
    /// The program, then its arguments.
    pub argv: Vec<String>,
    /// How long it may take. Default: 1 min.
    #[serde(with = "sre_core::duration::serde")]
    pub timeout: Duration,
}

/// A check on the host that must pass (exit 0).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Verify {
    /// The program, then its arguments; they have places too.
    pub argv: Vec<String>,
    /// How long one check may take. Default: 1 min.
    #[serde(with = "sre_core::duration::serde")]
    pub timeout: Duration,
    /// When to look first. Default: 30 s.
    #[serde(with = "sre_core::duration::serde")]
    pub after: Duration,
    /// When to look again. Default: 30 s.
    #[serde(with = "sre_core::duration::serde")]
    pub every: Duration,
    /// How often to look before it counts as not fixed. Default: 5.
    pub tries: u32,
}

/// When a rule stops trying: the fix does not fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Breaker {
    /// Runs in a row that did not help, on any host. Default: 2.
    pub failures: u32,
    /// How long it stays off; then one run is a test. Default: 1 h.
    #[serde(with = "sre_core::duration::serde")]
    pub open_for: Duration,
}

/// A rule that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", if self.rule.is_empty() { String::new() } else { format!("rule {}: ", self.rule) })]
pub struct InvalidRule {
    rule: String,
    why: String,
}

// === impl Rule ===

impl Default for Rule {
    fn default() -> Self {
        Self {
            name: String::new(),
            when: When::default(),
            action: None,
            vars: BTreeMap::new(),
            verify: None,
            dry_run: true,
            cooldown: Duration::from_secs(15 * 60),
            hourly_budget: 5,
            fleet_share: 0.1,
            breaker: Breaker::default(),
            escalate: Severity::Critical,
        }
    }
}

impl Default for When {
    fn default() -> Self {
        Self { kind: String::new(), labels: BTreeMap::new(), severity: Severity::Warning }
    }
}

impl Default for Argv {
    fn default() -> Self {
        Self { argv: Vec::new(), timeout: Duration::from_secs(60) }
    }
}

impl Default for Verify {
    fn default() -> Self {
        let half_a_minute = Duration::from_secs(30);
        let timeout = Duration::from_secs(60);
        Self { argv: Vec::new(), timeout, after: half_a_minute, every: half_a_minute, tries: 5 }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 2, open_for: Duration::from_secs(3600) }
    }
}

// === impl InvalidRule ===

impl InvalidRule {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { rule: String::new(), why: why.into() }
    }

    pub(super) fn of(mut self, rule: &str) -> Self {
        rule.clone_into(&mut self.rule);
        self
    }
}
