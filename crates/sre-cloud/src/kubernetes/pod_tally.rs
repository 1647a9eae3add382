//! Reduces pods to counts and troubles while pages stream by, so that a page can be dropped as soon as it was seen.
//!
//! Memory: 16 bytes for each owner of several pods (up to [`MAX_OWNERS`]; later owners get no "of 12 pods"), one
//! [`UnhealthyPod`] for each pod in trouble (up to [`MAX_UNHEALTHY`], the count goes on) and one [`PodGroup`] for each
//! owner in trouble (up to [`MAX_GROUPS`]; pods of later owners are only counted as unhealthy).
//!
//! ```
//! use sre_cloud::kubernetes::{Pod, PodTally, PodThresholds};
//!
//! let mut tally = PodTally::new("2026-03-23T07:00:00Z".parse().unwrap(), PodThresholds::default());
//! tally.observe(&serde_json::from_str::<Pod>(r#"{"status": {"phase": "Succeeded"}}"#).unwrap());
//! let report = tally.finish();
//! assert_eq!((report.counts.total, report.counts.unhealthy), (1, 0));
//! ```

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;

use super::owner::{Owner, OwnerRef};
use super::pod::Pod;
use super::pod_health::{LastExit, PodReason, ReasonKind, judge_pod, last_exit};
use super::pod_status::{PodRow, is_terminal};
use super::thresholds::PodThresholds;

/// So many owners have their pods counted.
pub const MAX_OWNERS: usize = 100_000;
/// So many unhealthy pods are kept by name.
pub const MAX_UNHEALTHY: usize = 10_000;
/// So many groups of owner and reason are kept.
pub const MAX_GROUPS: usize = 10_000;
/// The API has five phases; what else may come is counted together.
const MAX_PHASES: usize = 16;

/// How many pods there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PodCounts {
    /// All of them.
    pub total: u64,
    /// Those with a reason other than being held back on purpose.
    pub unhealthy: u64,
    /// By phase: `Running`, `Pending`.
    pub by_phase: BTreeMap<Box<str>, u64>,
}

/// A pod in trouble, as the report lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnhealthyPod {
    /// Its namespace.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// READY as `kubectl get pods` prints it.
    pub ready: String,
    /// STATUS as `kubectl get pods` prints it.
    pub status: String,
    /// RESTARTS as `kubectl get pods` prints it, without the time.
    pub restarts: i64,
    /// The node, or empty.
    pub node: Box<str>,
    /// Who answers for it.
    pub owner: Owner,
    /// Why it is listed, the most telling reason first.
    pub reasons: Vec<PodReason>,
}

/// The pods of one owner that are in trouble for the same reason: one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PodGroup {
    /// The reason.
    pub kind: ReasonKind,
    /// The owner; the node for evicted pods that have none.
    pub owner: Owner,
    /// How many pods.
    pub count: u32,
    /// Of how many that have not ended; `None` when they were not counted.
    pub of: Option<u32>,
    /// The first pod's reason, with the group's earliest `since` (for restarts: the latest).
    pub reason: PodReason,
    /// The first pod's name.
    pub pod: Box<str>,
    /// The first pod's namespace.
    pub namespace: Box<str>,
    /// How the container that ended last did so.
    pub last_exit: Option<LastExit>,
    /// The most restarts of one pod.
    pub restarts: i64,
}

/// What is left of all pods.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PodReport {
    /// How many there are.
    pub counts: PodCounts,
    /// Those in trouble, by namespace and name.
    pub unhealthy: Vec<UnhealthyPod>,
    /// The findings to be, in order of reason and owner.
    pub groups: Vec<PodGroup>,
}

/// The reducer.
#[derive(Debug, Clone)]
pub struct PodTally {
    now: Timestamp,
    limits: PodThresholds,
    counts: PodCounts,
    owners: HashMap<u64, u32>,
    unhealthy: Vec<UnhealthyPod>,
    groups: BTreeMap<(ReasonKind, Owner), PodGroup>,
}

// === impl PodTally ===

