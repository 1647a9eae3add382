//! Which resource a path names: the kinds that the server knows, and the URL scheme of the Kubernetes API.

/// A kind of object, and where it is served.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) plural: &'static str,
    pub(super) name: &'static str,
    /// Empty for the core group.
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) namespaced: bool,
}

/// What a path asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route<'a> {
    List { kind: &'static Kind, namespace: Option<&'a str> },
    Object { kind: &'static Kind, namespace: Option<&'a str>, name: &'a str },
    Scale { kind: &'static Kind, namespace: Option<&'a str>, name: &'a str },
    Other,
}

pub(super) static KINDS: [Kind; 10] = [
    Kind { plural: "pods", name: "Pod", group: "", version: "v1", namespaced: true },
    Kind { plural: "events", name: "Event", group: "", version: "v1", namespaced: true },
    Kind { plural: "nodes", name: "Node", group: "", version: "v1", namespaced: false },
    Kind { plural: "namespaces", name: "Namespace", group: "", version: "v1", namespaced: false },
    Kind { plural: "deployments", name: "Deployment", group: "apps", version: "v1", namespaced: true },
    Kind { plural: "statefulsets", name: "StatefulSet", group: "apps", version: "v1", namespaced: true },
    Kind { plural: "daemonsets", name: "DaemonSet", group: "apps", version: "v1", namespaced: true },
    Kind { plural: "replicasets", name: "ReplicaSet", group: "apps", version: "v1", namespaced: true },
    Kind { plural: "jobs", name: "Job", group: "batch", version: "v1", namespaced: true },
    Kind {
        plural: "horizontalpodautoscalers",
        name: "HorizontalPodAutoscaler",
        group: "autoscaling",
        version: "v2",
        namespaced: true,
    },
];

// === impl Kind ===

impl Kind {
    /// The kind with that plural.
    pub(super) fn named(plural: &str) -> &'static Self {
        KINDS.iter().find(|kind| kind.plural == plural).unwrap_or_else(|| panic!("no resource {plural} here"))
    }

    /// `v1` or `apps/v1`.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether it has a `scale` subresource.
    pub(super) fn scales(&self) -> bool {
        matches!(self.plural, "deployments" | "statefulsets" | "replicasets")
    }
}

// === impl Route ===

impl<'a> Route<'a> {
    pub(super) fn parse(path: &'a str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Self::Other,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let find = |plural: &str| {
            KINDS.iter().find(|kind| kind.plural == plural && kind.group == group && kind.version == version)
        };
        match rest {
            [plural] => find(plural).map(|kind| Self::List { kind, namespace }),
            [plural, name] => find(plural).map(|kind| Self::Object { kind, namespace, name }),
            [plural, name, "scale"] => {
                find(plural).filter(|kind| kind.scales()).map(|kind| Self::Scale { kind, namespace, name })
            }
            _ => None,
        }
        .unwrap_or(Self::Other)
    }

    /// The resource and the namespace that the request is about.
    pub(super) fn scope(self) -> Option<(&'static Kind, Option<&'a str>)> {
        match self {
            Self::List { kind, namespace }
            | Self::Object { kind, namespace, .. }
            | Self::Scale { kind, namespace, .. } => Some((kind, namespace)),
            Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let parse = |path| format!("{:?}", Route::parse(path)).replace(", group: \"\", version: \"v1\"", "");
        assert!(parse("/api/v1/pods").contains("plural: \"pods\""));
        assert!(parse("/api/v1/namespaces").starts_with("List"));
        assert!(parse("/api/v1/namespaces/shop").starts_with("Object"));
        assert!(parse("/api/v1/namespaces/shop/pods").ends_with("namespace: Some(\"shop\") }"));
        assert!(parse("/apis/apps/v1/namespaces/shop/deployments/web/scale").starts_with("Scale"));
        assert_eq!(parse("/apis/apps/v1/namespaces/shop/daemonsets/web/scale"), "Other");
        assert_eq!(parse("/apis/batch/v1beta1/jobs"), "Other");
    }
}
