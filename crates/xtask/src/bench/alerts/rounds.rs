//! What is measured, in which order.

use anyhow::{Context, Result};
use clap::Args;

use super::contender::{self, Contender};
use super::document::{self, Row, Table};
use super::latency::{Latency, latency};
use super::load::{CASES, Case, Load, load};
use crate::bench::document as documents;
use crate::peers;

/// Alerts that fire while memory and latency are looked at.
pub(super) const ACTIVE: usize = 10_000;

/// How much to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// 3 seconds and one round; does not touch docs/benchmarks.md
    #[arg(long)]
    quick: bool,
    /// How long each load lasts [default: 20]
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
    /// Rounds in which the servers take turns [default: 3]
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
}

/// Builds, measures, prints tables and writes `docs/benchmarks.md`.
///
/// # Errors
/// When something cannot be built or started, a request fails, or an answered alert is not on disk.
pub(crate) fn run(options: &Options) -> Result<()> {
    peers::install_for_tests()?;
    peers::install_for_load()?;
    contender::build()?;
    let seconds = options.seconds.unwrap_or(if options.quick { 3 } else { 20 });
    let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 3 });
    let tables = CASES.into_iter().map(|case| take_turns(case, rounds, seconds)).collect::<Result<Vec<_>>>()?;
    let memory = Contender::ALL.into_iter().map(memory).collect::<Result<Vec<_>>>()?;
    let times = Contender::ALL.into_iter().map(|one| times(one, seconds)).collect::<Result<Vec<_>>>()?;
    let text = document::text(&tables, &memory, &times, seconds);
    println!("\n{text}");
    if !options.quick {
        documents::write("alerts", &text)?;
    }
    Ok(())
}

/// Each server once a round, so that a busy moment of the machine hits both alike.
fn take_turns(case: Case, rounds: usize, seconds: u32) -> Result<Table> {
    println!("{}", document::title(case));
    let mut rows = Contender::ALL.map(|contender| Row { contender, loads: Vec::new() });
    for round in 1..=rounds {
        for row in &mut rows {
            let load = load(row.contender, case, seconds).with_context(|| row.contender.name())?;
            println!("  round {round}  {:<14} {}", row.contender.name(), line(load));
            row.loads.push(load);
        }
    }
    Ok(Table { case, rows })
}

fn line(load: Load) -> String {
    let Load { rate, cpu, memory, p99, .. } = load;
    format!("{rate:>8.0} alerts/s {cpu:>6.1} µs CPU each {memory:>7.1} MiB  p99 {:.0} ms", p99 * 1000.0)
}

/// Resident MiB with so many active alerts, when all is quiet again.
fn memory(contender: Contender) -> Result<(Contender, f64)> {
    let server = contender.start(None)?;
    server.fill(ACTIVE)?;
    std::thread::sleep(std::time::Duration::from_secs(2));
    let (now, _) = server.memory()?;
    println!("{ACTIVE} active  {:<14} {now:.1} MiB", contender.name());
    Ok((contender, now))
}

fn times(contender: Contender, seconds: u32) -> Result<(Contender, Latency)> {
    let latency = latency(contender, ACTIVE, seconds).with_context(|| contender.name())?;
    let Latency { p50, p99, worst, .. } = latency;
    let (p50, p99, worst) = (p50 * 1000.0, p99 * 1000.0, worst * 1000.0);
    println!("notify  {:<14} p50 {p50:.1} ms  p99 {p99:.1} ms  worst {worst:.1} ms", contender.name());
    Ok((contender, latency))
}
