//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use sre_core::cli::{self, CommonArgs};
use sre_core::duration;
use sre_core::exit::ExitCode;
use sre_core::output::Format;
use sre_remote::cli::{ConnectArgs, HostArgs};
use sre_remote::deploy::Version;
use sre_remote::rollout::{Batches, MaxFail};

use crate::simulate::{Chance, Span};

/// A rolling deployment: batches, health gates, abort, rollback, resume.
///
/// A plan says what is done on each host, how it is known that a host is well, and how it is taken back. Every step of
/// the way is in a journal before it is taken, so a run that was killed is resumed with --resume.
#[derive(Debug, Clone, Parser)]
#[command(name = "fleet-deploy", version, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(mut_arg("timeout", |arg| arg.help("Time for one step, unless the step says otherwise [default: 5m]")))]
#[command(mut_arg("config", |arg| arg.hide(true)))]
#[non_exhaustive]
pub struct Args {
    /// What to do instead of deploying.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// What is deployed: a tag, a commit, a package version
    #[arg(id = "VERSION", required = true)]
    pub version: Option<Version>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub rollout: RolloutArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub simulate: SimulateArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub hosts: HostArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub connect: ConnectArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub common: CommonArgs,

    /// The words of the command line, to say how to resume.
    #[arg(skip)]
    pub words: Vec<String>,
}

/// What is done, and how far.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Rollout")]
#[non_exhaustive]
pub struct RolloutArgs {
    /// Plan file (YAML)
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Hosts in a batch: 2, 10%, or a list whose last entry repeats: 1,10%,50% [default: the plan's, or 1]
    #[arg(long, visible_alias = "batches", value_name = "SIZE")]
    pub batch_size: Option<Batches>,
    /// A first batch of so many hosts in front of the others
    #[arg(long, value_name = "HOSTS")]
    pub canary: Option<u32>,
    /// Time between a batch and its gate: 30s, 2m, or seconds [default: the plan's, or none]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub delay: Option<Duration>,
    /// Abort when more hosts than this have failed: 2, or 10% of the whole fleet [default: the plan's, or 0]
    #[arg(long, value_name = "HOSTS")]
    pub max_fail: Option<MaxFail>,
    /// Hosts of a batch that are worked on at a time
    #[arg(long, value_name = "HOSTS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub workers: u16,
    /// On an abort, undo every host that was changed, in reverse order
    #[arg(long)]
    pub rollback: bool,
    /// Go on with the last rollout of this version; what failed in one that had ended is tried again
    #[arg(long)]
    pub resume: bool,
    /// Stop cleanly after so many more batches
    #[arg(long, value_name = "BATCHES", value_parser = clap::value_parser!(u32).range(1..))]
    pub pause_after: Option<u32>,
    /// Folder of the journals [default: ~/.local/state/fleet-deploy]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,

    /// How the result is written: text or json
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = format, help_heading = "Report")]
    pub output: Format,
    /// Write the JSON report to this file as well
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub output_file: Option<PathBuf>,
}

/// The same engine over a transport that only pretends.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Simulation")]
#[non_exhaustive]
pub struct SimulateArgs {
    /// Reach no host: pretend, with times and failures by chance
    #[arg(long)]
    pub simulate: bool,
    /// How long a host takes: 3s, or from..to
    #[arg(long, value_name = "SPAN", default_value = "2s..5s", requires = "simulate")]
    pub simulate_duration: Span,
    /// How many hosts fail, by chance: 10%
    #[arg(long, value_name = "SHARE", default_value = "0%", requires = "simulate")]
    pub simulate_failure: Chance,
    /// The same seed gives the same times and failures
    #[arg(long, value_name = "NUMBER", default_value_t = 1, requires = "simulate")]
    pub seed: u64,
    /// Let no real time pass
    #[arg(long, requires = "simulate")]
    pub fast: bool,
}

/// What to do instead of deploying.
#[derive(Debug, Clone, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Write shell completions and the man page into a folder
    #[command(hide = true)]
    Dist {
        /// The folder
        dir: PathBuf,
    },
}

const AFTER_HELP: &str = "\
Exit codes:
  0 every host is healthy         4 aborted, and the rollback failed
  1 failures within --max-fail    64 wrong usage or plan, 73 no journal can be written
  2 aborted                       75 another run works on this rollout
  3 aborted and rolled back       130 interrupted, 143 terminated

Examples:
  fleet-deploy v2.3.1 --plan deploy.yaml --servers servers.txt --canary 1 --batch-size 25% --delay 30s
  fleet-deploy v2.3.1 --plan deploy.yaml --inventory fleet.yaml -w @web -x web-07 --max-fail 5% --rollback
  fleet-deploy v2.3.1 --plan deploy.yaml --servers servers.txt --dry-run
  fleet-deploy v2.3.1 -w web-[01-10] --simulate --simulate-failure 10% --seed 7 --fast";

fn format(text: &str) -> Result<Format, String> {
    Format::parse_among(text, &[Format::Text, Format::Json]).map_err(|e| e.to_string())
}

/// Reads the command line. Help and version are printed and end with 0, mistakes with 64.
///
/// # Errors
/// The exit code, when there is nothing more to do.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Args, ExitCode> {
    let words: Vec<OsString> = args.into_iter().collect();
    let parsed = Args::try_parse_from(&words).map_err(|error| {
        // Nothing can be told to anybody when the terminal is gone.
        let _ = error.print();
        cli::exit_code(&error)
    });
    parsed.map(|args| Args { words: words.iter().map(|word| word.to_string_lossy().into_owned()).collect(), ..args })
}
