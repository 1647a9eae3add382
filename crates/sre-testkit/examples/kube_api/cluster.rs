//! A whole cluster, encoded once: what a request costs the server must not be what a benchmark measures.

use std::io::Write as _;

use anyhow::Result;
use bytes::{BufMut, Bytes, BytesMut};
use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::pod::Generated;

/// Pods a page, as every client asks for.
pub(crate) const PAGE: usize = 500;

const COLUMNS: &[&str] =
    &["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node", "Nominated Node", "Readiness Gates"];

/// All objects of a cluster, as answers ready to send.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) pods: usize,
    /// Of all pods as compact JSON.
    pub(crate) bytes: usize,
    /// `namespace/name`, sorted.
    pub(crate) unhealthy: Vec<String>,
    pub(crate) objects: Pages,
    pub(crate) tables: Pages,
    /// By path: everything but pods, in one page each.
    pub(crate) others: Vec<(&'static str, Value)>,
}

/// A list in pages of [`PAGE`].
#[derive(Debug)]
pub(crate) struct Pages {
    /// What stands before the metadata and between metadata and items.
    head: String,
    items: &'static str,
    /// The items of a page, with their commas.
    pages: Vec<Bytes>,
    gzipped: Vec<Bytes>,
}

// === impl Cluster ===

impl Cluster {
    pub(crate) fn generate(pods: usize, now: Timestamp) -> Result<Self> {
        let columns: Vec<Value> = COLUMNS
            .iter()
            .enumerate()
            .map(|(i, name)| json!({ "name": name, "type": "string", "format": "", "description": name, "priority": usize::from(i > 4) }))
            .collect();
        let table = format!(
            r#"{{"kind":"Table","apiVersion":"meta.k8s.io/v1","columnDefinitions":{},"#,
            serde_json::to_string(&columns)?
        );
        let mut objects = Pages::new(r#"{"kind":"PodList","apiVersion":"v1","#.to_owned(), "items");
        let mut tables = Pages::new(table, "rows");
        let (mut unhealthy, mut bytes) = (Vec::new(), 0);
        for start in (0..pods).step_by(PAGE) {
            let page: Vec<Generated> = (start..pods.min(start + PAGE)).map(|i| Generated::new(i, now)).collect();
            bytes += objects.push(page.iter().map(Generated::object))?;
            tables.push(page.iter().map(Generated::row))?;
            let bad = page.iter().filter(|pod| pod.health.is_unhealthy());
            unhealthy.extend(bad.map(|pod| format!("{}/{}", pod.namespace, pod.name)));
        }
        unhealthy.sort();
        objects.compress()?;
        tables.compress()?;
        Ok(Self { pods, bytes, unhealthy, objects, tables, others: others(now) })
    }
}

// === impl Pages ===

impl Pages {
    fn new(head: String, items: &'static str) -> Self {
        Self { head, items, pages: Vec::new(), gzipped: Vec::new() }
    }

    fn push(&mut self, items: impl Iterator<Item = Value>) -> Result<usize> {
        let mut page = BytesMut::new().writer();
        for (i, item) in items.enumerate() {
            if i > 0 {
                page.write_all(b",")?;
            }
            serde_json::to_writer(&mut page, &item)?;
        }
        let page = page.into_inner().freeze();
        let bytes = page.len();
        self.pages.push(page);
        Ok(bytes)
    }

    /// As an API server does above 128 KiB, at its level.
    fn compress(&mut self) -> Result<()> {
        for i in 0..self.len() {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::new(4));
            encoder.write_all(&self.page(i))?;
            self.gzipped.push(encoder.finish()?.into());
        }
        Ok(())
    }

    /// How many pages, one at least.
    pub(crate) fn len(&self) -> usize {
        self.pages.len().max(1)
    }

