//! One cluster's facts and findings, from objects that were seen one at a time.
//!
//! One story is told once:
//! - a workload that lacks pods because its pods are in trouble is told by the finding about the pods, which is then
//!   critical if nothing of the workload serves, and has the workload's numbers in its detail;
//! - a warning event about something that has a finding is not told again (the facts keep it).
//!
//! What could not be read is `null` in the facts, never an empty list of troubles: see [`ClusterTally::unread`].
//!
//! ```
//! use sre_cloud::kubernetes::{Area, ClusterTally, Node, Scope, Thresholds};
//!
//! let mut tally = ClusterTally::new("2026-03-23T07:00:00Z".parse().unwrap(), &Thresholds::default());
//! tally.nodes.observe(&Node::default());
//! tally.unread(Area::Pods);
//! let report = tally.finish(&Scope::new("prod"));
//! assert_eq!(report.findings[0].code.as_str(), "K8S-NODE-NOTREADY");
//! assert!(report.facts.pods.is_none() && report.facts.nodes.is_some());
//! ```

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use serde::Serialize;
use sre_core::Finding;

use super::event_tally::{EventReport, EventTally, WarningEvent};
use super::job_tally::{JobFacts, JobTally};
use super::node_findings::{event_finding, node_finding};
use super::node_tally::{NodeFacts, NodeTally};
use super::owner::Owner;
use super::pod_findings::pod_finding;
use super::pod_tally::{PodCounts, PodGroup, PodTally, UnhealthyPod};
use super::scope::Scope;
use super::thresholds::Thresholds;
use super::workload_findings::{job_finding, workload_finding};
use super::workload_tally::{WorkloadFacts, WorkloadProblem, WorkloadReason, WorkloadTally};

/// Something that is read from a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Area {
    /// Pods.
    Pods,
    /// Events.
    Events,
    /// Nodes.
    Nodes,
    /// Deployments.
    Deployments,
    /// StatefulSets.
    StatefulSets,
    /// DaemonSets.
    DaemonSets,
    /// Jobs.
    Jobs,
}

/// What the JSON report says of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClusterFacts {
    /// The context's name.
    pub cluster: String,
    /// How many pods; `None` when they could not be read.
    pub pods: Option<PodCounts>,
    /// Pods in trouble.
    pub unhealthy: Vec<UnhealthyPod>,
    /// Warning events of late.
    pub warnings: Vec<WarningEvent>,
    /// Warning events beyond those kept.
    pub warnings_left_out: u64,
    /// The nodes; `None` when they could not be read.
    pub nodes: Option<NodeFacts>,
    /// Deployments, StatefulSets and DaemonSets; `None` when none of the three could be read.
    pub workloads: Option<WorkloadFacts>,
    /// Jobs; `None` when they could not be read.
    pub jobs: Option<JobFacts>,
    /// What could not be read, or not to its end.
    pub unread: BTreeSet<Area>,
}

/// Facts and findings.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ClusterReport {
    /// What is.
    pub facts: ClusterFacts,
    /// What a person should know, the most urgent first.
    pub findings: Vec<Finding>,
}

/// The reducers of all kinds; each may be fed on its own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClusterTally {
    /// Takes pods.
    pub pods: PodTally,
    /// Takes events.
    pub events: EventTally,
    /// Takes nodes.
    pub nodes: NodeTally,
    /// Takes Deployments, StatefulSets and DaemonSets.
    pub workloads: WorkloadTally,
    /// Takes Jobs.
    pub jobs: JobTally,
    unread: BTreeSet<Area>,
}

// === impl ClusterTally ===

impl ClusterTally {
    /// Judges by the wall clock `now`.
    #[must_use]
    pub fn new(now: Timestamp, limits: &Thresholds) -> Self {
        Self {
            pods: PodTally::new(now, limits.pods.clone()),
            events: EventTally::new(now, limits.event_window),
            nodes: NodeTally::new(),
            workloads: WorkloadTally::new(now, limits.rollout),
            jobs: JobTally::new(),
            unread: BTreeSet::new(),
        }
    }

