//! The driver: takes alerts from a bounded queue, asks the engine, runs what it says, tells how it went.

use std::io;
use std::sync::Arc;

use sre_core::SharedClock;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::engine::{self, Engine, RunOutcome, Verdict};
use super::executor::SharedExecutor;
use super::plan::Plan;
use super::recall::Unsolved;
use super::record::{RunRecord, SharedRunLog, Stage};
use super::run::{self, Run};
use crate::alert::{Alert, longest};
use crate::host::HostName;
use crate::intake::{AcceptFuture, Intake, SharedIntake};

/// Alerts that wait for a decision; decisions take microseconds.
const QUEUE: usize = 10_000;

/// Hands alerts to a [`Driver`]. Clones are the same.
#[derive(Debug, Clone)]
pub struct Remediator {
    queue: mpsc::Sender<Alert>,
}

/// An intake that lets the remediation see what it has accepted.
#[derive(Debug)]
pub struct Remediating {
    inner: SharedIntake,
    remediator: Remediator,
}

/// Decides and runs.
#[derive(Debug)]
pub struct Driver {
    engine: Engine,
    queue: mpsc::Receiver<Alert>,
    executor: SharedExecutor,
    log: SharedRunLog,
    escalations: SharedIntake,
    clock: SharedClock,
    at_once: Arc<Semaphore>,
    /// Where it did not help, so that the end of it can be told.
    unsolved: Unsolved,
}

#[derive(Debug)]
struct Ended {
    plan: Plan,
    since: Instant,
    run: Run,
}

// === impl Remediator ===

impl Remediator {
    /// Takes an alert if there is room; remediation never holds alerts up.
    pub fn offer(&self, alert: Alert) -> bool {
        let taken = self.queue.try_send(alert).is_ok();
        if !taken {
            tracing::warn!("too many alerts at once: remediation did not see one");
        }
        taken
    }
}

// === impl Remediating ===

impl Remediating {
    /// Everything goes to `inner`; what it took is shown to the remediation.
    #[must_use]
    pub fn new(inner: SharedIntake, remediator: Remediator) -> Self {
        Self { inner, remediator }
    }
}

impl Intake for Remediating {
    fn accept(&self, alerts: Vec<Alert>) -> AcceptFuture<'_> {
        Box::pin(async move {
            let seen: Vec<Alert> = alerts.iter().filter(|alert| !alert.is_resolved()).cloned().collect();
            let accepted = self.inner.accept(alerts).await?;
            for alert in seen {
                self.remediator.offer(alert);
            }
            Ok(accepted)
        })
    }
}

// === impl Driver ===

