//! `--retry-failed`: the last run again, or a report's failed hosts, only where it was not ok.

use std::path::{Path, PathBuf};

use clap::Parser;
use indexmap::IndexSet;

use crate::cli::Args;
use crate::environment::Environment;
use crate::state::Last;
use crate::usage::Usage;

/// The flag's name.
const FLAG: &str = "--retry-failed";

/// Which hosts of the earlier run are meant.
#[derive(Debug)]
pub(crate) struct Again {
    pub(crate) names: IndexSet<String>,
    pub(crate) all: usize,
}

/// Completes the arguments from the earlier run: its command when none is given, its hosts when none are named.
pub(crate) fn complete(args: Args, env: &Environment) -> Result<(Args, Option<Again>), Usage> {
    let Some(path) = &args.report.retry_failed else { return Ok((args, None)) };
    let last = Last::load(&file(path, env)?)?;
    let again = Again { names: last.not_ok(), all: last.len() };
    let shows = args.report.list || args.report.show_config;
    let args = match (args.names_work() || shows, last.argv.is_empty()) {
        (false, true) => {
            return Err(Usage::new(
                "nothing to do: no command is given",
                "a report does not say what was run: give it",
            ));
        }
        (false, false) => merged(&args, &last.argv)?,
        (true, _) if !args.hosts.is_empty() => args,
        (true, false) => {
            let before = parsed(&last.argv)?;
            Args { hosts: before.hosts, ..args }
        }
        (true, true) => {
            let mut args = args;
            args.hosts.hosts = again.names.iter().cloned().collect();
            args
        }
    };
    Ok((args, Some(again)))
}

fn file(path: &Path, env: &Environment) -> Result<PathBuf, Usage> {
    if path.as_os_str() != "last" {
        return Ok(path.to_owned());
    }
    let folder = env.state_folder();
    let folder = folder.ok_or_else(|| Usage::new("no place is known where runs are remembered", "set HOME"))?;
    let file = folder.join("last.json");
    if !file.exists() {
        return Err(Usage::new("there is no last run", "--retry-failed FILE takes a JSON report"));
    }
    Ok(file)
}

/// The earlier command line with the flags of this one, which win.
fn merged(args: &Args, before: &[String]) -> Result<Args, Usage> {
    let end = before.iter().position(|word| word == "--").unwrap_or(before.len());
    let words = before[..end].iter().chain(&args.argv).chain(&before[end..]);
    let argv: Vec<String> = words.cloned().collect();
    let merged = parsed(&argv)?;
    Ok(Args { argv: without_flag(&argv), ..merged })
}

fn parsed(argv: &[String]) -> Result<Args, Usage> {
    let words = std::iter::once("fleet-run".to_owned()).chain(argv.iter().cloned());
    Args::try_parse_from(words)
        .map_err(|e| Usage::new(format!("the last command line and this one do not fit together: {e}"), ""))
}

/// What is remembered of a command line: all but which hosts of an earlier one it took, and the confirmation.
pub(crate) fn without_flag(argv: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = argv.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            kept.push(word.clone());
            kept.extend(words.cloned());
            break;
        }
        if word == FLAG {
            words.next();
        } else if !word.starts_with("--retry-failed=") && word != "--yes" {
            kept.push(word.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_of_a_retry_forgets_the_first() {
        let argv = ["-w", "a", "--retry-failed", "last", "--yes", "--retry-failed=x", "--", "--retry-failed", "y"];
        let argv: Vec<String> = argv.iter().map(ToString::to_string).collect();
        assert_eq!(without_flag(&argv), ["-w", "a", "--", "--retry-failed", "y"]);
    }

    #[test]
    fn flags_of_now_win_over_those_of_then() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let before = words(&["-w", "a,b", "--workers", "5", "--timeout", "3", "--", "ls", "-l"]);
        let now = crate::cli::parse(["fleet-run", "--retry-failed", "last", "--workers", "9"].map(Into::into)).unwrap();
        let merged = merged(&now, &before).unwrap();
        assert_eq!((merged.limits.workers, merged.common.timeout.unwrap().as_secs()), (Some(9), 3));
        assert_eq!((&merged.words[..], &merged.hosts.hosts[..]), (&words(&["ls", "-l"])[..], &words(&["a,b"])[..]));
    }
}
