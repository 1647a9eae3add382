//! What a survey of one cluster found, and what it could not see.
//!
//! A kind or namespace that may not be read, or that did not answer, is a gap: it is named, its facts are null, and the
//! rest stands. [`Cluster::survey`](super::Cluster::survey) makes one.

use std::time::Duration;

use serde::{Serialize, Serializer};
use sre_core::{Classify, Evidence, Finding, Severity};

use super::cluster_report::{Area, ClusterFacts};
use super::codes::DENIED;
use super::rbac::{Denied, minimal_cluster_role};
use super::scope::Scope;
use super::thresholds::Thresholds;
use crate::Error;

/// What to survey. Default: all namespaces, the default [`Thresholds`].
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct SurveyOptions {
    pub(crate) namespaces: Vec<String>,
    pub(crate) thresholds: Thresholds,
}

/// Facts and findings of one cluster. Serializes as the JSON report's object: the keys of [`ClusterFacts`] (`cluster`,
/// `pods`, `unhealthy`, `warnings`, `nodes`, `workloads`, `jobs`, …) and `denied`, `errors`, `consistent`.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ClusterSurvey {
    /// What is.
    #[serde(flatten)]
    pub facts: ClusterFacts,
    /// What the credentials may not read.
    pub denied: Vec<Denied>,
    /// What could not be read for another reason.
    #[serde(rename = "errors")]
    pub gaps: Vec<SurveyGap>,
    /// Whether each list is one snapshot.
    pub consistent: bool,
    /// What a person should know, the most urgent first.
    #[serde(skip)]
    pub findings: Vec<Finding>,
    /// What it cost.
    #[serde(skip)]
    pub cost: SurveyCost,
}

/// Something that could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct SurveyGap {
    /// Which kind; `None` for the namespace itself.
    pub area: Option<Area>,
    /// In which namespace; `None` for all of them.
    pub namespace: Option<String>,
    /// Why.
    pub error: Error,
}

/// What a survey cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SurveyCost {
    /// Requests that were sent.
    pub requests: u32,
    /// Bytes of all bodies as they were sent.
    pub wire_bytes: u64,
    /// Time over all of it.
    pub elapsed: Duration,
}

// === impl SurveyOptions ===

impl SurveyOptions {
    /// Only these namespaces; none means all. Nodes are read in any case.
    pub fn namespaces(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.namespaces = names.into_iter().map(Into::into).collect();
        self
    }

    /// The limits of the checks.
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }
}

// === impl ClusterSurvey ===

impl ClusterSurvey {
    /// Whether everything could be read.
    pub fn is_complete(&self) -> bool {
        self.denied.is_empty() && self.gaps.is_empty()
    }

    /// The smallest `ClusterRole` that would let the survey see what it was denied; `None` when nothing was.
    pub fn missing_role(&self, name: &str) -> Option<String> {
        (!self.denied.is_empty()).then(|| minimal_cluster_role(name, &self.denied))
    }
}

// === impl SurveyGap ===

impl Serialize for SurveyGap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            area: Option<Area>,
            namespace: Option<&'a str>,
            class: sre_core::ErrorClass,
            target: &'a str,
            message: String,
            attempts: u32,
            elapsed_seconds: Option<f64>,
        }
        Shown {
            area: self.area,
            namespace: self.namespace.as_deref(),
            class: self.error.class(),
            target: self.error.target().as_str(),
            message: self.error.to_string(),
            attempts: self.error.attempts(),
            elapsed_seconds: self.error.elapsed().map(|d| d.as_secs_f64()),
        }
        .serialize(serializer)
    }
}

/// One finding for each resource that was denied, with the namespaces in its detail.
pub(crate) fn denied_findings(scope: &Scope, denied: &[Denied]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut rest = denied;
    while let [first, ..] = rest {
        let same = |d: &Denied| (&d.verb, &d.group, &d.resource) == (&first.verb, &first.group, &first.resource);
        let end = rest.iter().position(|d| !same(d)).unwrap_or(rest.len());
        let (group, others) = rest.split_at(end);
        rest = others;
        let resource =
            if first.group.is_empty() { first.resource.clone() } else { format!("{}.{}", first.resource, first.group) };
        let namespaces: Vec<&str> = group.iter().filter_map(|d| d.namespace.as_deref()).collect();
        let place = match namespaces.len() {
            0 => "in all namespaces".to_owned(),
            1..=5 => format!("in {}", namespaces.join(", ")),
            n => format!("in {} and {} more namespaces", namespaces[..5].join(", "), n - 5),
        };
        let namespace = namespaces.first().copied().unwrap_or_default();
        let mut ask = vec!["auth", "can-i", &first.verb, &resource];
        if namespace.is_empty() {
            ask.push("--all-namespaces");
        }
        findings.push(
            scope
                .finding(DENIED, Severity::Warning, format!("{} {resource}", first.verb), "no permission to look")
                .detail(format!("may not {} {resource} {place}", first.verb))
                .count(u32::try_from(group.len()).unwrap_or(u32::MAX))
                .evidence(scope.kubectl(namespace, &ask))
                .evidence(Evidence::Text(minimal_cluster_role("sre-toolkit-reader", group))),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_for_each_resource() {
        let denied = [
            Denied::new("list", "", "nodes", None),
            Denied::new("list", "apps", "deployments", Some("a")),
            Denied::new("list", "apps", "deployments", Some("b")),
        ];
        let findings = denied_findings(&Scope::new("prod"), &denied);
        let said: Vec<_> = findings.iter().map(|f| (f.subject.as_str(), f.detail.as_str(), f.count)).collect();
        assert_eq!(
            said,
            [
                ("list nodes", "may not list nodes in all namespaces", 1),
                ("list deployments.apps", "may not list deployments.apps in a, b", 2),
            ]
        );
        let Evidence::Command(command) = &findings[1].evidence[0] else { panic!("{findings:?}") };
        assert_eq!(command, "kubectl --context prod -n a auth can-i list deployments.apps");
    }
}
