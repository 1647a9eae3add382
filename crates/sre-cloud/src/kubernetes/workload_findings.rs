//! Findings about Deployments, StatefulSets, DaemonSets and Jobs.

use sre_core::{Finding, Severity};

use super::codes;
use super::job_tally::JobProblem;
use super::scope::Scope;
use super::workload_tally::{WorkloadProblem, WorkloadReason};

/// The finding of one workload.
pub(super) fn workload_finding(scope: &Scope, problem: &WorkloadProblem) -> Finding {
    let has = |reason| problem.reasons.contains(&reason);
    let lacks = has(WorkloadReason::Unavailable);
    let severity = match () {
        () if lacks && problem.is_down() => Severity::Critical,
        () if problem.reasons == [WorkloadReason::Misscheduled] => Severity::Info,
        () => Severity::Warning,
    };
    let (code, kind) = match &*problem.workload.kind {
        "StatefulSet" => (codes::STATEFULSET, "statefulset"),
        "DaemonSet" => (codes::DAEMONSET, "daemonset"),
        _ => (codes::DEPLOYMENT, "deployment"),
    };
    let title = match () {
        () if lacks && problem.is_down() => "nothing available",
        () if has(WorkloadReason::DeadlineExceeded) => "rollout stuck",
        () if lacks => "too few available",
        () if has(WorkloadReason::Outdated) => "not all updated",
        () if has(WorkloadReason::Misscheduled) => "misscheduled pods",
        () => "newest spec not seen by its controller",
    };
    let mut detail = numbers(problem);
    if !problem.message.is_empty() {
        detail.push_str("; ");
        detail.push_str(&problem.message);
    }
    let missing = u32::try_from(problem.wanted.saturating_sub(problem.available)).unwrap_or(1);
    scope
        .finding(code, severity, problem.workload.to_string(), title)
        .detail(detail)
        .count(if lacks { missing } else { 1 })
        .since(problem.since)
        .evidence(scope.kubectl(&problem.namespace, &["describe", kind, &problem.workload.name]))
}

/// The numbers behind a workload's trouble.
pub(super) fn numbers(problem: &WorkloadProblem) -> String {
    let mut parts = Vec::new();
    for reason in &problem.reasons {
        parts.push(match reason {
            WorkloadReason::Unavailable => format!("{} of {} available", problem.available, problem.wanted),
            WorkloadReason::DeadlineExceeded => "past its progress deadline".to_owned(),
            WorkloadReason::Outdated => match problem.updated {
                Some(updated) => format!("{updated} of {} updated", problem.wanted),
                None => "not all updated".to_owned(),
            },
            WorkloadReason::Misscheduled => format!("{} misscheduled", problem.misscheduled),
            WorkloadReason::Unobserved => "its controller has not seen the newest spec".to_owned(),
        });
    }
    parts.join("; ")
}

/// The finding of one Job or CronJob.
pub(super) fn job_finding(scope: &Scope, problem: &JobProblem) -> Finding {
    let title = if problem.reason.is_empty() { "failed".to_owned() } else { format!("failed: {}", problem.reason) };
    let mut parts = Vec::new();
    if &*problem.owner.kind == "CronJob" {
        let s = if problem.failed == 1 { "" } else { "s" };
        parts.push(format!("{} failed run{s} since the last success, latest {}", problem.failed, problem.job));
    }
    if !problem.message.is_empty() {
        parts.push(problem.message.to_string());
    }
    scope
        .finding(codes::JOB, Severity::Warning, problem.owner.to_string(), &title)
        .detail(parts.join("; "))
        .count(problem.failed)
        .since(problem.at)
        .evidence(scope.kubectl(&problem.namespace, &["describe", "job", &problem.job]))
}
