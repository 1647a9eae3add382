//! Carries out a plan over a transport.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sre_core::SharedClock;

use super::plan::Plan;
use super::probe::Probe;
use super::reach::Reach;
use super::step::Step;
use super::subject::Subject;
use super::version::Version;
use crate::command::Sudo;
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::rollout::{Executor, GateReport, HostFailure};
use crate::transfer::Upload;
use crate::transport::{BoxFuture, SharedTransport};

/// Is told which step of how many begins on a host.
type OnStep = dyn Fn(&Host, usize, usize, &str) + Send + Sync;

/// The [`Executor`] of a [`Plan`].
pub struct PlanExecutor {
    pub(super) plan: Arc<Plan>,
    pub(super) version: Version,
    pub(super) reach: Reach,
    pub(super) probe: Arc<dyn Probe>,
    pub(super) uploads: Mutex<HashMap<(String, String), Upload>>,
    on_step: Option<Box<OnStep>>,
}

// === impl PlanExecutor ===

impl PlanExecutor {
    /// Deploys `version` by `plan`, reaching hosts by `transport`, and URLs and Prometheus servers by `probe`.
    #[must_use]
    pub fn new(
        plan: Arc<Plan>,
        version: Version,
        transport: SharedTransport,
        probe: Arc<dyn Probe>,
        clock: SharedClock,
    ) -> Self {
        let connect_timeout = plan.connect_timeout;
        let reach = Reach { transport, clock, connect_timeout, sudo: Sudo::root(), kill: Interrupt::new() };
        Self { plan, version, reach, probe, uploads: Mutex::default(), on_step: None }
    }

    /// How steps with `sudo: true` become root.
    #[must_use]
    pub fn with_sudo(mut self, sudo: Sudo) -> Self {
        self.reach.sudo = sudo;
        self
    }

    /// Thrown to kill what runs on the hosts.
    #[must_use]
    pub fn with_kill(mut self, kill: Interrupt) -> Self {
        self.reach.kill = kill;
        self
    }

    /// Told when a step begins: the host, the step counted from 0, how many there are, and its title.
    #[must_use]
    pub fn on_step(mut self, told: impl Fn(&Host, usize, usize, &str) + Send + Sync + 'static) -> Self {
        self.on_step = Some(Box::new(told));
        self
    }

    /// Waits for what still goes on in the background; to be called at the end of a run.
    pub async fn settle(&self) {
        self.reach.transport.settle().await;
    }

    /// What would be done on a host, a line a step.
    #[must_use]
    pub fn describe_steps(&self, host: &Host) -> Vec<String> {
        self.describe(host, &self.plan.steps)
    }

    /// What would take it back, a line a step.
    #[must_use]
    pub fn describe_rollback(&self, host: &Host) -> Vec<String> {
        self.describe(host, &self.plan.rollback)
    }

    /// What the gate would ask about a host, a line a check.
    #[must_use]
    pub fn describe_gate(&self, host: &Host) -> Vec<String> {
        let subject = Subject { version: &self.version, host };
        self.plan.gate.checks.iter().map(|check| check.describe(subject)).collect()
    }

    fn describe(&self, host: &Host, steps: &[Step]) -> Vec<String> {
        let subject = Subject { version: &self.version, host };
        steps
            .iter()
            .map(|step| {
                let what = step.describe(Some(subject));
                step.name.as_ref().map_or_else(|| what.clone(), |name| format!("{name}: {what}"))
            })
            .collect()
    }

    pub(super) fn tell(&self, host: &Host, i: usize, all: usize, step: &Step) {
        if let Some(told) = &self.on_step {
            told(host, i, all, &step.title());
        }
    }
}

impl Executor for PlanExecutor {
    fn deploy<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), HostFailure>> {
        Box::pin(self.run_steps(Subject { version: &self.version, host }, &self.plan.steps, "deploy"))
    }

    fn gate<'a>(&'a self, _batch: usize, hosts: &'a [Host]) -> BoxFuture<'a, GateReport> {
        Box::pin(self.ask(hosts))
    }

    fn roll_back<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let subject = Subject { version: &self.version, host };
            self.run_steps(subject, &self.plan.rollback, "rollback").await.map_err(|failure| failure.reason)
        })
    }

    fn wait(&self, delay: Duration) -> BoxFuture<'_, ()> {
        self.reach.clock.sleep(delay)
    }
}

impl fmt::Debug for PlanExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanExecutor")
            .field("version", &self.version)
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}
