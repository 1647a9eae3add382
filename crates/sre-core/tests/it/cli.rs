//! The shared flags as people meet them.

use clap::{CommandFactory as _, Parser};
use sre_core::cli::{CommonArgs, exit_code, write_pages};

/// Does nothing, with every shared flag.
#[derive(Debug, Parser)]
#[command(name = "demo", version = "1.2.3", term_width = 100)]
struct Args {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Explains a code.
    Explain { code: String },
}

fn parse(line: &str) -> Result<Args, clap::Error> {
    Args::try_parse_from(line.split(' '))
}

#[test]
fn help_and_mistakes() {
    let lines =
        ["demo --help", "demo --timeout soon", "demo --timeout -5s", "demo --color blue", "demo --colour never"];
    let all: Vec<String> = lines.iter().map(|line| format!("$ {line}\n{}", parse(line).unwrap_err())).collect();
    insta::assert_snapshot!(all.join("\n"));
    assert_eq!(exit_code(&parse("demo --help").unwrap_err()).get(), 0);
    assert_eq!(exit_code(&parse("demo --wrong").unwrap_err()).get(), 64);
}

#[test]
fn flags_mean_the_same_before_and_after_a_subcommand() {
    let before = parse("demo -v -v -n --timeout 90 explain X").unwrap();
    let after = parse("demo explain X -vv --dry-run --timeout 1m30s").unwrap();
    assert_eq!(format!("{:?}", before.common), format!("{:?}", after.common));
    assert!(matches!(before.command, Some(Command::Explain { code }) if code == "X"));
    Args::command().debug_assert();
}

#[test]
fn completions_and_man_pages_come_from_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let files = write_pages(&Args::command(), &dir.path().join("dist")).unwrap();
    let names: Vec<String> = files.iter().map(|f| f.strip_prefix(dir.path()).unwrap().display().to_string()).collect();
    insta::assert_snapshot!(names.join("\n"));
    let page = std::fs::read_to_string(dir.path().join("dist/man/demo.1")).unwrap();
    assert!(page.contains("log\\-file"), "{page}");
    let error = write_pages(&Args::command(), std::path::Path::new("/dev/null")).unwrap_err();
    assert!(error.to_string().contains("/dev/null/completions"), "{error}");
}
