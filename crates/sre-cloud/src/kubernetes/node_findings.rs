//! Findings about nodes and about warning events.

use sre_core::{Finding, Severity};

use super::codes;
use super::event_tally::WarningEvent;
use super::node_tally::{NodeProblem, NodeReason};
use super::scope::Scope;

/// The finding of one node: its worst reason, with the others in the detail.
pub(super) fn node_finding(scope: &Scope, problem: &NodeProblem) -> Finding {
    let leaving = problem.reasons.iter().any(|r| matches!(r, NodeReason::Leaving(_)));
    let words: Vec<String> = problem.reasons.iter().map(word).collect();
    let (code, severity) = match problem.reasons.first() {
        Some(NodeReason::NotReady(_)) if leaving => (codes::NODE_NOTREADY, Severity::Info),
        Some(NodeReason::NotReady(_)) => (codes::NODE_NOTREADY, Severity::Critical),
        Some(NodeReason::Pressure(_)) => (codes::NODE_PRESSURE, Severity::Warning),
        _ => (codes::NODE_CORDONED, Severity::Info),
    };
    let mut detail = words.get(1..).unwrap_or_default().join("; ");
    if !problem.message.is_empty() {
        detail =
            [detail, problem.message.to_string()].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join("; ");
    }
    scope
        .finding(code, severity, format!("node {}", problem.name), words.first().map_or("", String::as_str))
        .detail(detail)
        .since(problem.since)
        .evidence(scope.kubectl("", &["describe", "node", &problem.name]))
}

fn word(reason: &NodeReason) -> String {
    match reason {
        NodeReason::NotReady(status) => format!("NotReady (Ready is {status})"),
        NodeReason::Pressure(condition) => condition.to_string(),
        NodeReason::Leaving(taint) => format!("leaving ({taint})"),
        NodeReason::Cordoned => "cordoned".to_owned(),
    }
}

/// The finding of warnings about one owner for one reason. The subject carries the reason and, where it is not
/// the owner's own, the object's kind, because an owner may have several.
pub(super) fn event_finding(scope: &Scope, warning: &WarningEvent) -> Finding {
    let severity = if warning.count > 1 { Severity::Warning } else { Severity::Info };
    let selector = format!("involvedObject.kind={},involvedObject.name={}", warning.kind, warning.name);
    let times = if warning.count == 1 { "once".to_owned() } else { format!("{} times", warning.count) };
    // The events of cluster-wide objects live in the namespace `default`.
    let namespace = if warning.namespace.is_empty() { "default" } else { &*warning.namespace };
    let of_owner = warning.kind == warning.owner.kind;
    let kind = if of_owner { String::new() } else { format!("{} ", warning.kind.to_lowercase()) };
    scope
        .finding(codes::EVENT, severity, format!("{} ({kind}{})", warning.owner, warning.reason), &warning.reason)
        .detail(format!("{times}, last {} on {}; {}", warning.last, warning.object, warning.message))
        .count(u32::try_from(warning.count).unwrap_or(u32::MAX))
        .evidence(scope.kubectl(namespace, &["get", "events", "--field-selector", &selector]))
}