    /// Says that something could not be read, or not to its end. Findings from what was read remain.
    pub fn unread(&mut self, area: Area) {
        self.unread.insert(area);
    }

    /// What is left of all that was seen.
    #[must_use]
    pub fn finish(self, scope: &Scope) -> ClusterReport {
        let unread = self.unread;
        let (pods, events, nodes) = (self.pods.finish(), self.events.finish(), self.nodes.finish());
        let (workloads, jobs) = (self.workloads.finish(), self.jobs.finish());
        let mut findings = Story { scope, told: HashSet::new(), findings: Vec::new() };
        findings.pods_and_workloads(&pods.groups, &workloads.problems);
        findings.jobs(&jobs);
        findings.nodes(&nodes);
        findings.events(&events);
        let read = |area: Area| !unread.contains(&area);
        let any_workload = [Area::Deployments, Area::StatefulSets, Area::DaemonSets].into_iter().any(read);
        let facts = ClusterFacts {
            cluster: scope.target().as_str().to_owned(),
            pods: read(Area::Pods).then_some(pods.counts),
            unhealthy: pods.unhealthy,
            warnings: events.warnings,
            warnings_left_out: events.left_out,
            nodes: read(Area::Nodes).then_some(nodes),
            workloads: any_workload.then_some(workloads),
            jobs: read(Area::Jobs).then_some(jobs),
            unread,
        };
        ClusterReport { facts, findings: findings.finish() }
    }
}

/// Findings, and whom they are about.
struct Story<'a> {
    scope: &'a Scope,
    /// Namespace and name of what has a finding.
    told: HashSet<(Box<str>, Box<str>)>,
    findings: Vec<Finding>,
}

// === impl Story ===

impl Story<'_> {
    fn pods_and_workloads(&mut self, groups: &[PodGroup], problems: &[WorkloadProblem]) {
        let mut lacking: BTreeMap<&Owner, &WorkloadProblem> = problems.iter().map(|p| (&p.workload, p)).collect();
        let mut explained = HashSet::new();
        for group in groups {
            // The groups are sorted by how telling they are, so the first one speaks for the workload.
            let workload = if group.kind.explains_lack() { lacking.remove(&group.owner) } else { None };
            explained.extend(workload.map(|w| &w.workload));
            self.findings.push(pod_finding(self.scope, group, workload));
            self.tell(&group.owner);
            self.told.insert((group.namespace.clone(), group.pod.clone()));
        }
        for problem in problems {
            let mut rest = problem.clone();
            if explained.contains(&problem.workload) {
                rest.reasons.retain(|r| matches!(r, WorkloadReason::Unobserved | WorkloadReason::Misscheduled));
            }
            if !rest.reasons.is_empty() {
                self.findings.push(workload_finding(self.scope, &rest));
                self.tell(&problem.workload);
            }
        }
    }

    fn jobs(&mut self, jobs: &JobFacts) {
        for problem in &jobs.problems {
            self.findings.push(job_finding(self.scope, problem));
            self.tell(&problem.owner);
            self.told.insert((problem.namespace.clone(), problem.job.clone()));
        }
    }

    fn nodes(&mut self, nodes: &NodeFacts) {
        for problem in &nodes.problems {
            self.findings.push(node_finding(self.scope, problem));
            self.told.insert((Box::default(), problem.name.clone()));
        }
    }

    fn events(&mut self, events: &EventReport) {
        for warning in &events.warnings {
            let about = [&warning.owner.name, &warning.name];
            if !about.into_iter().any(|name| self.told.contains(&(warning.namespace.clone(), name.clone()))) {
                self.findings.push(event_finding(self.scope, warning));
            }
        }
    }

    fn tell(&mut self, owner: &Owner) {
        self.told.insert((owner.namespace.clone(), owner.name.clone()));
    }

    fn finish(self) -> Vec<Finding> {
        let mut findings = self.findings;
        findings
            .sort_by(|a, b| (b.severity, a.code.as_str(), &a.subject).cmp(&(a.severity, b.code.as_str(), &b.subject)));
        findings
    }
}
