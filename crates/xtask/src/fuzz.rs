//! `cargo xtask fuzz`: each fuzz target of sre-alerts for a bounded time.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    peers, place,
    step::{self, Steps},
};

/// Where the targets are, as `cargo fuzz` wants it.
const FOLDER: &str = "crates/sre-alerts/fuzz";

/// What to throw at, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Seconds a target
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// Only these targets
    targets: Vec<String>,
}

/// Runs the targets one after another; what breaks one is kept below `artifacts` there.
///
/// # Errors
/// Names the targets that broke, with the command that repeats it; or says what is missing.
pub(crate) fn run(options: &Options) -> Result<()> {
    peers::cargo_tool(&peers::FUZZ)?;
    let mut steps = Steps::default();
    let all = step::output(&mut fuzz(["list"])?).unwrap_or_default();
    let targets: Vec<&str> = match options.targets.as_slice() {
        [] => all.lines().collect(),
        some => some.iter().map(String::as_str).collect(),
    };
    for target in targets {
        // No sanitizer: the crate forbids unsafe code, and without one there are many more runs a second.
        let mut command = fuzz(["run", "--sanitizer", "none", target])?;
        command.args(seeds(target)?).arg("--");
        command.arg(format!("-max_total_time={}", options.seconds));
        command.args(["-timeout=10", "-rss_limit_mb=1024", "-max_len=65536", "-print_final_stats=1"]);
        steps.command(target, &mut command);
    }
    println!();
    steps.print();
    steps.finish()
}

/// The corpus that grows, and the examples to start from, where there are some.
fn seeds(target: &str) -> Result<Vec<PathBuf>> {
    let folder = place::root().join(FOLDER);
    let (corpus, seeds) = (folder.join("corpus").join(target), folder.join("seeds").join(target));
    fs::create_dir_all(&corpus).with_context(|| format!("cannot create {}", corpus.display()))?;
    Ok([corpus, seeds].into_iter().filter(|folder| folder.is_dir()).collect())
}

/// `cargo fuzz` of a nightly toolchain: coverage is not in stable.
fn fuzz<const N: usize>(args: [&str; N]) -> Result<Command> {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "fuzz"]).args(args).current_dir(place::root().join(FOLDER).join(".."));
    command.env("CARGO_TARGET_DIR", place::cache()?.join("fuzz-target")).env_remove("CARGO").env_remove("RUSTC");
    Ok(command)
}
