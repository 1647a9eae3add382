//! The plan file.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sre_core::duration;

use super::check::Check;
use super::step::{Action, Step};
use super::subject::check_plain;
use super::template::Template;
use crate::host::Host;
use crate::rollout::{Batches, MaxFail};

/// What a rollout does. Every key has a default but `steps`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Plan {
    /// What is done on each host, in order.
    pub steps: Vec<Step>,
    /// How it is known that a host is well; without checks, a deployed host is a healthy one.
    #[serde(default)]
    pub gate: Gate,
    /// What takes it back, in order. Runs on every host that may have been changed.
    #[serde(default)]
    pub rollback: Vec<Step>,
    /// The sizes of the batches. Default: one host at a time.
    #[serde(default = "one_at_a_time")]
    pub batches: Batches,
    /// A first batch of so many hosts in front of `batches`. Default none.
    #[serde(default)]
    pub canary: u32,
    /// Time between a batch and its gate. Default none.
    #[serde(default, with = "duration::serde")]
    pub delay: Duration,
    /// How many hosts of the whole fleet may fail. Default none.
    #[serde(default)]
    pub max_fail: MaxFail,
    /// How long a step may take. Default 5m.
    #[serde(default = "five_minutes", with = "duration::serde")]
    pub timeout: Duration,
    /// How long a connection may take to come about, login included. Default 20s.
    #[serde(default = "twenty_seconds", with = "duration::serde")]
    pub connect_timeout: Duration,
}

/// How it is known that a host is well.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Gate {
    /// What is asked; all of it must be well at the same time.
    pub checks: Vec<Check>,
    /// How long a host may take to become well. Default 30s.
    #[serde(with = "duration::serde")]
    pub within: Duration,
    /// Time between two looks. Default 2s.
    #[serde(with = "duration::serde")]
    pub every: Duration,
}

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPlan(String);

// === impl Plan ===

impl Plan {
    /// What single values cannot tell; and gives each `restore` the target of the `link` it takes back.
    ///
    /// # Errors
    /// What is missing or contradicts itself.
    pub fn prepared(mut self) -> Result<Self, InvalidPlan> {
        if self.steps.is_empty() {
            return Err(InvalidPlan("the plan has no steps".to_owned()));
        }
        if self.timeout.is_zero() || self.connect_timeout.is_zero() {
            return Err(InvalidPlan("a timeout of nothing lets nothing happen".to_owned()));
        }
        if !self.gate.checks.is_empty() && self.gate.every.is_zero() {
            return Err(InvalidPlan("gate.every must be longer than nothing".to_owned()));
        }
        if let Some(step) = self.steps.iter().find(|step| matches!(step.action, Action::Restore { .. })) {
            return Err(InvalidPlan(format!("`{}` belongs under `rollback`", step.title())));
        }
        let links: Vec<(Template, Template)> = self
            .steps
            .iter()
            .filter_map(|step| match &step.action {
                Action::Link { link, to } => Some((link.clone(), to.clone())),
                _ => None,
            })
            .collect();
        for step in &mut self.rollback {
            let Action::Restore { link, to } = &mut step.action else { continue };
            match links.iter().find(|(known, _)| known == link) {
                Some((_, target)) => *to = target.clone(),
                None => {
                    return Err(InvalidPlan(format!("`restore: {link}` takes back no `link: {link}` of the steps")));
                }
            }
        }
        Ok(self)
    }

    /// Whether these hosts can be filled in where the plan wants them.
    ///
    /// # Errors
    /// The first host whose name could mean more than itself there.
    pub fn check_hosts(&self, hosts: &[Host]) -> Result<(), InvalidPlan> {
        let steps = self.steps.iter().chain(&self.rollback).flat_map(Step::templates);
        let checks = self.gate.checks.iter().flat_map(Check::templates);
        if !steps.chain(checks).any(Template::mentions_host) {
            return Ok(());
        }
        hosts.iter().try_for_each(check_plain).map_err(|e| InvalidPlan(e.to_string()))
    }

    /// The batches, canary included.
    #[must_use]
    pub fn all_batches(&self) -> Batches {
        self.batches.clone().with_canary(self.canary)
    }
}

// === impl InvalidPlan ===

impl InvalidPlan {
    pub(super) fn unreadable(path: &str, error: &std::io::Error) -> Self {
        Self(format!("cannot read {path}, which is to be uploaded: {error}"))
    }
}

// === impl Gate ===

impl Default for Gate {
    fn default() -> Self {
        Self { checks: Vec::new(), within: Duration::from_secs(30), every: Duration::from_secs(2) }
    }
}

fn one_at_a_time() -> Batches {
    // Taken by the parser, so never refused; should it be, all at once is what the type itself defaults to.
    "1".parse().unwrap_or_else(|_| Batches::all())
}

fn five_minutes() -> Duration {
    Duration::from_secs(300)
}

fn twenty_seconds() -> Duration {
    Duration::from_secs(20)
}