impl PodTally {
    /// Judges by the wall clock `now`.
    #[must_use]
    pub fn new(now: Timestamp, limits: PodThresholds) -> Self {
        Self {
            now,
            limits,
            counts: PodCounts::default(),
            owners: HashMap::new(),
            unhealthy: Vec::new(),
            groups: BTreeMap::new(),
        }
    }

    /// Takes one pod into account.
    pub fn observe(&mut self, pod: &Pod) {
        self.counts.total += 1;
        self.count_phase(&pod.status.phase);
        let owner = OwnerRef::of(pod);
        if owner.kind != "Pod" && !is_terminal(&pod.status.phase) {
            self.count_owner(owner);
        }
        let reasons = judge_pod(pod, self.now, &self.limits);
        let Some(primary) = reasons.first() else { return };
        let row = PodRow::of(pod);
        self.group(pod, owner, primary, row.restarts);
        if primary.kind == ReasonKind::Gated {
            return;
        }
        self.counts.unhealthy += 1;
        if self.unhealthy.len() < MAX_UNHEALTHY {
            self.unhealthy.push(UnhealthyPod {
                namespace: pod.metadata.namespace.clone(),
                name: pod.metadata.name.clone(),
                ready: row.ready(),
                restarts: row.restarts,
                status: row.status.into_owned(),
                node: pod.spec.node_name.clone(),
                owner: owner.to_owner(),
                reasons,
            });
        }
    }

    /// What is left of all pods that were seen.
    #[must_use]
    pub fn finish(self) -> PodReport {
        let Self { counts, owners, mut unhealthy, groups, .. } = self;
        unhealthy.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let groups = groups.into_values().map(|mut group| {
            let ended = matches!(group.kind, ReasonKind::Evicted | ReasonKind::Failed);
            group.of = owners.get(&group.owner.as_ref().fingerprint()).copied().filter(|_| !ended);
            group
        });
        PodReport { counts, unhealthy, groups: groups.collect() }
    }

    fn count_phase(&mut self, phase: &str) {
        let phases = &mut self.counts.by_phase;
        if let Some(count) = phases.get_mut(phase) {
            *count += 1;
        } else {
            let name = if phases.len() < MAX_PHASES { phase } else { "" };
            *phases.entry(name.into()).or_default() += 1;
        }
    }

    fn count_owner(&mut self, owner: OwnerRef<'_>) {
        let key = owner.fingerprint();
        let full = self.owners.len() >= MAX_OWNERS;
        if let Some(count) = self.owners.get_mut(&key) {
            *count = count.saturating_add(1);
        } else if !full {
            self.owners.insert(key, 1);
        }
    }

    fn group(&mut self, pod: &Pod, owner: OwnerRef<'_>, reason: &PodReason, restarts: i64) {
        let of_node = reason.kind == ReasonKind::Evicted && owner.kind == "Pod" && !pod.spec.node_name.is_empty();
        let owner = if of_node { OwnerRef { kind: "Node", namespace: "", name: &pod.spec.node_name } } else { owner };
        let key = (reason.kind, owner.to_owner());
        let exit = last_exit(pod);
        let full = self.groups.len() >= MAX_GROUPS;
        if let Some(group) = self.groups.get_mut(&key) {
            group.add(reason, restarts, exit);
        } else if !full {
            let group = PodGroup {
                kind: reason.kind,
                owner: key.1.clone(),
                count: 1,
                of: None,
                reason: reason.clone(),
                pod: pod.metadata.name.clone(),
                namespace: pod.metadata.namespace.clone(),
                last_exit: exit,
                restarts,
            };
            self.groups.insert(key, group);
        }
    }
}

// === impl PodGroup ===

impl PodGroup {
    fn add(&mut self, reason: &PodReason, restarts: i64, exit: Option<LastExit>) {
        self.count = self.count.saturating_add(1);
        self.restarts = self.restarts.max(restarts);
        self.reason.since = match (self.reason.since, reason.since) {
            (Some(a), Some(b)) if self.kind == ReasonKind::Restarts => Some(a.max(b)),
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let at = |exit: &Option<LastExit>| exit.as_ref().and_then(|e| e.at);
        if self.last_exit.is_none() || at(&exit) > at(&self.last_exit) {
            self.last_exit = exit;
        }
    }
}
