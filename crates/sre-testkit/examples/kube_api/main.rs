//! Kubernetes API servers full of generated pods, for the benchmarks.
//!
//! ```text
//! kube_api DIR PODS [CONTEXTS=3]
//! ```
//! Starts one HTTPS server a context on free ports of 127.0.0.1, all with the same pods, and writes into DIR:
//! `kubeconfig` (contexts `bench-1`, `bench-2`, …, a bearer token), `ca-N.pem`, and `servers.json` (URLs, token, the
//! unhealthy pods by construction, sizes). Prints `ready` and serves until its standard input is closed.
#![expect(clippy::print_stdout, reason = "the one line that it prints says that it is ready")]

mod api;
mod cluster;
mod pod;

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use serde_json::json;
use sre_testkit::scripted::Server;

use cluster::Cluster;

const TOKEN: &str = "bench-token";

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: kube_api DIR PODS [CONTEXTS=3]";
    let dir = PathBuf::from(args.next().context(usage)?);
    let pods: usize = args.next().context(usage)?.parse().context(usage)?;
    let contexts: usize = args.next().map_or(Ok(3), |text| text.parse()).context(usage)?;

    let cluster = Arc::new(Cluster::generate(pods, now())?);
    let mut servers = Vec::new();
    for _ in 0..contexts {
        let cluster = Arc::clone(&cluster);
        servers.push(Server::start_tls(move |request| api::answer(&cluster, request)).await);
    }
    write(&dir, &servers, &cluster)?;
    println!("ready");
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the pods' ages are counted from the server's start, by the clock of its clients"
)]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

fn write(dir: &std::path::Path, servers: &[Server], cluster: &Cluster) -> Result<()> {
    fs::create_dir_all(dir)?;
    let (mut clusters, mut contexts) = (Vec::new(), Vec::new());
    for (i, server) in servers.iter().enumerate() {
        let (name, ca) = (format!("bench-{}", i + 1), dir.join(format!("ca-{}.pem", i + 1)));
        fs::write(&ca, server.ca_pem())?;
        clusters.push(json!({ "name": name, "cluster": { "server": server.url(), "certificate-authority": ca } }));
        contexts.push(json!({ "name": name, "context": { "cluster": name, "user": "bench" } }));
    }
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "bench-1", "clusters": clusters, "contexts": contexts,
        "users": [{ "name": "bench", "user": { "token": TOKEN } }],
    });
    fs::write(dir.join("kubeconfig"), serde_json::to_vec_pretty(&kubeconfig)?)?;
    let about = json!({
        "urls": servers.iter().map(Server::url).collect::<Vec<_>>(),
        "token": TOKEN,
        "pods": cluster.pods,
        "bytes_per_pod": cluster.bytes / cluster.pods.max(1),
        "unhealthy": cluster.unhealthy,
    });
    fs::write(dir.join("servers.json"), serde_json::to_vec(&about)?)?;
    Ok(())
}