    /// A page as a whole answer.
    pub(crate) fn page(&self, i: usize) -> Bytes {
        let items = self.pages.get(i).cloned().unwrap_or_default();
        let next = if i + 1 < self.pages.len() { format!(r#","continue":"p{}""#, i + 1) } else { String::new() };
        let mut body = BytesMut::with_capacity(self.head.len() + items.len() + 128);
        body.put_slice(self.opening(&next).as_bytes());
        body.put_slice(&items);
        body.put_slice(b"]}");
        body.freeze()
    }

    pub(crate) fn page_gzipped(&self, i: usize) -> Bytes {
        self.gzipped.get(i).cloned().unwrap_or_default()
    }

    /// The pieces of the whole list in one answer, for clients that do not page.
    pub(crate) fn whole(&self) -> Vec<Bytes> {
        let mut pieces = vec![Bytes::from(self.opening(""))];
        for (i, page) in self.pages.iter().enumerate() {
            if i > 0 {
                pieces.push(Bytes::from_static(b","));
            }
            pieces.push(page.clone());
        }
        pieces.push(Bytes::from_static(b"]}"));
        pieces
    }

    fn opening(&self, next: &str) -> String {
        format!(r#"{}"metadata":{{"resourceVersion":"900000"{next}}},"{}":["#, self.head, self.items)
    }
}

/// What a check reads beside the pods: 200 nodes, 120 deployments, 200 warnings and a few of the rest.
fn others(now: Timestamp) -> Vec<(&'static str, Value)> {
    let at = format!("{now:.0}");
    let list = |kind: &str, version: &str, items: Vec<Value>| json!({ "kind": kind, "apiVersion": version, "metadata": { "resourceVersion": "900000" }, "items": items });
    let nodes = (0..200).map(|i| node(i, &at)).collect();
    let deployments = (0..120).map(|i| deployment(i, &at)).collect();
    let events = (0..200).map(|i| event(i, now, &at)).collect();
    let namespaces =
        (0..20).map(|i| json!({ "metadata": { "name": format!("team-{i:02}") }, "status": { "phase": "Active" } }));
    vec![
        ("/api/v1/nodes", list("NodeList", "v1", nodes)),
        ("/api/v1/namespaces", list("NamespaceList", "v1", namespaces.collect())),
        ("/api/v1/events", list("EventList", "v1", events)),
        ("/apis/apps/v1/deployments", list("DeploymentList", "apps/v1", deployments)),
        ("/apis/apps/v1/statefulsets", list("StatefulSetList", "apps/v1", Vec::new())),
        ("/apis/apps/v1/daemonsets", list("DaemonSetList", "apps/v1", Vec::new())),
        ("/apis/batch/v1/jobs", list("JobList", "batch/v1", Vec::new())),
        ("/apis/batch/v1/cronjobs", list("CronJobList", "batch/v1", Vec::new())),
    ]
}

fn node(i: usize, at: &str) -> Value {
    let condition = |kind: &str, status: &str| json!({ "type": kind, "status": status, "reason": "KubeletSays", "message": "kubelet", "lastHeartbeatTime": at, "lastTransitionTime": at });
    json!({
        "metadata": { "name": format!("node-{i:03}"), "uid": format!("node-{i}"), "creationTimestamp": at, "labels": { "kubernetes.io/os": "linux" } },
        "spec": { "podCIDR": format!("10.{i}.0.0/24"), "providerID": format!("aws:///us-east-1a/i-{i:017x}") },
        "status": { "conditions": [
            condition("MemoryPressure", "False"), condition("DiskPressure", "False"), condition("PIDPressure", "False"), condition("Ready", "True"),
        ] },
    })
}

fn deployment(i: usize, at: &str) -> Value {
    let labels = json!({ "app.kubernetes.io/name": format!("svc-{i:03}") });
    json!({
        "metadata": { "name": format!("svc-{i:03}"), "namespace": format!("team-{:02}", i % 20), "generation": 3, "creationTimestamp": at, "labels": labels },
        "spec": { "replicas": 9, "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "main" }] } } },
        "status": { "observedGeneration": 3, "replicas": 9, "updatedReplicas": 9, "readyReplicas": 9, "availableReplicas": 9,
            "conditions": [{ "type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "", "lastTransitionTime": at }] },
    })
}

fn event(i: usize, now: Timestamp, at: &str) -> Value {
    let pod = Generated::new(37 + 100 * (i % 10), now);
    json!({
        "metadata": { "name": format!("{}.{i:x}", pod.name), "namespace": pod.namespace, "creationTimestamp": at },
        "type": "Warning", "reason": "BackOff", "message": "Back-off restarting failed container", "count": 5,
        "involvedObject": { "kind": "Pod", "namespace": pod.namespace, "name": pod.name },
        "firstTimestamp": at, "lastTimestamp": at, "source": { "component": "kubelet", "host": "node-001" },
        "reportingComponent": "kubelet", "reportingInstance": "node-001",
    })
}
