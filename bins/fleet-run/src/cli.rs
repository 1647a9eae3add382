//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use sre_core::cli::{self, CommonArgs};
use sre_core::exit::ExitCode;
use sre_remote::cli::{ConnectArgs, HostArgs};
use sre_remote::rollout::MaxFail;

/// One command on N servers over SSH, in parallel, with every result accounted for.
///
/// One COMMAND is shell text for each host's login shell. Several words are a program and its arguments, which arrive as
/// they are. Every host has exactly one result: ok, exit, signal, timeout, unreachable, auth, host-key, lost, failed,
/// skipped or interrupted.
#[derive(Debug, Clone, Parser)]
#[command(name = "fleet-run", version, after_help = AFTER_HELP, args_override_self = true)]
#[command(mut_arg("timeout", |arg| arg.help(TIMEOUT_HELP)))]
#[non_exhaustive]
pub struct Args {
    /// What to run; with --script, the script's arguments
    #[arg(value_name = "COMMAND")]
    pub words: Vec<String>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub work: WorkArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub hosts: HostArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub connect: ConnectArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub limits: LimitArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub report: ReportArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the text of --help")]
    pub common: CommonArgs,

    /// The command line as it was written, without the program's name.
    #[arg(skip)]
    pub argv: Vec<String>,
}

/// What is done instead of a command, and how.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Work")]
#[non_exhaustive]
pub struct WorkArgs {
    /// Send this script along and run it
    #[arg(long, value_name = "FILE", group = "kind")]
    pub script: Option<PathBuf>,
    /// CPU, memory, disks, load and uptime of each host, in one round trip
    #[arg(long, group = "kind")]
    pub health: bool,
    /// Send a file or folder: nginx.conf:/etc/nginx/; verified, and not sent when it is there already
    #[arg(long, value_name = "FILE:PATH", group = "kind")]
    pub upload: Option<String>,
    /// Fetch a file or folder into a folder a host: /var/log/syslog:logs puts it into logs/HOST/
    #[arg(long, value_name = "PATH:FOLDER", group = "kind")]
    pub download: Option<String>,
    /// Become root by sudo
    #[arg(long)]
    pub sudo: bool,
    /// Become this user by sudo
    #[arg(long, value_name = "NAME")]
    pub sudo_user: Option<String>,
    /// Ask for the password that sudo wants, once
    #[arg(long, conflicts_with = "sudo_password_file")]
    pub ask_sudo_pass: bool,
    /// Set a variable there: NAME=VALUE, or NAME to pass on our own; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,
    /// Folder to run in [default: the login folder]
    #[arg(long, value_name = "PATH")]
    pub cwd: Option<String>,
    /// Give this file, or our own standard input (-), to each host's command
    #[arg(long, value_name = "FILE")]
    pub stdin: Option<PathBuf>,
    /// Give the command a terminal
    #[arg(long)]
    pub pty: bool,
    /// Mode of uploaded files, in octal
    #[arg(long, value_name = "MODE", requires = "upload", value_parser = mode)]
    pub mode: Option<u32>,
    /// Owner of uploaded files: user, user:group
    #[arg(long, value_name = "OWNER", requires = "upload")]
    pub owner: Option<String>,
    /// Folders with all that is in them
    #[arg(short, long)]
    pub recursive: bool,
}

