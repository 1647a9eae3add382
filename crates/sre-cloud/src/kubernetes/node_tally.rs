//! Nodes that are not ready, under pressure, cordoned or on the way out.
//!
//! Trouble is `Ready` other than `True` (`Unknown` too) and a pressure condition or `NetworkUnavailable` that holds.
//! A cordon, and a taint by which an autoscaler or a spot notice announces the node's end, are only worth knowing.

use jiff::Timestamp;
use serde::Serialize;

use super::message::message;
use super::meta::Condition;
use super::node::Node;

/// So many nodes in trouble are kept by name.
pub const MAX_NODE_PROBLEMS: usize = 1000;

const PRESSURE: [&str; 4] = ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"];

/// Taints of those who are about to remove a node. Sources: cluster-autoscaler `utils/taints`, Karpenter's disruption
/// taints (old and new name), GKE's graceful termination, the cloud-node-lifecycle controller.
const REMOVAL: [&str; 5] = [
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
    "cloud.google.com/impending-node-termination",
    "node.cloudprovider.kubernetes.io/shutdown",
];

/// Every taint of AWS's node termination handler: spot, maintenance, rebalance.
const REMOVAL_PREFIX: &str = "aws-node-termination-handler/";

/// What is the matter with a node, the worst first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeReason {
    /// `Ready` is this, not `True`.
    NotReady(Box<str>),
    /// This condition holds.
    Pressure(Box<str>),
    /// This taint announces its end.
    Leaving(Box<str>),
    /// It takes no new pods.
    Cordoned,
}

/// A node and what is the matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NodeProblem {
    /// The node's name.
    pub name: Box<str>,
    /// The worst first.
    pub reasons: Vec<NodeReason>,
    /// The condition's own sentence, or empty.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub message: Box<str>,
    /// Since when the worst condition is so.
    pub since: Option<Timestamp>,
}

/// How the nodes are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NodeFacts {
    /// All of them.
    pub total: u64,
    /// Those whose `Ready` is `True`.
    pub ready: u64,
    /// Those with something the matter, by name.
    pub problems: Vec<NodeProblem>,
}

/// The reducer.
#[derive(Debug, Clone, Default)]
pub struct NodeTally(NodeFacts);

// === impl NodeTally ===

impl NodeTally {
    /// No node yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one node into account.
    pub fn observe(&mut self, node: &Node) {
        self.0.total += 1;
        let conditions = &node.status.conditions;
        self.0.ready += u64::from(Condition::find(conditions, "Ready").is_some_and(Condition::is_true));
        if self.0.problems.len() < MAX_NODE_PROBLEMS {
            self.0.problems.extend(judge_node(node));
        }
    }

    /// What is left of all nodes that were seen.
    #[must_use]
    pub fn finish(mut self) -> NodeFacts {
        self.0.problems.sort_by(|a, b| a.name.cmp(&b.name));
        self.0
    }
}

/// What is the matter with a node, if anything.
#[must_use]
pub fn judge_node(node: &Node) -> Option<NodeProblem> {
    let conditions = &node.status.conditions;
    let ready = Condition::find(conditions, "Ready");
    let mut reasons = Vec::new();
    let mut worst = None;
    if !ready.is_some_and(Condition::is_true) {
        let status = ready.map_or("Unknown", |c| if c.status.is_empty() { "Unknown" } else { &c.status });
        reasons.push(NodeReason::NotReady(status.into()));
        worst = ready;
    }
    for condition in conditions.iter().filter(|c| c.is_true() && PRESSURE.contains(&&*c.kind)) {
        reasons.push(NodeReason::Pressure(condition.kind.clone()));
        worst = worst.or(Some(condition));
    }
    let leaving = |key: &str| REMOVAL.contains(&key) || key.starts_with(REMOVAL_PREFIX);
    if let Some(taint) = node.spec.taints.iter().find(|t| leaving(&t.key)) {
        reasons.push(NodeReason::Leaving(taint.key.clone()));
    }
    if node.spec.unschedulable {
        reasons.push(NodeReason::Cordoned);
    }
    (!reasons.is_empty()).then(|| NodeProblem {
        name: node.metadata.name.clone(),
        reasons,
        message: worst.map(|c| message(&c.message)).unwrap_or_default(),
        since: worst.and_then(|c| c.last_transition_time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(json: &str) -> Vec<NodeReason> {
        judge_node(&serde_json::from_str(json).unwrap()).map(|p| p.reasons).unwrap_or_default()
    }

    #[test]
    fn judges_each_condition() {
        let ready = r#"{"type": "Ready", "status": "True"}"#;
        assert_eq!(reasons(&format!(r#"{{"status": {{"conditions": [{ready}]}}}}"#)), []);
        let not_ready = |s: &str| NodeReason::NotReady(s.into());
        assert_eq!(reasons("{}"), [not_ready("Unknown")]);
        for status in ["False", "Unknown"] {
            let json = format!(r#"{{"status": {{"conditions": [{{"type": "Ready", "status": "{status}"}}]}}}}"#);
            assert_eq!(reasons(&json), [not_ready(status)]);
        }
        for kind in PRESSURE {
            let json = format!(r#"{{"status": {{"conditions": [{ready}, {{"type": "{kind}", "status": "True"}}]}}}}"#);
            assert_eq!(reasons(&json), [NodeReason::Pressure(kind.into())]);
            assert_eq!(reasons(&json.replace(r#""status": "True"}]"#, r#""status": "False"}]"#)), []);
        }
        let taint = "aws-node-termination-handler/spot-itn";
        let json = format!(
            r#"{{"spec": {{"unschedulable": true, "taints": [{{"key": "{taint}"}}]}}, "status": {{"conditions": [{ready}]}}}}"#
        );
        assert_eq!(reasons(&json), [NodeReason::Leaving(taint.into()), NodeReason::Cordoned]);
    }

    #[test]
    fn a_leaving_node_may_be_down() {
        let json = r#"{"metadata": {"name": "n"}, "spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler"}]},
                       "status": {"conditions": [{"type": "Ready", "status": "False"}]}}"#;
        let problem = judge_node(&serde_json::from_str(json).unwrap()).unwrap();
        let finding = super::super::node_findings::node_finding(&super::super::Scope::new("c"), &problem);
        assert_eq!((finding.code.as_str(), finding.severity), ("K8S-NODE-NOTREADY", sre_core::Severity::Info));
    }

    #[test]
    fn counts_ready_nodes() {
        let mut tally = NodeTally::new();
        tally.observe(&Node::default());
        tally.observe(
            &serde_json::from_str(
                r#"{"spec": {"unschedulable": true}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}"#,
            )
            .unwrap(),
        );
        let facts = tally.finish();
        assert_eq!((facts.total, facts.ready, facts.problems.len()), (2, 1, 2));
    }
}
