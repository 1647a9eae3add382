//! Deployments, StatefulSets and DaemonSets that are not what was asked for.
//!
//! | kind | trouble |
//! | --- | --- |
//! | all | the controller has not seen the newest spec (`observedGeneration` is behind) |
//! | Deployment | past its progress deadline; available < wanted; updated < wanted |
//! | StatefulSet | ready < wanted; pods of an old revision, unless partitioned or updated on delete |
//! | DaemonSet | available < desired; pods on nodes where they should not be |
//!
//! `spec.replicas` may be absent, which means 1. A Deployment whose `Progressing` condition moved within the last
//! 10 min ([`Thresholds::rollout`](super::Thresholds)) is rolling out: that it is not all updated is no trouble then.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::message::message;
use super::meta::{Condition, Meta, age};
use super::owner::Owner;
use super::workload::{DaemonSet, Deployment, StatefulSet};

/// So many workloads in trouble are kept by name; the count goes on.
pub const MAX_WORKLOAD_PROBLEMS: usize = 5000;

/// What is the matter with a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WorkloadReason {
    /// Fewer pods serve than were asked for.
    Unavailable,
    /// The roll-out stopped.
    DeadlineExceeded,
    /// Some pods are of an older template or revision.
    Outdated,
    /// Pods run where they should not.
    Misscheduled,
    /// The controller has not seen the newest spec.
    Unobserved,
}

/// A workload and what is the matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkloadProblem {
    /// Its namespace.
    pub namespace: Box<str>,
    /// Kind and name: `deployment/api`.
    pub workload: Owner,
    /// Pods that were asked for.
    pub wanted: i64,
    /// Pods that serve (DaemonSet and Deployment: available, StatefulSet: ready).
    pub available: i64,
    /// Pods of the newest template, where the kind counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<i64>,
    /// Pods on nodes where they should not be.
    #[serde(skip_serializing_if = "is_zero")]
    pub misscheduled: i64,
    /// What is the matter.
    pub reasons: Vec<WorkloadReason>,
    /// The condition's own sentence, or empty.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub message: Box<str>,
    /// Since when, where a condition says.
    pub since: Option<Timestamp>,
}

/// How the workloads are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkloadFacts {
    /// All of them.
    pub total: u64,
    /// Those with something the matter.
    pub unhealthy: u64,
    /// The same by name, by namespace and name.
    pub problems: Vec<WorkloadProblem>,
}

/// The reducer.
#[derive(Debug, Clone)]
pub struct WorkloadTally {
    now: Timestamp,
    rollout: Duration,
    facts: WorkloadFacts,
}

// === impl WorkloadTally ===

impl WorkloadTally {
    /// A roll-out that moved at most `rollout` before `now` is under way.
    #[must_use]
    pub fn new(now: Timestamp, rollout: Duration) -> Self {
        Self { now, rollout, facts: WorkloadFacts::default() }
    }

    /// Takes one Deployment into account.
    pub fn observe_deployment(&mut self, deployment: &Deployment) {
        let problem = judge_deployment(deployment, self.now, self.rollout);
        self.add(problem);
    }

    /// Takes one StatefulSet into account.
    pub fn observe_stateful_set(&mut self, set: &StatefulSet) {
        self.add(judge_stateful_set(set));
    }

    /// Takes one DaemonSet into account.
    pub fn observe_daemon_set(&mut self, set: &DaemonSet) {
        self.add(judge_daemon_set(set));
    }

    /// What is left of all workloads that were seen.
    #[must_use]
    pub fn finish(mut self) -> WorkloadFacts {
        self.facts.problems.sort_by(|a, b| (&a.namespace, &a.workload).cmp(&(&b.namespace, &b.workload)));
        self.facts
    }

    fn add(&mut self, problem: Option<WorkloadProblem>) {
        self.facts.total += 1;
        let Some(problem) = problem else { return };
        self.facts.unhealthy += 1;
        if self.facts.problems.len() < MAX_WORKLOAD_PROBLEMS {
            self.facts.problems.push(problem);
        }
    }
}

