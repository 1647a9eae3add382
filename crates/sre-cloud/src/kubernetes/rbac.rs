//! What the credentials may not do, and the smallest role that would allow it.
//!
//! ```
//! use sre_cloud::kubernetes::{Denied, minimal_cluster_role};
//!
//! let denied = [Denied::new("list", "", "nodes", None), Denied::new("list", "apps", "deployments", Some("shop"))];
//! assert_eq!(denied[1].to_string(), "list deployments.apps in namespace shop");
//! assert_eq!(minimal_cluster_role("morning-check", &denied), "\
//! apiVersion: rbac.authorization.k8s.io/v1
//! kind: ClusterRole
//! metadata:
//!   name: morning-check
//! rules:
//!   - apiGroups: [\"\"]
//!     resources: [nodes]
//!     verbs: [list]
//!   - apiGroups: [apps]
//!     resources: [deployments]
//!     verbs: [list]
//! ");
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use serde::Serialize;

/// Something that the credentials in use may not do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Denied {
    /// `list`, `get`, `watch`, `patch`.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The plural, with its subresource: `pods`, `deployments/scale`.
    pub resource: String,
    /// The namespace that was asked for; `None` means all of them.
    pub namespace: Option<String>,
}

// === impl Denied ===

impl Denied {
    /// `verb` on `resource` of the API group `group`, in one namespace or everywhere.
    #[must_use]
    pub fn new(verb: &str, group: &str, resource: &str, namespace: Option<&str>) -> Self {
        Self {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.map(str::to_owned),
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => f.write_str(" in all namespaces"),
        }
    }
}

/// The `ClusterRole` in YAML that allows exactly what was denied, one rule for resources of one group with the same
/// verbs. Bind it with a `ClusterRoleBinding`, or with a `RoleBinding` in each namespace where that is enough. Empty
/// when nothing was denied.
#[must_use]
pub fn minimal_cluster_role(name: &str, denied: &[Denied]) -> String {
    let mut verbs: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for d in denied {
        verbs.entry((&d.group, &d.resource)).or_default().insert(&d.verb);
    }
    let mut rules: BTreeMap<(&str, BTreeSet<&str>), Vec<&str>> = BTreeMap::new();
    for ((group, resource), verbs) in verbs {
        rules.entry((group, verbs)).or_default().push(resource);
    }
    if rules.is_empty() {
        return String::new();
    }
    let mut yaml = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {}\nrules:\n",
        plain(name)
    );
    for ((group, verbs), resources) in rules {
        let verbs: Vec<&str> = verbs.into_iter().collect();
        // Writing to a String cannot fail.
        let _ = write!(
            yaml,
            "  - apiGroups: [{}]\n    resources: {}\n    verbs: {}\n",
            plain(group),
            list(&resources),
            list(&verbs)
        );
    }
    yaml
}

fn list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|w| plain(w)).collect();
    format!("[{}]", words.join(", "))
}

/// Quotes what would not read back as the same text.
fn plain(word: &str) -> String {
    let safe = word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/'));
    if safe { word.to_owned() } else { format!("{word:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rule_for_the_same_verbs() {
        let denied = [
            Denied::new("list", "", "pods", None),
            Denied::new("list", "", "pods", Some("shop")),
            Denied::new("list", "", "events", None),
            Denied::new("patch", "apps", "deployments/scale", Some("shop")),
            Denied::new("get", "apps", "deployments/scale", Some("shop")),
            Denied::new("list", "apps", "daemonsets", None),
        ];
        let role = minimal_cluster_role("reader", &denied);
        let parsed: serde_json::Value = serde_yaml::from_str(&role).unwrap();
        assert_eq!(
            parsed["rules"],
            serde_json::json!([
                {"apiGroups": [""], "resources": ["events", "pods"], "verbs": ["list"]},
                {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["get", "patch"]},
                {"apiGroups": ["apps"], "resources": ["daemonsets"], "verbs": ["list"]},
            ])
        );
        assert_eq!(minimal_cluster_role("x", &[]), "");
    }
}
