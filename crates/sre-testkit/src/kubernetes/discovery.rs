//! What the server says of itself: its version, and the resources that it serves (kubectl asks before all else).

use serde_json::{Value, json};

use super::route::{KINDS, Kind};

/// The answer for a path that is no resource, if there is one.
pub(super) fn answer(path: &str) -> Option<Value> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["version"] => Some(json!({
            "major": "1", "minor": "36", "gitVersion": "v1.36.0", "gitCommit": "0", "gitTreeState": "clean",
            "buildDate": "2026-04-22T00:00:00Z", "goVersion": "go1.26", "compiler": "gc", "platform": "linux/amd64",
        })),
        ["healthz" | "livez" | "readyz"] => Some(json!("ok")),
        ["api"] => Some(json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })),
        ["apis"] => {
            let groups: Vec<Value> = groups().iter().map(|kind| group(kind)).collect();
            Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
        }
        ["api", version] => resources("", version),
        ["apis", group, version] => resources(group, version),
        _ => None,
    }
}

/// One kind of each named group.
fn groups() -> Vec<&'static Kind> {
    let mut kinds: Vec<&Kind> = KINDS.iter().filter(|kind| !kind.group.is_empty()).collect();
    kinds.dedup_by_key(|kind| kind.group);
    kinds
}

fn group(kind: &Kind) -> Value {
    let version = json!({ "groupVersion": kind.api_version(), "version": kind.version });
    json!({ "name": kind.group, "versions": [version], "preferredVersion": version })
}

fn resources(group: &str, version: &str) -> Option<Value> {
    let kinds = KINDS.iter().filter(|kind| kind.group == group && kind.version == version);
    let entry = |name: String, kind: &str, namespaced: bool, verbs: &[&str]| json!({ "name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs });
    let mut resources = Vec::new();
    let mut group_version = None;
    for kind in kinds {
        group_version = Some(kind.api_version());
        resources.push(entry(kind.plural.to_owned(), kind.name, kind.namespaced, &["get", "list", "watch"]));
        if kind.scales() {
            let mut scale = entry(format!("{}/scale", kind.plural), "Scale", true, &["get", "patch", "update"]);
            scale["group"] = json!("autoscaling");
            scale["version"] = json!("v1");
            resources.push(scale);
        }
    }
    let group_version = group_version?;
    Some(
        json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources }),
    )
}