// === impl WorkloadProblem ===

impl WorkloadProblem {
    fn new(kind: &str, meta: &Meta, wanted: i64, available: i64) -> Self {
        Self {
            namespace: meta.namespace.clone(),
            workload: Owner { kind: kind.into(), namespace: meta.namespace.clone(), name: meta.name.clone() },
            wanted,
            available,
            updated: None,
            misscheduled: 0,
            reasons: Vec::new(),
            message: Box::default(),
            since: None,
        }
    }

    /// Whether nothing serves though something should.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.wanted > 0 && self.available <= 0
    }

    fn add_if(&mut self, holds: bool, reason: WorkloadReason) {
        if holds {
            self.reasons.push(reason);
        }
    }

    fn told(self) -> Option<Self> {
        (!self.reasons.is_empty()).then_some(self)
    }
}

/// What is the matter with a Deployment, if anything.
#[must_use]
pub fn judge_deployment(deployment: &Deployment, now: Timestamp, rollout: Duration) -> Option<WorkloadProblem> {
    let (meta, status) = (&deployment.metadata, &deployment.status);
    let wanted = deployment.spec.replicas.unwrap_or(1);
    let mut problem = WorkloadProblem::new("Deployment", meta, wanted, status.available_replicas);
    problem.updated = Some(status.updated_replicas);
    let progressing = Condition::find(&status.conditions, "Progressing");
    let stopped = progressing.filter(|c| &*c.reason == "ProgressDeadlineExceeded");
    let moves = progressing.is_some_and(|c| {
        c.is_true() && c.last_update_time.or(c.last_transition_time).is_some_and(|at| age(now, at) <= rollout)
    });
    let outdated = status.updated_replicas < wanted && !deployment.spec.paused && !moves;
    problem.add_if(status.available_replicas < wanted, WorkloadReason::Unavailable);
    problem.add_if(stopped.is_some(), WorkloadReason::DeadlineExceeded);
    problem.add_if(outdated, WorkloadReason::Outdated);
    problem.add_if(status.observed_generation < meta.generation, WorkloadReason::Unobserved);
    let available = Condition::find(&status.conditions, "Available").filter(|c| !c.is_true());
    if let Some(condition) = stopped.or(available) {
        problem.message = message(&condition.message);
    }
    problem.since = available.or(stopped).and_then(|c| c.last_transition_time);
    problem.told()
}

/// What is the matter with a StatefulSet, if anything.
#[must_use]
pub fn judge_stateful_set(set: &StatefulSet) -> Option<WorkloadProblem> {
    let (meta, status) = (&set.metadata, &set.status);
    let wanted = set.spec.replicas.unwrap_or(1);
    let mut problem = WorkloadProblem::new("StatefulSet", meta, wanted, status.ready_replicas);
    problem.updated = Some(status.updated_replicas);
    let on_purpose =
        set.spec.update_strategy.rolling_update.partition > 0 || &*set.spec.update_strategy.kind == "OnDelete";
    let mismatch = !status.update_revision.is_empty() && status.current_revision != status.update_revision;
    problem.add_if(status.ready_replicas < wanted, WorkloadReason::Unavailable);
    problem.add_if(mismatch && !on_purpose && wanted > 0, WorkloadReason::Outdated);
    problem.add_if(status.observed_generation < meta.generation, WorkloadReason::Unobserved);
    problem.told()
}

