//! Deployments, StatefulSets and DaemonSets as far as the checks use them.

use serde::Deserialize;

use super::lenient;
use super::meta::{Condition, Meta};

/// A Deployment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Deployment {
    /// Name, namespace, generation.
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Meta,
    /// What was asked for.
    #[serde(deserialize_with = "lenient::object")]
    pub spec: DeploymentSpec,
    /// What is.
    #[serde(deserialize_with = "lenient::object")]
    pub status: DeploymentStatus,
}

/// What was asked of a Deployment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DeploymentSpec {
    /// How many pods; absent means 1.
    #[serde(deserialize_with = "lenient::maybe_int")]
    pub replicas: Option<i64>,
    /// Roll-outs are on hold.
    #[serde(deserialize_with = "lenient::flag")]
    pub paused: bool,
}

/// What a Deployment is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeploymentStatus {
    /// The generation that the controller has seen.
    #[serde(deserialize_with = "lenient::int")]
    pub observed_generation: i64,
    /// Pods of the newest template.
    #[serde(deserialize_with = "lenient::int")]
    pub updated_replicas: i64,
    /// Pods that have been ready long enough.
    #[serde(deserialize_with = "lenient::int")]
    pub available_replicas: i64,
    /// `Available` and `Progressing`.
    #[serde(deserialize_with = "lenient::list")]
    pub conditions: Vec<Condition>,
}

/// A StatefulSet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StatefulSet {
    /// Name, namespace, generation.
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Meta,
    /// What was asked for.
    #[serde(deserialize_with = "lenient::object")]
    pub spec: StatefulSetSpec,
    /// What is.
    #[serde(deserialize_with = "lenient::object")]
    pub status: StatefulSetStatus,
}

/// What was asked of a StatefulSet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct StatefulSetSpec {
    /// How many pods; absent means 1.
    #[serde(deserialize_with = "lenient::maybe_int")]
    pub replicas: Option<i64>,
    /// How changes reach the pods.
    #[serde(deserialize_with = "lenient::object")]
    pub update_strategy: UpdateStrategy,
}

/// How changes reach the pods of a StatefulSet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdateStrategy {
    /// `RollingUpdate` or `OnDelete`.
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub kind: Box<str>,
    /// Settings of `RollingUpdate`.
    #[serde(deserialize_with = "lenient::object")]
    pub rolling_update: RollingUpdate,
}

/// Settings of a rolling update.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RollingUpdate {
    /// Pods with a lower ordinal keep the old revision.
    #[serde(deserialize_with = "lenient::int")]
    pub partition: i64,
}

/// What a StatefulSet is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct StatefulSetStatus {
    /// The generation that the controller has seen.
    #[serde(deserialize_with = "lenient::int")]
    pub observed_generation: i64,
    /// Pods that are ready.
    #[serde(deserialize_with = "lenient::int")]
    pub ready_replicas: i64,
    /// Pods of the newest revision.
    #[serde(deserialize_with = "lenient::int")]
    pub updated_replicas: i64,
    /// The revision that all pods had last.
    #[serde(deserialize_with = "lenient::text")]
    pub current_revision: Box<str>,
    /// The newest revision.
    #[serde(deserialize_with = "lenient::text")]
    pub update_revision: Box<str>,
}

/// A DaemonSet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DaemonSet {
    /// Name, namespace, generation.
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Meta,
    /// What is.
    #[serde(deserialize_with = "lenient::object")]
    pub status: DaemonSetStatus,
}

/// What a DaemonSet is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct DaemonSetStatus {
    /// The generation that the controller has seen.
    #[serde(deserialize_with = "lenient::int")]
    pub observed_generation: i64,
    /// Nodes that should run a pod.
    #[serde(deserialize_with = "lenient::int")]
    pub desired_number_scheduled: i64,
    /// Nodes whose pod has been ready long enough.
    #[serde(deserialize_with = "lenient::int")]
    pub number_available: i64,
    /// Nodes that run a pod but should not.
    #[serde(deserialize_with = "lenient::int")]
    pub number_misscheduled: i64,
}
