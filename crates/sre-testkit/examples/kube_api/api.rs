//! What the server answers: lists, discovery for kubectl, errors as API servers word them.

use serde_json::{Value, json};
use sre_testkit::scripted::{Chunk, Reply, Request};

use crate::{
    TOKEN,
    cluster::{Cluster, PAGE, Pages},
};

/// An API group as discovery shows it.
struct Group {
    name: &'static str,
    version: &'static str,
    /// Resource and kind.
    resources: &'static [(&'static str, &'static str)],
}

const GROUPS: &[Group] = &[
    Group { name: "", version: "v1", resources: &[("pods", "Pod"), ("events", "Event")] },
    Group {
        name: "apps",
        version: "v1",
        resources: &[("deployments", "Deployment"), ("statefulsets", "StatefulSet"), ("daemonsets", "DaemonSet")],
    },
    Group { name: "batch", version: "v1", resources: &[("jobs", "Job"), ("cronjobs", "CronJob")] },
];

// === impl Group ===

impl Group {
    fn group_version(&self) -> String {
        if self.name.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.name, self.version) }
    }

    fn path(&self) -> String {
        let root = if self.name.is_empty() { "api" } else { "apis" };
        format!("/{root}/{}", self.group_version())
    }
}

/// Answers one request.
pub(crate) fn answer(cluster: &Cluster, request: &Request) -> Reply {
    if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return refusal(401, "Unauthorized", "Unauthorized");
    }
    match request.path.as_str() {
        "/api/v1/pods" => pods(cluster, request),
        "/version" => Reply::json(
            200,
            &json!({ "major": "1", "minor": "33", "gitVersion": "v1.33.0", "platform": "linux/amd64" }),
        ),
        "/api" => Reply::json(200, &json!({ "kind": "APIVersions", "versions": ["v1"] })),
        "/apis" => Reply::json(200, &groups()),
        path => other(cluster, path),
    }
}

fn pods(cluster: &Cluster, request: &Request) -> Reply {
    let accept = request.header("accept").unwrap_or_default();
    let list = if accept.contains("as=Table") { &cluster.tables } else { &cluster.objects };
    let limit: usize = request.query_value("limit").and_then(|limit| limit.parse().ok()).unwrap_or(0);
    if limit == 0 {
        return whole(list);
    }
    let page = match request.query_value("continue") {
        None => Some(0),
        Some(token) => token.strip_prefix('p').and_then(|page| page.parse().ok()),
    };
    match page.filter(|page| *page < list.len()) {
        _ if limit < PAGE => refusal(400, "BadRequest", "this server has pages of 500"),
        None => refusal(410, "Expired", "The provided continue parameter is too old"),
        Some(page) if request.accepts_gzip() => {
            Reply::bytes(200, "application/json", list.page_gzipped(page)).header("content-encoding", "gzip")
        }
        Some(page) => Reply::bytes(200, "application/json", list.page(page)),
    }
}

fn whole(list: &Pages) -> Reply {
    let (sender, reply) = Reply::channel();
    for piece in list.whole() {
        if sender.send(Chunk::Data(piece)).is_err() {
            break;
        }
    }
    reply
}

fn other(cluster: &Cluster, path: &str) -> Reply {
    if let Some((_, list)) = cluster.others.iter().find(|(known, _)| *known == path) {
        return Reply::json(200, list);
    }
    let Some(group) = GROUPS.iter().find(|group| group.path() == path) else {
        return refusal(404, "NotFound", "the server could not find the requested resource");
    };
    let resource = |(name, kind): &(&str, &str)| json!({ "name": name, "singularName": kind.to_lowercase(), "namespaced": true, "kind": kind, "verbs": ["get", "list", "watch"] });
    let resources: Vec<Value> = group.resources.iter().map(resource).collect();
    Reply::json(
        200,
        &json!({ "kind": "APIResourceList", "groupVersion": group.group_version(), "resources": resources }),
    )
}

fn groups() -> Value {
    let named = GROUPS.iter().filter(|group| !group.name.is_empty());
    let groups: Vec<Value> = named
        .map(|group| {
            let version = json!({ "groupVersion": group.group_version(), "version": group.version });
            json!({ "name": group.name, "versions": [version], "preferredVersion": version })
        })
        .collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

fn refusal(code: u16, reason: &str, message: &str) -> Reply {
    Reply::json(
        code,
        &json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code }),
    )
}
