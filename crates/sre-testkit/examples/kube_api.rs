//! Scripted API servers to play with: `kube_api KUBECONFIG PODS [BYTES_EACH] [CONTEXT]…` writes the kubeconfig, then
//! serves until it is killed or its stdin ends. The contexts are `bench-1`, … unless they are named.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program for people at a terminal and for benchmarks")]

use std::path::PathBuf;

use jiff::Timestamp;
use sre_testkit::kubernetes::{KubeApi, Kubeconfig, objects};

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let path = PathBuf::from(args.next().expect("where to write the kubeconfig"));
    let pods: usize = args.next().map_or(1_000, |n| n.parse().expect("a number of pods"));
    let bytes_each: usize = args.next().map_or(6_800, |n| n.parse().expect("bytes of a pod"));
    let named: Vec<String> = args.collect();
    let contexts = if named.is_empty() { vec!["bench-1".to_owned()] } else { named };

    let mut config = Kubeconfig::new();
    let mut apis = Vec::new();
    for context in &contexts {
        let nodes = (0..200).map(|i| objects::node(&format!("node-{i:03}"), true)).collect();
        let last = Timestamp::from_second(1_767_600_000).expect("a time");
        let warning = objects::warning("bench", "svc-037", "BackOff", "Back-off restarting failed container", 5, last);
        let api =
            KubeApi::builder().generated_pods(pods, bytes_each, 100).nodes(nodes).events(vec![warning]).start().await;
        config = config.api(context, &api);
        println!("{context} {}", api.url());
        apis.push(api);
    }
    std::fs::write(&path, config.to_yaml()).expect("write the kubeconfig");
    println!("ready {}", path.display());
    // The workers of the runtime serve meanwhile.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).expect("read stdin");
}
