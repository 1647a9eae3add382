//! A node as far as the checks use it.

use serde::Deserialize;

use super::lenient;
use super::meta::{Condition, Meta};

/// A node.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Node {
    /// Name and times.
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Meta,
    /// What was asked for.
    #[serde(deserialize_with = "lenient::object")]
    pub spec: NodeSpec,
    /// What is.
    #[serde(deserialize_with = "lenient::object")]
    pub status: NodeStatus,
}

/// What was asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NodeSpec {
    /// Cordoned: takes no new pods.
    #[serde(deserialize_with = "lenient::flag")]
    pub unschedulable: bool,
    /// What keeps pods away.
    #[serde(deserialize_with = "lenient::list")]
    pub taints: Vec<Taint>,
}

/// Something that keeps pods away from a node.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Taint {
    /// Such as `node.kubernetes.io/unschedulable`.
    #[serde(deserialize_with = "lenient::text")]
    pub key: Box<str>,
}

/// What is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NodeStatus {
    /// `Ready`, `MemoryPressure` and others.
    #[serde(deserialize_with = "lenient::list")]
    pub conditions: Vec<Condition>,
}
