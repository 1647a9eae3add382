//! The chores and their flags.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{bench, checks, dist, fuzz, peers, soak};

/// The workspace's chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Install what the tests and checks need (Debian packages, a Python environment, cargo tools); safe to repeat
    Peers,
    /// Install the peers, then run the doctests and all tests of the workspace
    Test {
        /// Passed on to `cargo nextest run`, e.g. a filter
        #[arg(last = true)]
        nextest: Vec<String>,
    },
    /// Everything CI checks: format, lints, docs, dependencies, features, tests
    Ci {
        /// Leave the tests out
        #[arg(long)]
        without_tests: bool,
    },
    /// Measure our binaries beside what people use today
    #[command(subcommand)]
    Bench(Bench),
    /// Let one process work for a long time and watch what it holds on to
    #[command(subcommand)]
    Soak(Soak),
    /// Throw random input at what reads other people's words, for a while
    Fuzz(fuzz::Options),
    /// Build the release binaries, with shell completions and man pages
    Dist {
        /// Where to
        #[arg(default_value = "dist")]
        dir: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// morning-check beside a Python script, kubectl and curl
    MorningCheck(bench::Options),
    /// fleet-run beside clush, parallel-ssh, asyncssh, ansible and ssh itself
    FleetRun(bench::FleetOptions),
    /// The alert pipeline beside Alertmanager, over HTTP
    Alerts(bench::AlertsOptions),
}

#[derive(Debug, Subcommand)]
enum Soak {
    /// Thousands of runs over SSH to 50 loopback hosts: descriptors, threads and memory stay flat
    FleetRun(soak::Options),
    /// The alert pipeline: killed 200 times under load, then 100,000 alerts with a slow Slack
    Alerts,
}

/// Runs the chosen chore.
pub(crate) fn run(cli: &Cli) -> Result<()> {
    match &cli.chore {
        Chore::Peers => peers::install_all(),
        Chore::Test { nextest } => checks::test(nextest),
        Chore::Ci { without_tests } => checks::ci(*without_tests),
        Chore::Bench(Bench::MorningCheck(options)) => bench::morning_check(options),
        Chore::Bench(Bench::FleetRun(options)) => bench::fleet_run(options),
        Chore::Bench(Bench::Alerts(options)) => bench::alerts(options),
        Chore::Soak(Soak::FleetRun(options)) => soak::fleet_run(options),
        Chore::Soak(Soak::Alerts) => soak::alerts(),
        Chore::Fuzz(options) => fuzz::run(options),
        Chore::Dist { dir } => dist::run(dir),
    }
}
