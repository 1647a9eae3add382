//! Prints a tab-separated line a pod, as `kubectl get pods` judges it: namespace, name, ready, status, restarts.
//!
//! `cargo run --release -p sre-cloud --features kubernetes --example pod_status -- CONTEXT [NAMESPACE]`, with the
//! kubeconfig of `KUBECONFIG` or `~/.kube/config`.
#![expect(clippy::print_stderr, reason = "an example prints its result")]

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use sre_cloud::kubernetes::{Cluster, ConnectOptions, Contexts, ListOptions, ListScope, Listing, Pod, PodRow};
use sre_core::SystemClock;
use sre_core::chain::ErrorChain;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", ErrorChain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let context = arguments.next().context("usage: pod_status CONTEXT [NAMESPACE]")?;
    let scope = match arguments.next() {
        Some(namespace) => ListScope::namespace(&namespace)?,
        None => ListScope::All,
    };
    let context = Contexts::read(&kubeconfig())?.select(Some(&context))?;
    let cluster = Cluster::connect(&context, ConnectOptions::default(), SystemClock::shared()).await?;

    let mut rows = String::new();
    cluster
        .list::<Pod>(&scope, &ListOptions::default(), |listing| match listing {
            Listing::Page(pods) => pods.iter().for_each(|pod| print_row(&mut rows, pod)),
            Listing::StartOver => rows.clear(),
        })
        .await?;
    match io::stdout().lock().write_all(rows.as_bytes()) {
        // `| head` has seen enough.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn print_row(rows: &mut String, pod: &Pod) {
    let row = PodRow::of(pod);
    let (namespace, name) = (&pod.metadata.namespace, &pod.metadata.name);
    // Writing to a String cannot fail.
    let _ = writeln!(rows, "{namespace}\t{name}\t{}\t{}\t{}", row.ready(), row.status, row.restarts);
}

fn kubeconfig() -> Vec<PathBuf> {
    match std::env::var_os("KUBECONFIG").filter(|paths| !paths.is_empty()) {
        Some(paths) => std::env::split_paths(&paths).collect(),
        None => std::env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect(),
    }
}
