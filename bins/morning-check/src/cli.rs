//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use sre_core::cli::{self, CommonArgs};
use sre_core::exit::ExitCode;
use sre_core::output::Format;

use crate::source::SourceKind;
use crate::verdict::FailOn;

/// One verdict over Kubernetes, Prometheus, AWS and this host.
///
/// Without a configuration it checks this host and says what else it could check. Sources are asked side by side; one
/// that does not answer is reported as unknown and never hides the rest.
#[derive(Debug, Clone, Parser)]
#[command(name = "morning-check", version, after_help = AFTER_HELP)]
#[command(mut_arg("timeout", |arg| arg.help(TIMEOUT_HELP)))]
#[non_exhaustive]
pub struct Args {
    /// What to do instead of checking.
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub common: CommonArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub check: CheckArgs,
}

/// What to check and how to report it.
#[derive(Debug, Clone, clap::Args)]
#[non_exhaustive]
pub struct CheckArgs {
    /// Kubernetes context to check; may be repeated
    #[arg(short, long, value_name = "CONTEXT", help_heading = "Sources")]
    pub cluster: Vec<String>,
    /// Check every context of the kubeconfig
    #[arg(long, conflicts_with = "cluster", help_heading = "Sources")]
    pub all_clusters: bool,
    /// Only this namespace; may be repeated
    #[arg(long, value_name = "NS", help_heading = "Sources")]
    pub namespace: Vec<String>,
    /// AWS region to check; may be repeated
    #[arg(short, long, value_name = "REGION", help_heading = "Sources")]
    pub region: Vec<String>,
    /// AWS profile; without --region every enabled region is checked
    #[arg(long, value_name = "NAME", help_heading = "Sources")]
    pub profile: Option<String>,
    /// Prometheus server, with its sub-path if it has one
    #[arg(long, value_name = "URL", help_heading = "Sources")]
    pub prometheus_url: Option<String>,
    /// Alertmanager, which knows what is silenced
    #[arg(long, value_name = "URL", help_heading = "Sources")]
    pub alertmanager_url: Option<String>,
    /// Check only these sources; may be repeated
    #[arg(long, value_name = "SOURCE", help_heading = "Sources")]
    pub only: Vec<SourceKind>,
    /// Leave these sources out; may be repeated
    #[arg(long, value_name = "SOURCE", help_heading = "Sources")]
    pub skip: Vec<SourceKind>,
    /// Time for all sources together [default: 2m]
    #[arg(long, value_name = "DURATION", value_parser = sre_core::duration::parse, help_heading = "Sources")]
    pub deadline: Option<Duration>,

    /// How the report is written [default: text]
    #[arg(short, long, value_name = "FORMAT", help_heading = "Report")]
    pub output: Option<Format>,
    /// Write the report to this file instead of stdout
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub output_file: Option<PathBuf>,
    /// Print only what this JMESPath selects from the JSON report
    #[arg(long, value_name = "JMESPATH", help_heading = "Report")]
    pub query: Option<String>,
    /// Slack incoming webhook; safer in the environment: SLACK_WEBHOOK_URL
    #[arg(long, value_name = "URL", help_heading = "Report")]
    pub slack_webhook: Option<String>,
    /// Print GitHub Actions annotations as well, where GITHUB_ACTIONS is set
    #[arg(long, help_heading = "Report")]
    pub annotate: bool,
    /// Least severity that makes the exit code 1 [default: critical]
    #[arg(long, value_name = "SEVERITY", help_heading = "Report")]
    pub fail_on: Option<FailOn>,
    /// Exit with 0 whatever was found or missed
    #[arg(long, help_heading = "Report")]
    pub exit_zero: bool,
    /// Neither read nor write what the last run found
    #[arg(long, help_heading = "Report")]
    pub no_state: bool,
    /// Print the settings, where each came from, and exit
    #[arg(long, help_heading = "Report")]
    pub show_config: bool,
}

/// What to do instead of checking.
#[derive(Debug, Clone, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Write a commented configuration file
    Init {
        /// Where to; by default where morning-check looks for it
        file: Option<PathBuf>,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
        /// Print it instead of writing it
        #[arg(long, conflicts_with_all = ["file", "force"])]
        stdout: bool,
    },
    /// Check the configuration without asking any source
    CheckConfig,
    /// Say what a finding code means and what to do about it; without a code, list them all
    Explain {
        /// A code such as K8S-CRASHLOOP
        code: Option<String>,
    },
    /// Write shell completions and the man page into a folder
    #[command(hide = true)]
    Dist {
        /// The folder
        dir: PathBuf,
    },
}

const TIMEOUT_HELP: &str = "Time for one source: 30s, 2m, 1h30m, or seconds [default: 30s]";

const AFTER_HELP: &str = "\
Exit codes:
  0 healthy                      3 no source accepted our credentials
  1 findings from --fail-on up   64 wrong usage or configuration
  2 incomplete or not posted     130 interrupted, 143 terminated

Examples:
  morning-check                                    check this host
  morning-check -c prod -c staging -r us-east-1    two clusters and a region
  morning-check --prometheus-url http://prom:9090 -o json --query 'findings[].code'
  morning-check init                               write a configuration file to start from";

/// Reads the command line. Help and version are printed and end with 0, mistakes with 64.
///
/// # Errors
/// The exit code, when there is nothing more to do.
pub fn parse(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Args, ExitCode> {
    Args::try_parse_from(args).map_err(|error| {
        // Nothing can be told to anybody when the terminal is gone.
        let _ = error.print();
        cli::exit_code(&error)
    })
}
