//! A kubeconfig for a scripted server, and lists as the API serves them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use sre_cloud::Error;
use sre_cloud::kubernetes::{Cluster, ConnectOptions, Contexts, ListOptions, ListScope, ListSummary, Listing, Pod};
use sre_core::{RetryPolicy, SystemClock};
use sre_testkit::kubernetes::{KubeApi, write_kubeconfig};
use sre_testkit::scripted::{Reply, Request, Server};

/// A kubeconfig file with one context, `prod`.
pub(crate) struct Kubeconfig {
    _dir: tempfile::TempDir,
    pub(crate) file: PathBuf,
}

impl Kubeconfig {
    pub(crate) fn new(cluster: &Value, user: &Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        let config = json!({
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "prod",
        });
        std::fs::write(&file, config.to_string()).unwrap();
        Self { _dir: dir, file }
    }

    pub(crate) async fn connect(&self, options: ConnectOptions) -> Result<Cluster, Error> {
        let context = Contexts::read(std::slice::from_ref(&self.file))?.select(None)?;
        Cluster::connect(&context, options, SystemClock::shared()).await
    }
}

/// Short limits and small delays, for servers on this machine.
pub(crate) fn quick() -> ConnectOptions {
    let retry = RetryPolicy::builder().base(Duration::from_millis(1)).cap(Duration::from_millis(20)).build().unwrap();
    ConnectOptions::default()
        .connect_timeout(Duration::from_secs(2))
        .read_timeout(Duration::from_secs(1))
        .deadline(Duration::from_secs(20))
        .retry(retry)
}

/// A cluster with a fixed token at `url`.
pub(crate) async fn cluster_at(url: &str, options: ConnectOptions) -> Cluster {
    Kubeconfig::new(&json!({"server": url}), &json!({"token": "t0ken"})).connect(options).await.unwrap()
}

pub(crate) async fn cluster(server: &Server) -> Cluster {
    cluster_at(&server.url(), quick()).await
}

/// The scripted API server of the test kit as the context `prod`.
pub(crate) async fn connect(api: &KubeApi, options: ConnectOptions) -> Cluster {
    let dir = tempfile::tempdir().unwrap();
    let context = Contexts::read(&[write_kubeconfig(dir.path(), &[("prod", api)])]).unwrap().select(None).unwrap();
    Cluster::connect(&context, options, SystemClock::shared()).await.unwrap()
}

/// The names of all pods, with the summary.
pub(crate) async fn pod_names(cluster: &Cluster) -> Result<(Vec<String>, ListSummary), Error> {
    let mut names: Vec<String> = Vec::new();
    let summary = cluster
        .list::<Pod>(&ListScope::All, &ListOptions::default(), |listing| match listing {
            Listing::Page(pods) => names.extend(pods.iter().map(|p| p.metadata.name.to_string())),
            Listing::StartOver => names.clear(),
        })
        .await?;
    Ok((names, summary))
}

/// A page of pods `pod-FROM` and so on.
pub(crate) fn page(from: usize, count: usize, next: Option<&str>) -> Value {
    let items: Vec<Value> =
        (from..from + count).map(|i| json!({"metadata": {"name": format!("pod-{i}"), "namespace": "shop"}})).collect();
    json!({
        "kind": "PodList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "100", "continue": next.unwrap_or_default()},
        "items": items,
    })
}

/// Answers page by page: `total` pods, `limit` of them at a time, the token is the next index.
pub(crate) fn paged(request: &Request, total: usize) -> Value {
    let limit: usize = request.query_value("limit").unwrap().parse().unwrap();
    let from: usize = request.query_value("continue").map_or(0, |token| token.parse().unwrap());
    let count = limit.min(total - from);
    let next = (from + count < total).then(|| (from + count).to_string());
    page(from, count, next.as_deref())
}

/// A `Status` of the API server.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Reply {
    Reply::json(
        code,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code}),
    )
}