impl Driver {
    /// A driver and the way to it; it goes on where the one that wrote the log stopped. `at_once` runs are executed at a time (at least one); escalations go to
    /// `escalations`, which is the pipeline itself and not a [`Remediating`].
    ///
    /// # Errors
    /// The log cannot be read: without it rules would act again on what they have just acted on.
    pub fn new(
        mut engine: Engine,
        executor: SharedExecutor,
        log: SharedRunLog,
        escalations: SharedIntake,
        clock: SharedClock,
        at_once: usize,
    ) -> io::Result<(Remediator, Self)> {
        let unsolved = engine.recall(&*log, &*clock)?;
        let (sender, queue) = mpsc::channel(QUEUE);
        let at_once = Arc::new(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS)));
        let driver = Self { engine, queue, executor, log, escalations, clock, at_once, unsolved };
        Ok((Remediator { queue: sender }, driver))
    }

    /// Works until every [`Remediator`] is dropped and all runs have ended.
    pub async fn run(mut self) {
        let mut runs = JoinSet::new();
        let mut open = true;
        while open || !runs.is_empty() {
            tokio::select! {
                alert = self.queue.recv(), if open => match alert {
                    Some(alert) => self.decide(&alert, &mut runs),
                    None => open = false,
                },
                Some(ended) = runs.join_next() => match ended {
                    Ok(ended) => self.ended(ended).await,
                    Err(error) => tracing::error!(%error, "a remediation broke down"),
                },
            }
        }
    }

    fn decide(&mut self, alert: &Alert, runs: &mut JoinSet<Ended>) {
        for decision in self.engine.decide(alert, self.clock.instant()) {
            let rule = decision.rule;
            match decision.verdict {
                Verdict::Skip(why) => tracing::info!(rule, %why, "remediation skipped"),
                Verdict::DryRun(plan) => {
                    tracing::info!(rule, host = %plan.host, "remediation would run");
                    let _ = self.record(plan, Stage::DryRun);
                }
                Verdict::Run(plan) => self.begin(plan, runs),
            }
        }
    }

    fn begin(&mut self, plan: Plan, runs: &mut JoinSet<Ended>) {
        if self.record(plan.clone(), Stage::Begun).is_err() {
            let why = "the log of runs cannot be written, so nothing was done".to_owned();
            self.engine.finished(&plan, &RunOutcome::Failed(why), self.clock.instant());
            return;
        }
        tracing::info!(rule = plan.rule, host = %plan.host, "remediation begins");
        let (executor, clock, at_once) = (self.executor.clone(), self.clock.clone(), Arc::clone(&self.at_once));
        runs.spawn(async move {
            let _slot = at_once.acquire_owned().await;
            let since = clock.instant();
            let run = run::run(&plan, executor.as_ref(), clock.as_ref()).await;
            Ended { plan, since, run }
        });
    }

    async fn ended(&mut self, ended: Ended) {
        let Ended { plan, since, run: Run { outcome, output, check_output } } = ended;
        let now = self.clock.instant();
        let off = self.engine.finished(&plan, &outcome, now);
        tracing::info!(rule = plan.rule, host = %plan.host, %outcome, "remediation ended");
        let alert = self.escalation(&plan, &outcome, off.is_some(), &[&check_output, &output]);
        let elapsed = now.duration_since(since);
        let _ = self.record(plan, Stage::Ended { outcome, elapsed, output, check_output });
        if let Some(alert) = alert
            && let Err(error) = self.escalations.accept(vec![alert]).await
        {
            tracing::error!(%error, "an escalation could not be raised");
        }
    }

    /// What to raise: an alert when it did not help, its resolve when it did later.
    fn escalation(&mut self, plan: &Plan, outcome: &RunOutcome, off: bool, outputs: &[&str]) -> Option<Alert> {
        let id = (plan.rule.clone(), plan.host.clone());
        let now = self.clock.now();
        let (rule, host) = (&plan.rule, &plan.host);
        let mut message = outcome.to_string();
        if off {
            message.push_str("\nThe rule is off for a while, as it did not help several times.");
        }
        for output in outputs.iter().filter(|output| !output.trim().is_empty()) {
            message.push_str("\n\n");
            message.push_str(output.trim_end());
        }
        message.truncate(message.floor_char_boundary(longest::MESSAGE));
        let alert = Alert::builder(self.engine.escalate(rule), format!("remediation {rule} did not help on {host}"))
            .source(engine::SOURCE)
            .message(message)
            .labels(engine::labels(rule, host))
            .field("Alert", &plan.alert)
            .dedup_key(dedup_key(rule, host))
            .starts_at(now);
        let alert = match outcome {
            RunOutcome::Fixed if self.unsolved.remove(&id) => alert.resolved_at(now),
            RunOutcome::Fixed => return None,
            _ => {
                self.unsolved.insert(id);
                alert
            }
        };
        alert.build().inspect_err(|error| tracing::error!(%error, "an escalation is no alert")).ok()
    }

    fn record(&self, plan: Plan, stage: Stage) -> Result<(), ()> {
        let record = RunRecord { at: self.clock.now(), plan, stage };
        self.log.record(&record).map_err(|error| tracing::error!(%error, ?record, "the log of runs cannot be written"))
    }
}

fn dedup_key(rule: &str, host: &HostName) -> String {
    let mut key = format!("remediation:{host}:{rule}");
    key.truncate(key.floor_char_boundary(longest::KEY));
    key
}
