//! The rounds, and what they add up to.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::super::{
    document as documents,
    sample::{Look, Sample, last_words, observe},
};
use super::contenders::{self, Contender, PYTHON, Role};
use super::scenarios::{self, Kind, Scenario};
use super::servers::Fleet;
use super::{document, goals};
use crate::{peers, place};

/// A contender that takes longer runs once: its figure will not be near anybody's.
const PATIENCE: Duration = Duration::from_secs(10);
/// Far more hosts than the goal is about: memory must not grow with them.
const MANY: usize = 2_000;
/// Where the memory of all processes together is looked at: it is the same with more hosts, as the fan-out is.
const LOOKED_AT: usize = 200;

/// How much to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// 50 hosts and one round; does not touch docs/benchmarks.md
    #[arg(long)]
    quick: bool,
    /// Numbers of hosts [default: 50, 200 and 500]
    #[arg(long, value_delimiter = ',', value_name = "N")]
    hosts: Vec<usize>,
    /// Rounds in which all contenders take turns [default: 3]
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Only fleet-run
    #[arg(long)]
    alone: bool,
    /// Only `true` on some hosts: no output, black holes or uploads
    #[arg(long)]
    only_true: bool,
}

/// A table that is filled.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) kind: Kind,
    pub(super) title: String,
    pub(super) hosts: usize,
    pub(super) good: usize,
    pub(super) rows: Vec<Row>,
}

/// What one contender did.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) role: Role,
    pub(super) samples: Vec<Sample>,
    /// Hosts that succeeded in its worst round.
    pub(super) ok: usize,
}

/// Builds, starts the servers, measures, counts the answers, prints tables and writes `docs/benchmarks.md`.
///
/// # Errors
/// When something cannot be built or started, or `fleet-run` loses a host.
pub(crate) fn run(options: &Options) -> Result<()> {
    peers::install_for_tests()?;
    PYTHON.install()?;
    place::ship("fleet-run")?;
    let scratch = tempfile::tempdir().context("no scratch folder")?;
    let fleet = Fleet::start(scratch.path(), MANY)?;
    let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 3 });
    let sizes = match (&options.hosts[..], options.quick) {
        ([], true) => vec![50],
        ([], false) => vec![50, 200, 500],
        (sizes, _) => sizes.to_vec(),
    };
    let mut todo = Vec::new();
    for hosts in sizes {
        todo.push(scenarios::nothing(&fleet, hosts)?);
    }
    if !options.only_true {
        todo.extend([scenarios::output(&fleet)?, scenarios::black_holes(&fleet)?, scenarios::upload(&fleet)?]);
    }
    let mut tables = Vec::new();
    for mut scenario in todo {
        if options.alone {
            scenario.contenders.retain(|contender| contender.role == Role::Ours);
        }
        tables.push(take_turns(&fleet, &scenario, rounds)?);
    }
    let many = if options.quick { None } else { many(&fleet)? };
    let text = document::text(&tables, many.as_ref(), &goals::judge(&tables, many.as_ref()));
    println!("\n{text}");
    if !options.quick && !options.alone {
        documents::write("fleet-run", &text)?;
    }
    Ok(())
}

/// Every contender once a round, so that a busy moment of the machine hits all alike.
fn take_turns(fleet: &Fleet, scenario: &Scenario, rounds: usize) -> Result<Table> {
    println!("{}", scenario.title);
    let mut rows: Vec<Row> = scenario
        .contenders
        .iter()
        .map(|one| Row { name: one.name, role: one.role, samples: Vec::new(), ok: scenario.hosts })
        .collect();
    for round in 1..=rounds {
        for (contender, row) in scenario.contenders.iter().zip(&mut rows) {
            if row.samples.first().is_some_and(|first| first.wall > PATIENCE.as_secs_f64()) {
                continue;
            }
            let (sample, ok) = once(fleet, scenario, contender, Look::Away)?;
            println!(
                "  round {round}  {:<32} {:>7.2} s wall {:>7.2} s CPU {:>6.1} MiB  {ok}/{}",
                row.name,
                sample.wall,
                sample.cpu,
                document::mib(sample.rss),
                scenario.good
            );
            row.samples.push(sample);
            row.ok = row.ok.min(ok);
        }
    }
    if scenario.kind == Kind::True && scenario.hosts == LOOKED_AT && rounds > 1 {
        for (contender, row) in scenario.contenders.iter().zip(&mut rows) {
            let (looked, _) = once(fleet, scenario, contender, Look::AtMemory)?;
            row.samples.iter_mut().for_each(|sample| sample.tree = looked.tree);
        }
    }
    let title = scenario.title.clone();
    Ok(Table { kind: scenario.kind, title, hosts: scenario.hosts, good: scenario.good, rows })
}

fn once(fleet: &Fleet, scenario: &Scenario, contender: &Contender, look: Look) -> Result<(Sample, usize)> {
    let out = fleet.dir.join("answer");
    scenario.prepare();
    let sample = observe(&contender.command, &contenders::environment(fleet), &out, look)?;
    let ok = scenario.check(contender, &out).with_context(|| {
        format!("`{}` ended with {}:\n{}", contender.command.join(" "), sample.code, last_words(&out))
    })?;
    if ok == 0 || (contender.role == Role::Ours && ok != scenario.good) {
        let (command, code, words) = (contender.command.join(" "), sample.code, last_words(&out));
        bail!("`{command}`: {ok} of {} hosts, ended with {code}:\n{words}", scenario.good);
    }
    Ok((sample, ok))
}

/// `fleet-run` alone on far more hosts; `None` while there is none.
fn many(fleet: &Fleet) -> Result<Option<(usize, Sample)>> {
    let mut scenario = scenarios::nothing(fleet, MANY)?;
    scenario.contenders.retain(|contender| contender.role == Role::Ours);
    match scenario.contenders.first() {
        Some(ours) => Ok(Some((MANY, once(fleet, &scenario, ours, Look::Away)?.0))),
        None => Ok(None),
    }
}
