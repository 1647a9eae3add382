//! A pod as far as the checks use it: a tenth of what the server sends; the rest is skipped while reading.
//!
//! Any field may be missing, null or of another type than promised: it then reads as empty.
//!
//! ```
//! use sre_cloud::kubernetes::Pod;
//!
//! let pod: Pod = serde_json::from_str(r#"{"metadata": {"name": "web"}, "status": {"phase": 7}}"#).unwrap();
//! assert_eq!((&*pod.metadata.name, &*pod.status.phase), ("web", ""));
//! ```

use jiff::Timestamp;
use serde::Deserialize;

use super::lenient;
use super::meta::{Condition, Meta};

/// A pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Pod {
    /// Name, namespace, owners, times.
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Meta,
    /// What was asked for.
    #[serde(deserialize_with = "lenient::object")]
    pub spec: PodSpec,
    /// What is.
    #[serde(deserialize_with = "lenient::object")]
    pub status: PodStatus,
}

/// What was asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct PodSpec {
    /// The node that it was given to; empty while it waits for one.
    #[serde(deserialize_with = "lenient::text")]
    pub node_name: Box<str>,
    /// `Always`, `OnFailure` or `Never`.
    #[serde(deserialize_with = "lenient::text")]
    pub restart_policy: Box<str>,
    /// How many containers it has, without init containers.
    #[serde(deserialize_with = "lenient::count")]
    pub containers: u32,
    /// The init containers, sidecars among them.
    #[serde(deserialize_with = "lenient::list")]
    pub init_containers: Vec<InitContainer>,
}

/// An init container of the spec.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct InitContainer {
    /// The name, which its status repeats.
    #[serde(deserialize_with = "lenient::text")]
    pub name: Box<str>,
    /// `Always` makes it a sidecar.
    #[serde(deserialize_with = "lenient::text")]
    pub restart_policy: Box<str>,
}

/// What is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    #[serde(deserialize_with = "lenient::text")]
    pub phase: Box<str>,
    /// Why the pod as a whole is so: `Evicted`, `NodeLost`.
    #[serde(deserialize_with = "lenient::text")]
    pub reason: Box<str>,
    /// A sentence about the reason.
    #[serde(deserialize_with = "lenient::text")]
    pub message: Box<str>,
    /// `PodScheduled`, `Initialized`, `Ready` and others.
    #[serde(deserialize_with = "lenient::list")]
    pub conditions: Vec<Condition>,
    /// The init containers and sidecars.
    #[serde(deserialize_with = "lenient::list")]
    pub init_container_statuses: Vec<ContainerStatus>,
    /// The containers.
    #[serde(deserialize_with = "lenient::list")]
    pub container_statuses: Vec<ContainerStatus>,
}

/// A container's status.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContainerStatus {
    /// The container's name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: Box<str>,
    /// Whether its readiness probe passes.
    #[serde(deserialize_with = "lenient::flag")]
    pub ready: bool,
    /// Whether its startup probe has passed.
    #[serde(deserialize_with = "lenient::flag")]
    pub started: bool,
    /// How often it was started again.
    #[serde(deserialize_with = "lenient::int")]
    pub restart_count: i64,
    /// What it does now.
    #[serde(deserialize_with = "lenient::object")]
    pub state: ContainerState,
    /// How it ended the last time.
    #[serde(deserialize_with = "lenient::object")]
    pub last_state: ContainerState,
}

/// Waiting, running or terminated; the server promises at most one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ContainerState {
    /// It is not running yet, or not again.
    #[serde(deserialize_with = "lenient::maybe")]
    pub waiting: Option<Waiting>,
    /// It runs.
    #[serde(deserialize_with = "lenient::maybe")]
    pub running: Option<Running>,
    /// It has ended.
    #[serde(deserialize_with = "lenient::maybe")]
    pub terminated: Option<Terminated>,
}

/// Why a container does not run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Waiting {
    /// `ContainerCreating`, `CrashLoopBackOff`, `ErrImagePull`.
    #[serde(deserialize_with = "lenient::text")]
    pub reason: Box<str>,
    /// A sentence about the reason.
    #[serde(deserialize_with = "lenient::text")]
    pub message: Box<str>,
}

/// Since when a container runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Running {
    /// Its start.
    #[serde(deserialize_with = "lenient::time")]
    pub started_at: Option<Timestamp>,
}

/// How a container ended.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Terminated {
    /// The exit status.
    #[serde(deserialize_with = "lenient::int")]
    pub exit_code: i64,
    /// The signal that ended it, or 0.
    #[serde(deserialize_with = "lenient::int")]
    pub signal: i64,
    /// `Completed`, `Error`, `OOMKilled`.
    #[serde(deserialize_with = "lenient::text")]
    pub reason: Box<str>,
    /// Its end.
    #[serde(deserialize_with = "lenient::time")]
    pub finished_at: Option<Timestamp>,
}

// === impl PodSpec ===

impl PodSpec {
    /// Whether the init container of this name is a sidecar: one that runs beside the containers.
    #[must_use]
    pub fn is_sidecar(&self, name: &str) -> bool {
        self.init_containers.iter().rfind(|c| &*c.name == name).is_some_and(InitContainer::is_sidecar)
    }
}

// === impl InitContainer ===

impl InitContainer {
    /// Whether it is a sidecar: one that runs beside the containers.
    #[must_use]
    pub fn is_sidecar(&self) -> bool {
        &*self.restart_policy == "Always"
    }
}
