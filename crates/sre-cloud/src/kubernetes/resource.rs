//! Where each kind of object lives in the API.
//!
//! ```
//! use sre_cloud::kubernetes::{ListScope, Resource};
//! assert_eq!(Resource::PODS.path(&ListScope::All), "/api/v1/pods");
//! let shop = ListScope::namespace("shop").unwrap();
//! assert_eq!(Resource::JOBS.path(&shop), "/apis/batch/v1/namespaces/shop/jobs");
//! assert!(ListScope::namespace("../nodes").is_err());
//! ```

use serde::de::DeserializeOwned;

use super::contexts::config_error;
use super::{DaemonSet, Deployment, Event, Job, Node, Pod, StatefulSet};
use crate::Error;

/// One resource of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The version in the group.
    pub version: &'static str,
    /// The plural, as in URLs.
    pub plural: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// Objects that can be listed and watched: any lean struct with the fields that are needed; serde skips the rest.
///
/// ```
/// use serde::Deserialize;
/// use sre_cloud::kubernetes::{Listed, Resource};
///
/// #[derive(Debug, Default, Deserialize)]
/// #[serde(default)]
/// struct Secret { r#type: String }
///
/// impl Listed for Secret {
///     const RESOURCE: Resource = Resource::new("", "v1", "secrets", true);
/// }
/// ```
pub trait Listed: DeserializeOwned + Send + 'static {
    /// Where they live.
    const RESOURCE: Resource;
}

/// Which namespaces a list or watch covers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListScope {
    /// All of them, and kinds that have none.
    All,
    /// One.
    Namespace(NamespaceName),
}

/// A name that can be a namespace (an RFC 1123 label).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceName(String);

// === impl Resource ===

impl Resource {
    /// `v1/pods`.
    pub const PODS: Self = Self::new("", "v1", "pods", true);
    /// `v1/events`.
    pub const EVENTS: Self = Self::new("", "v1", "events", true);
    /// `v1/nodes`.
    pub const NODES: Self = Self::new("", "v1", "nodes", false);
    /// `v1/namespaces`.
    pub const NAMESPACES: Self = Self::new("", "v1", "namespaces", false);
    /// `apps/v1/deployments`.
    pub const DEPLOYMENTS: Self = Self::new("apps", "v1", "deployments", true);
    /// `apps/v1/statefulsets`.
    pub const STATEFUL_SETS: Self = Self::new("apps", "v1", "statefulsets", true);
    /// `apps/v1/daemonsets`.
    pub const DAEMON_SETS: Self = Self::new("apps", "v1", "daemonsets", true);
    /// `batch/v1/jobs`.
    pub const JOBS: Self = Self::new("batch", "v1", "jobs", true);
    /// `autoscaling/v2/horizontalpodautoscalers`.
    pub const AUTOSCALERS: Self = Self::new("autoscaling", "v2", "horizontalpodautoscalers", true);

    /// A resource; `group` is empty for the core group.
    #[must_use]
    pub const fn new(group: &'static str, version: &'static str, plural: &'static str, namespaced: bool) -> Self {
        Self { group, version, plural, namespaced }
    }

    /// The path of the collection. Kinds without namespaces ignore the scope.
    #[must_use]
    pub fn path(&self, scope: &ListScope) -> String {
        let root = if self.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", self.group) };
        match scope.name().filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/{}/namespaces/{namespace}/{}", self.version, self.plural),
            None => format!("{root}/{}/{}", self.version, self.plural),
        }
    }
}

// === impl ListScope ===

impl ListScope {
    /// One namespace.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when no namespace can have this name.
    pub fn namespace(name: &str) -> Result<Self, Error> {
        if !is_label(name) {
            return Err(config_error(name, "it cannot be a namespace: lower-case letters, digits and `-`, at most 63"));
        }
        Ok(Self::Namespace(NamespaceName(name.to_owned())))
    }

    /// The namespace's name, if it is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Namespace(name) => Some(&name.0),
        }
    }
}

/// RFC 1123 label, which namespaces are.
fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_subdomain(name) && !name.contains('.')
}

/// RFC 1123 subdomain, which object names are.
pub(crate) fn is_subdomain(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= 253 && name.chars().all(inner) && edge(name.chars().next()) && edge(name.chars().next_back())
}

// === impl Listed ===

impl Listed for Pod {
    const RESOURCE: Resource = Resource::PODS;
}

impl Listed for Event {
    const RESOURCE: Resource = Resource::EVENTS;
}

impl Listed for Node {
    const RESOURCE: Resource = Resource::NODES;
}

impl Listed for Deployment {
    const RESOURCE: Resource = Resource::DEPLOYMENTS;
}

impl Listed for StatefulSet {
    const RESOURCE: Resource = Resource::STATEFUL_SETS;
}

impl Listed for DaemonSet {
    const RESOURCE: Resource = Resource::DAEMON_SETS;
}

impl Listed for Job {
    const RESOURCE: Resource = Resource::JOBS;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names() {
        let shop = ListScope::namespace("shop").unwrap();
        assert_eq!(Resource::NODES.path(&shop), "/api/v1/nodes");
        assert_eq!(Resource::DEPLOYMENTS.path(&ListScope::All), "/apis/apps/v1/deployments");
        for bad in ["", "a/b", "A", "-a", "a-", "a.b", "a?x", &"a".repeat(64)] {
            assert!(ListScope::namespace(bad).is_err(), "{bad}");
        }
        assert!(is_subdomain("web.v2") && !is_subdomain("web/scale"));
    }
}