/// What is the matter with a DaemonSet, if anything.
#[must_use]
pub fn judge_daemon_set(set: &DaemonSet) -> Option<WorkloadProblem> {
    let (meta, status) = (&set.metadata, &set.status);
    let mut problem = WorkloadProblem::new("DaemonSet", meta, status.desired_number_scheduled, status.number_available);
    problem.misscheduled = status.number_misscheduled;
    problem.add_if(status.number_available < status.desired_number_scheduled, WorkloadReason::Unavailable);
    problem.add_if(status.number_misscheduled > 0, WorkloadReason::Misscheduled);
    problem.add_if(status.observed_generation < meta.generation, WorkloadReason::Unobserved);
    problem.told()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field over by reference")]
fn is_zero(n: &i64) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use super::WorkloadReason::{DeadlineExceeded, Misscheduled, Outdated, Unavailable, Unobserved};
    use super::*;

    const NOW: &str = "2026-03-23T07:00:00Z";

    fn deployment(spec: &str, status: &str) -> Vec<WorkloadReason> {
        let json = format!(r#"{{"metadata": {{"generation": 2}}, "spec": {{{spec}}}, "status": {{{status}}}}}"#);
        let d = serde_json::from_str(&json).unwrap();
        judge_deployment(&d, NOW.parse().unwrap(), Duration::from_secs(600)).map(|p| p.reasons).unwrap_or_default()
    }

    #[test]
    fn deployments() {
        let seen = r#""observedGeneration": 2"#;
        let full = format!(r#"{seen}, "updatedReplicas": 1, "availableReplicas": 1"#);
        assert_eq!(deployment("", &full), []);
        assert_eq!(deployment(r#""replicas": 0"#, seen), []);
        assert_eq!(deployment("", &full.replace(": 2", ": 1")), [Unobserved]);
        assert_eq!(deployment(r#""replicas": 2"#, &full), [Unavailable, Outdated]);
        assert_eq!(deployment(r#""replicas": 2, "paused": true"#, &full), [Unavailable]);
        let condition = |status: &str, reason: &str, at: &str| {
            format!(
                r#"{full}, "conditions": [{{"type": "Progressing", "status": "{status}", "reason": "{reason}", "lastUpdateTime": "{at}"}}]"#
            )
        };
        let moving = condition("True", "ReplicaSetUpdated", "2026-03-23T06:50:00Z");
        assert_eq!(deployment(r#""replicas": 2"#, &moving), [Unavailable]);
        let late = condition("True", "ReplicaSetUpdated", "2026-03-23T06:49:59Z");
        assert_eq!(deployment(r#""replicas": 2"#, &late), [Unavailable, Outdated]);
        assert_eq!(deployment("", &condition("False", "ProgressDeadlineExceeded", NOW)), [DeadlineExceeded]);
    }

    #[test]
    fn stateful_sets() {
        let judge = |spec: &str, status: &str| {
            let json = format!(r#"{{"spec": {{{spec}}}, "status": {{{status}}}}}"#);
            judge_stateful_set(&serde_json::from_str(&json).unwrap()).map(|p| p.reasons).unwrap_or_default()
        };
        assert_eq!(judge("", r#""readyReplicas": 1"#), []);
        assert_eq!(judge(r#""replicas": 3"#, r#""readyReplicas": 2"#), [Unavailable]);
        let split = r#""readyReplicas": 1, "currentRevision": "a", "updateRevision": "b""#;
        assert_eq!(judge("", split), [Outdated]);
        assert_eq!(judge(r#""updateStrategy": {"rollingUpdate": {"partition": 1}}"#, split), []);
        assert_eq!(judge(r#""updateStrategy": {"type": "OnDelete"}"#, split), []);
    }

    #[test]
    fn daemon_sets() {
        let judge = |status: &str| {
            let json = format!(r#"{{"status": {{{status}}}}}"#);
            judge_daemon_set(&serde_json::from_str(&json).unwrap()).map(|p| p.reasons).unwrap_or_default()
        };
        assert_eq!(judge(""), []);
        assert_eq!(judge(r#""desiredNumberScheduled": 3, "numberAvailable": 2"#), [Unavailable]);
        assert_eq!(judge(r#""numberMisscheduled": 1"#), [Misscheduled]);
    }
}
