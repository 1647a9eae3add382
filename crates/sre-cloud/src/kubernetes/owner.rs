//! Who answers for a pod: the Deployment, StatefulSet, DaemonSet, Job or CronJob behind it, or the pod itself.
//!
//! ```
//! use sre_cloud::kubernetes::{OwnerRef, Pod};
//!
//! let pod: Pod = serde_json::from_str(r#"{"metadata": {
//!     "namespace": "payments", "name": "api-7d9f8b6c5-x2x4z", "labels": {"pod-template-hash": "7d9f8b6c5"},
//!     "ownerReferences": [{"kind": "ReplicaSet", "name": "api-7d9f8b6c5", "controller": true}]
//! }}"#).unwrap();
//! assert_eq!(OwnerRef::of(&pod).to_string(), "deployment payments/api");
//! ```

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Serialize, Serializer};

use super::meta::{Meta, OwnerReference};
use super::pod::Pod;

/// The letters and digits of generated names: no vowels, no 0, 1 or 3.
/// Source: `alphanums` in kubernetes/staging/src/k8s.io/apimachinery/pkg/util/rand/rand.go.
const GENERATED: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Who answers for a pod, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct OwnerRef<'a> {
    /// `Deployment`, `StatefulSet`, `DaemonSet`, `Job`, `CronJob`, `Pod` (nobody else), or a custom kind.
    pub kind: &'a str,
    /// The namespace; empty for nodes.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
}

/// Who answers for a pod; serializes as `deployment/api`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Owner {
    /// As in [`OwnerRef`].
    pub kind: Box<str>,
    /// As in [`OwnerRef`].
    pub namespace: Box<str>,
    /// As in [`OwnerRef`].
    pub name: Box<str>,
}

// === impl OwnerRef ===

impl<'a> OwnerRef<'a> {
    /// From the pod's own metadata, with no further request. A ReplicaSet whose name ends in the pod's template hash
    /// stands for its Deployment, a Job whose name ends in a CronJob's minute for its CronJob. Mirror pods, whose
    /// owner is their node, answer for themselves.
    #[must_use]
    pub fn of(pod: &'a Pod) -> Self {
        let meta = &pod.metadata;
        let (kind, name) = match controller(meta) {
            Some(c) if &*c.kind == "ReplicaSet" => replica_set_owner(meta, &c.name),
            Some(c) if &*c.kind == "Job" => job_owner(&c.name),
            Some(c) if &*c.kind != "Node" => (&*c.kind, &*c.name),
            _ => ("Pod", &*meta.name),
        };
        Self { kind, namespace: &meta.namespace, name }
    }

    /// The owner of an object that is known by kind and name alone, as in an event: a guess from how the controllers
    /// make names. It is good for grouping, not for addressing.
    #[must_use]
    pub fn guess(kind: &'a str, namespace: &'a str, name: &'a str) -> Self {
        let (kind, name) = match kind {
            "Pod" => guess_pod_owner(name),
            "ReplicaSet" => strip_generated(name, 6..=10).map_or((kind, name), |name| ("Deployment", name)),
            "Job" => job_owner(name),
            _ => (kind, name),
        };
        Self { kind, namespace, name }
    }

    /// Keeps it beyond the pod's life.
    #[must_use]
    pub fn to_owner(self) -> Owner {
        Owner { kind: self.kind.into(), namespace: self.namespace.into(), name: self.name.into() }
    }

    /// Eight bytes that stand for it in a large count.
    pub(super) fn fingerprint(self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

impl fmt::Display for OwnerRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.to_lowercase();
        match self.namespace {
            "" => write!(f, "{kind} {}", self.name),
            namespace => write!(f, "{kind} {namespace}/{}", self.name),
        }
    }
}

// === impl Owner ===

impl Owner {
    /// Borrows it.
    #[must_use]
    pub fn as_ref(&self) -> OwnerRef<'_> {
        OwnerRef { kind: &self.kind, namespace: &self.namespace, name: &self.name }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl Serialize for Owner {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}/{}", self.kind.to_lowercase(), self.name))
    }
}

/// Whether a Job runs the pod.
pub(super) fn is_job_owned(pod: &Pod) -> bool {
    controller(&pod.metadata).is_some_and(|c| &*c.kind == "Job")
}

/// Whether something will put another pod in this one's place.
pub(super) fn is_managed(pod: &Pod) -> bool {
    controller(&pod.metadata).is_some()
}

pub(super) fn controller(meta: &Meta) -> Option<&OwnerReference> {
    meta.owner_references.iter().find(|o| o.controller)
}