/// How much at once, how long, how many failures.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Limits")]
#[non_exhaustive]
pub struct LimitArgs {
    /// Hosts worked on at once [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub workers: Option<u32>,
    /// Logins at once through one jump host; fewer when it throttles [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub startups: Option<u32>,
    /// How often a failed connection is tried again [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub retries: Option<u32>,
    /// Start no further host once more than so many failed, unreachable ones included: 5 or 10%
    #[arg(long, value_name = "N|N%")]
    pub max_fail: Option<MaxFail>,
    /// Start no further host after the first failure
    #[arg(long, conflicts_with = "max_fail")]
    pub fail_fast: bool,
    /// Ask before a destructive-looking command on more hosts than this [default: 10]
    #[arg(long, value_name = "N")]
    pub confirm_above: Option<usize>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// What is shown and kept.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Report")]
#[non_exhaustive]
pub struct ReportArgs {
    /// How results are written [default: text]
    #[arg(short, long, value_name = "FORMAT", value_enum)]
    pub output: Option<OutputFormat>,
    /// Identical output once, its hosts folded, the biggest group last
    #[arg(short = 'b', long, conflicts_with_all = ["output", "stream"])]
    pub gather: bool,
    /// With --gather: the biggest group, and how the others differ from it
    #[arg(long, requires = "gather")]
    pub diff: bool,
    /// Lines as they come, each behind its host's name
    #[arg(long, conflicts_with = "output")]
    pub stream: bool,
    /// Write the results to this file as well: .json, .jsonl, .csv or .xml (JUnit)
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Write each host's whole output into this folder: HOST.out and HOST.err
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// Only hosts that failed, and the summary
    #[arg(short, long)]
    pub quiet: bool,
    /// Print the hosts, one a line, and run nothing
    #[arg(long)]
    pub list: bool,
    /// With --list: fold them into patterns
    #[arg(long, requires = "list")]
    pub fold: bool,
    /// Only hosts that were not ok in this JSON report, or in the last run; without a command, the last one again
    #[arg(long, value_name = "FILE|last")]
    pub retry_failed: Option<PathBuf>,
    /// Do not write to the audit log
    #[arg(long)]
    pub no_audit: bool,
    /// Print the settings, where each came from, and exit
    #[arg(long)]
    pub show_config: bool,
    /// Write shell completions and the man page into a folder
    #[arg(long, value_name = "DIR", hide = true)]
    pub dist: Option<PathBuf>,
}

/// How results are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum OutputFormat {
    /// Each host as it ends
    #[default]
    Text,
    /// One line a host, in the inventory's order
    Table,
    /// One document
    Json,
    /// One JSON object a line, each host as it ends
    Jsonl,
    /// RFC 4180, with a header
    Csv,
    /// A test report
    Junit,
}

const TIMEOUT_HELP: &str = "Time for one host from its first connection to its end: 30s, 2m [default: 5m]";

const AFTER_HELP: &str = "\
Exit codes:
  0 all ok                                  3 stopped by --max-fail or --fail-fast
  1 a command failed on some hosts          64 wrong usage or configuration
  2 some hosts were unreachable, refused    73 a file of results could not be written
    us, timed out or were lost              130 interrupted, 143 terminated

Ctrl-C starts no further host; a second one kills what runs on them. Results so far are always reported.

Examples:
  fleet-run \"uptime -p\" --servers servers.txt --workers 20 --timeout 30 --username sre
  fleet-run \"systemctl is-active nginx\" -w 'web-[01-20]' -x web-07 --gather
  fleet-run --health --inventory fleet.yaml -g prod
  fleet-run --script fix.sh -w 'db-[a-c]' --sudo
  fleet-run --upload nginx.conf:/etc/nginx/ -w 'web-[01-20]' --sudo
  fleet-run --retry-failed last";

/// Reads the command line. Help and version are printed and end with 0, mistakes with 64.
///
/// # Errors
/// The exit code, when there is nothing more to do.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Args, ExitCode> {
    let args: Vec<OsString> = args.into_iter().collect();
    let argv = args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let parsed = Args::try_parse_from(args).map_err(|error| {
        // Nothing can be told to anybody when the terminal is gone.
        let _ = error.print();
        cli::exit_code(&error)
    })?;
    Ok(Args { argv, ..parsed })
}

fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o7777 => Ok(mode),
        _ => Err("write it in octal, such as 644".to_owned()),
    }
}

// === impl Args ===

impl Args {
    /// Whether they say what to do on hosts.
    #[must_use]
    pub fn names_work(&self) -> bool {
        let work = &self.work;
        !self.words.is_empty() || work.script.is_some() || work.health || self.moves_files()
    }

    /// Whether they bring files to hosts or back.
    #[must_use]
    pub fn moves_files(&self) -> bool {
        self.work.upload.is_some() || self.work.download.is_some()
    }
}
