//! What all API objects have in common, as far as the checks use it: metadata, owners, conditions, and a page of a list.
//!
//! ```
//! use sre_cloud::kubernetes::{Page, Pod};
//!
//! let page: Page<Pod> = serde_json::from_str(
//!     r#"{"metadata": {"continue": "abc", "resourceVersion": "7"}, "items": [{"metadata": {"name": "api-0"}}, null]}"#,
//! ).unwrap();
//! assert_eq!(&*page.metadata.continue_token, "abc");
//! assert_eq!(&*page.items[0].metadata.name, "api-0");
//! ```

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::lenient;

/// One page of a list: `PodList`, `EventList` and so on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, bound = "T: DeserializeOwned + Default")]
#[non_exhaustive]
pub struct Page<T> {
    /// Where the list goes on.
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: PageMeta,
    /// The objects; elements that are no objects are left out.
    #[serde(deserialize_with = "lenient::list")]
    pub items: Vec<T>,
}

/// The metadata of a list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct PageMeta {
    /// The token of the next page; empty on the last one.
    #[serde(rename = "continue", deserialize_with = "lenient::text")]
    pub continue_token: Box<str>,
    /// The version of the snapshot, where a watch may begin.
    #[serde(deserialize_with = "lenient::text")]
    pub resource_version: Box<str>,
    /// How many objects are still to come, where the server says.
    #[serde(deserialize_with = "lenient::maybe_int")]
    pub remaining_item_count: Option<i64>,
}

/// An object's metadata.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Meta {
    /// The name, unique in its namespace.
    #[serde(deserialize_with = "lenient::text")]
    pub name: Box<str>,
    /// The namespace; empty for cluster-wide kinds.
    #[serde(deserialize_with = "lenient::text")]
    pub namespace: Box<str>,
    /// The version, where a watch may go on.
    #[serde(deserialize_with = "lenient::text")]
    pub resource_version: Box<str>,
    /// Counts the changes of the spec.
    #[serde(deserialize_with = "lenient::int")]
    pub generation: i64,
    /// When it was made.
    #[serde(deserialize_with = "lenient::time")]
    pub creation_timestamp: Option<Timestamp>,
    /// When it should be gone: the time of the request plus the grace period.
    #[serde(deserialize_with = "lenient::time")]
    pub deletion_timestamp: Option<Timestamp>,
    /// The labels that the checks use.
    #[serde(deserialize_with = "lenient::object")]
    pub labels: Labels,
    /// Who owns it.
    #[serde(deserialize_with = "lenient::list")]
    pub owner_references: Vec<OwnerReference>,
}

/// The labels that the checks use; all others are skipped.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Labels {
    /// Set by a Deployment: the last part of its ReplicaSet's name.
    #[serde(rename = "pod-template-hash", deserialize_with = "lenient::text")]
    pub pod_template_hash: Box<str>,
    /// The same, set by an Argo Rollout.
    #[serde(rename = "rollouts-pod-template-hash", deserialize_with = "lenient::text")]
    pub rollouts_pod_template_hash: Box<str>,
}

/// One owner of an object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct OwnerReference {
    /// The owner's kind.
    #[serde(deserialize_with = "lenient::text")]
    pub kind: Box<str>,
    /// The owner's name, in the object's namespace.
    #[serde(deserialize_with = "lenient::text")]
    pub name: Box<str>,
    /// Whether this owner manages the object; at most one does.
    #[serde(deserialize_with = "lenient::flag")]
    pub controller: bool,
}

/// A condition of a pod, node, Deployment or Job.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Condition {
    /// What is told: `Ready`, `MemoryPressure`, `Failed`.
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub kind: Box<str>,
    /// `True`, `False` or `Unknown`.
    #[serde(deserialize_with = "lenient::text")]
    pub status: Box<str>,
    /// One word why.
    #[serde(deserialize_with = "lenient::text")]
    pub reason: Box<str>,
    /// A sentence.
    #[serde(deserialize_with = "lenient::text")]
    pub message: Box<str>,
    /// When `status` last changed.
    #[serde(deserialize_with = "lenient::time")]
    pub last_transition_time: Option<Timestamp>,
    /// When the condition was last written; Deployments have it.
    #[serde(deserialize_with = "lenient::time")]
    pub last_update_time: Option<Timestamp>,
}

impl Condition {
    /// Whether it holds.
    #[must_use]
    pub fn is_true(&self) -> bool {
        &*self.status == "True"
    }

    /// The first condition of a kind.
    #[must_use]
    pub fn find<'a>(conditions: &'a [Self], kind: &str) -> Option<&'a Self> {
        conditions.iter().find(|c| &*c.kind == kind)
    }
}

/// How long ago something was; zero for the future, as clocks differ.
pub(super) fn age(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}