fn replica_set_owner<'a>(meta: &'a Meta, replica_set: &'a str) -> (&'a str, &'a str) {
    let without = |hash: &str| {
        let name = replica_set.strip_suffix(hash).filter(|_| !hash.is_empty())?.strip_suffix('-')?;
        Some(name).filter(|name| !name.is_empty())
    };
    if let Some(name) = without(&meta.labels.rollouts_pod_template_hash) {
        ("Rollout", name)
    } else if let Some(name) = without(&meta.labels.pod_template_hash) {
        ("Deployment", name)
    } else {
        ("ReplicaSet", replica_set)
    }
}

/// A CronJob names its Jobs after itself and the scheduled minute since 1970, eight digits until the year 2160.
fn job_owner(job: &str) -> (&str, &str) {
    match job.rsplit_once('-') {
        Some((name, minute)) if minute.len() == 8 && !name.is_empty() && minute.bytes().all(|b| b.is_ascii_digit()) => {
            ("CronJob", name)
        }
        _ => ("Job", job),
    }
}

fn guess_pod_owner(pod: &str) -> (&str, &str) {
    if let Some(rest) = strip_generated(pod, 5..=5) {
        // A DaemonSet's or a Job's pod has no template hash, so its owner's kind stays open.
        return match strip_generated(rest, 6..=10) {
            Some(deployment) => ("Deployment", deployment),
            None => match job_owner(rest) {
                ("CronJob", name) => ("CronJob", name),
                _ => ("Workload", rest),
            },
        };
    }
    match pod.rsplit_once('-') {
        Some((name, ordinal)) if !name.is_empty() && is_ordinal(ordinal) => ("StatefulSet", name),
        _ => ("Pod", pod),
    }
}

fn is_ordinal(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn strip_generated(name: &str, length: std::ops::RangeInclusive<usize>) -> Option<&str> {
    let (rest, suffix) = name.rsplit_once('-')?;
    let generated = length.contains(&suffix.len()) && suffix.bytes().all(|b| GENERATED.contains(&b));
    (generated && !rest.is_empty()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(labels: &str, kind: &str, name: &str) -> String {
        let json = format!(
            r#"{{"metadata": {{"namespace": "ns", "name": "p", "labels": {{{labels}}},
                "ownerReferences": [{{"kind": "Other", "name": "x"}}, {{"kind": "{kind}", "name": "{name}", "controller": true}}]}}}}"#
        );
        OwnerRef::of(&serde_json::from_str(&json).unwrap()).to_string()
    }

    #[test]
    fn finds_the_owner() {
        let hash = r#""pod-template-hash": "5d4f""#;
        for (labels, kind, name, want) in [
            (hash, "ReplicaSet", "api-5d4f", "deployment ns/api"),
            (hash, "ReplicaSet", "api-other", "replicaset ns/api-other"),
            (hash, "ReplicaSet", "-5d4f", "replicaset ns/-5d4f"),
            ("", "ReplicaSet", "api-5d4f", "replicaset ns/api-5d4f"),
            (r#""rollouts-pod-template-hash": "5d4f""#, "ReplicaSet", "api-5d4f", "rollout ns/api"),
            ("", "StatefulSet", "db", "statefulset ns/db"),
            ("", "DaemonSet", "log", "daemonset ns/log"),
            ("", "Job", "backup", "job ns/backup"),
            ("", "Job", "backup-29384756", "cronjob ns/backup"),
            ("", "Node", "node-1", "pod ns/p"),
        ] {
            assert_eq!(owner(labels, kind, name), want, "{kind} {name}");
        }
    }

    #[test]
    fn guesses_the_owner_from_a_name() {
        for (kind, name, want) in [
            ("Pod", "api-7d9f8b6c5-x2x4z", "deployment ns/api"),
            ("Pod", "web-server-75675f5897-7ci7o", "pod ns/web-server-75675f5897-7ci7o"),
            ("Pod", "log-x2x4z", "workload ns/log"),
            ("Pod", "backup-29384756-x2x4z", "cronjob ns/backup"),
            ("Pod", "db-0", "statefulset ns/db"),
            ("Pod", "plain", "pod ns/plain"),
            ("ReplicaSet", "api-7d9f8b6c5", "deployment ns/api"),
            ("Service", "api", "service ns/api"),
        ] {
            assert_eq!(OwnerRef::guess(kind, "ns", name).to_string(), want, "{kind} {name}");
        }
    }
}
