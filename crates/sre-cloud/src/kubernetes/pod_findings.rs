//! One finding for the pods of an owner that are in trouble for the same reason.
//!
//! A workload that lacks pods because of them is part of the same story: see [`cluster_report`](super::ClusterTally).

use sre_core::{Code, Evidence, Finding, Severity};

use super::codes;
use super::pod_health::ReasonKind;
use super::pod_tally::PodGroup;
use super::scope::Scope;
use super::workload_findings;
use super::workload_tally::WorkloadProblem;

// === impl ReasonKind ===

impl ReasonKind {
    /// The code of its findings.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::Terminating => codes::TERMINATING,
            Self::CrashLoop => codes::CRASHLOOP,
            Self::ImagePull => codes::IMAGEPULL,
            Self::Config => codes::CONFIG,
            Self::Evicted => codes::EVICTED,
            Self::Failed => codes::FAILED,
            Self::Waiting => codes::WAITING,
            Self::Gated => codes::GATED,
            Self::Pending => codes::PENDING,
            Self::NotReady => codes::NOTREADY,
            Self::OomKilled => codes::OOM,
            Self::Restarts => codes::RESTARTS,
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::CrashLoop => Severity::Critical,
            Self::Gated => Severity::Info,
            _ => Severity::Warning,
        }
    }

    /// Whether it tells why a workload lacks pods.
    pub(super) fn explains_lack(self) -> bool {
        !matches!(self, Self::Evicted | Self::Failed | Self::Gated | Self::OomKilled | Self::Restarts)
    }

    /// Whether the end of the run before is part of the story.
    fn tells_exit(self) -> bool {
        matches!(self, Self::CrashLoop | Self::Failed | Self::NotReady | Self::OomKilled | Self::Restarts)
    }
}

/// The finding of one group; `workload` is the owner's own trouble when this finding speaks for it.
pub(super) fn pod_finding(scope: &Scope, group: &PodGroup, workload: Option<&WorkloadProblem>) -> Finding {
    let down = workload.is_some_and(WorkloadProblem::is_down);
    let severity = if down { Severity::Critical } else { group.kind.severity() };
    scope
        .finding(group.kind.code(), severity, group.owner.to_string(), &title(group))
        .detail(detail(group, workload))
        .count(group.count)
        .since(group.reason.since)
        .evidence(command(scope, group))
}

fn title(group: &PodGroup) -> String {
    let word = &*group.reason.word;
    match group.kind {
        ReasonKind::Terminating => "stuck Terminating".to_owned(),
        ReasonKind::Failed if word != "Failed" => format!("Failed: {word}"),
        ReasonKind::Pending if word != "Pending" => format!("Pending: {word}"),
        ReasonKind::NotReady if word != "NotReady" => format!("NotReady: {word}"),
        ReasonKind::Waiting => format!("waiting: {word}"),
        ReasonKind::Restarts => format!("{} restarts", group.restarts),
        _ => word.to_owned(),
    }
}

fn detail(group: &PodGroup, workload: Option<&WorkloadProblem>) -> String {
    let mut parts = Vec::new();
    if &*group.owner.kind != "Pod" {
        parts.push(match group.of {
            Some(of) => format!("{} of {of} pods", group.count),
            None => format!("{} pod{}", group.count, if group.count == 1 { "" } else { "s" }),
        });
    }
    parts.extend(workload.map(workload_findings::numbers));
    if let Some(exit) = group.last_exit.as_ref().filter(|_| group.kind.tells_exit()) {
        parts.push(match &*exit.reason {
            "" => format!("last exit code {}", exit.exit_code),
            reason => format!("last exit {reason} ({})", exit.exit_code),
        });
    }
    match (group.kind, group.reason.since) {
        (ReasonKind::Restarts, Some(last)) => parts.push(format!("last restart {last}")),
        (ReasonKind::OomKilled, Some(last)) => parts.push(format!("killed {last}")),
        _ => {}
    }
    if group.restarts > 0 && group.kind != ReasonKind::Restarts {
        let most = if group.count > 1 { "up to " } else { "" };
        let s = if group.restarts == 1 { "" } else { "s" };
        parts.push(format!("{most}{} restart{s}", group.restarts));
    }
    if !group.reason.container.is_empty() {
        parts.push(format!("container {}", group.reason.container));
    }
    // A back-off message only repeats what title and numbers say.
    if !group.reason.message.is_empty() && group.kind != ReasonKind::CrashLoop {
        parts.push(group.reason.message.to_string());
    }
    parts.join("; ")
}

fn command(scope: &Scope, group: &PodGroup) -> Evidence {
    let container = match &*group.reason.container {
        "" => group.last_exit.as_ref().map_or("", |exit| &exit.container),
        name => name,
    };
    match (group.kind, container) {
        (ReasonKind::CrashLoop | ReasonKind::Restarts, "") => {
            scope.kubectl(&group.namespace, &["logs", &group.pod, "--previous"])
        }
        (ReasonKind::CrashLoop | ReasonKind::Restarts, name) => {
            scope.kubectl(&group.namespace, &["logs", &group.pod, "-c", name, "--previous"])
        }
        _ => scope.kubectl(&group.namespace, &["describe", "pod", &group.pod]),
    }
}
