//! The benchmark of `morning-check`: the rounds, and what they add up to.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use clap::Args;

use super::{
    answers,
    contender::{self, Answer, BENCH, Contender},
    document,
    memory::Memory,
    sample::{Sample, measure},
    servers::{Cloud, Kubernetes},
};
use crate::{peers, place, step};

const CONTEXTS: usize = 3;
/// A contender that takes longer runs once: five rounds of ten minutes tell nothing more.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// 1,000 pods and three rounds; does not touch docs/benchmarks.md
    #[arg(long)]
    quick: bool,
    /// Pods a context [default: 1000, 10000 and 50000]
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pods: Vec<usize>,
    /// Rounds in which all contenders take turns
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Leave the memory of 10,000 and 100,000 pods out
    #[arg(long)]
    without_memory: bool,
}

/// A table: the same work by several contenders.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) title: String,
    pub(crate) rows: Vec<(&'static str, Vec<Sample>)>,
}

/// Builds, starts the servers, measures, compares the answers, prints tables and writes `docs/benchmarks.md`.
///
/// # Errors
/// When something cannot be built or started, an answer is wrong, or memory grows with the cluster.
pub(crate) fn run(options: &Options) -> Result<()> {
    peers::install_for_tests()?;
    BENCH.install()?;
    build()?;
    let scratch = tempfile::tempdir().context("no scratch folder")?;
    let rounds = options.rounds.unwrap_or(if options.quick { 3 } else { 5 });
    let sizes: Vec<usize> = match (&options.pods[..], options.quick) {
        ([], true) => vec![1_000],
        ([], false) => vec![1_000, 10_000, 50_000],
        (sizes, _) => sizes.to_vec(),
    };

    let cloud = Cloud::start(scratch.path())?;
    let mut scenarios = vec![aws(scratch.path(), &cloud, rounds)?];
    for pods in sizes {
        let kubernetes = Kubernetes::start(&scratch.path().join(format!("pods-{pods}")), pods, CONTEXTS)?;
        scenarios.push(listing(scratch.path(), &kubernetes, rounds)?);
        scenarios.push(everything(scratch.path(), &kubernetes, &cloud, rounds)?);
    }
    let memory = if options.without_memory { None } else { Some(Memory::measure(scratch.path(), 3)?) };

    let text = document::tables(&scenarios, memory.as_ref());
    println!("\n{text}");
    if !options.quick {
        document::write("morning-check", &text)?;
    }
    memory.map_or(Ok(()), |memory| memory.check())
}

fn build() -> Result<()> {
    place::ship("morning-check")?;
    let mut servers = place::cargo_release("release", ["-p", "sre-testkit", "--example", "kube_api"])?;
    step::run("build the API servers", &mut servers)
}

fn aws(scratch: &Path, cloud: &Cloud, rounds: usize) -> Result<Scenario> {
    let sources = ["aws"];
    let contenders =
        [contender::morning_check(None, Some(cloud), &sources)?, contender::python(None, Some(cloud), &sources)?];
    let rows = take_turns(scratch, &contenders, rounds, None, Some(cloud))?;
    Ok(Scenario { title: "AWS alone: 2 regions with 1,000 instances each".to_owned(), rows })
}

fn listing(scratch: &Path, kubernetes: &Kubernetes, rounds: usize) -> Result<Scenario> {
    let sources = ["kubernetes"];
    let mut contenders = vec![
        contender::morning_check(Some(kubernetes), None, &sources)?,
        contender::curl(kubernetes, true),
        contender::curl(kubernetes, false),
    ];
    contenders.extend(contender::kubectl(kubernetes, false));
    contenders.extend(contender::kubectl(kubernetes, true));
    contenders.push(contender::python(Some(kubernetes), None, &sources)?);
    let rows = take_turns(scratch, &contenders, rounds, Some(kubernetes), None)?;
    let about = &kubernetes.about;
    let (pods, bytes) = (document::thousands(about.pods), document::thousands(about.bytes_per_pod));
    Ok(Scenario {
        title: format!("Kubernetes alone: {CONTEXTS} contexts with {pods} pods of {bytes} bytes each"),
        rows,
    })
}

fn everything(scratch: &Path, kubernetes: &Kubernetes, cloud: &Cloud, rounds: usize) -> Result<Scenario> {
    let sources = ["kubernetes", "aws", "prometheus"];
    let contenders = [
        contender::morning_check(Some(kubernetes), Some(cloud), &sources)?,
        contender::python(Some(kubernetes), Some(cloud), &sources)?,
    ];
    let rows = take_turns(scratch, &contenders, rounds, Some(kubernetes), Some(cloud))?;
    let pods = document::thousands(kubernetes.about.pods);
    Ok(Scenario {
        title: format!("The whole check: {CONTEXTS} contexts with {pods} pods each, 2 regions, Prometheus"),
        rows,
    })
}

/// Every contender once a round, so that a busy moment of the machine hits all alike.
fn take_turns(
    scratch: &Path,
    contenders: &[Contender],
    rounds: usize,
    kubernetes: Option<&Kubernetes>,
    cloud: Option<&Cloud>,
) -> Result<Vec<(&'static str, Vec<Sample>)>> {
    let kubeconfig = kubernetes.map_or_else(|| "/dev/null".to_owned(), Kubernetes::kubeconfig);
    let env = contender::environment(scratch, &kubeconfig, cloud);
    let out = scratch.join("answer");
    let mut rows: Vec<(&'static str, Vec<Sample>)> =
        contenders.iter().map(|contender| (contender.name, Vec::new())).collect();
    for round in 1..=rounds {
        for (contender, (name, samples)) in contenders.iter().zip(&mut rows) {
            if samples.first().is_some_and(|first| first.wall > PATIENCE.as_secs_f64()) {
                continue;
            }
            let sample = measure(&contender.command, &env, &out)?;
            println!("  round {round}  {name:<30} {:>8.2} s wall {:>8.2} s CPU", sample.wall, sample.cpu);
            if contender.answer == Answer::Report {
                answers::check(&out, kubernetes, cloud.is_some()).with_context(|| format!("{name} answers wrongly"))?;
            }
            samples.push(sample);
        }
    }
    Ok(rows)
}
