//! One measured run, and what many of them say.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::place;

/// What the operating system says about one run of a command and its descendants.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Sample {
    /// Seconds from start to end.
    pub(crate) wall: f64,
    /// User and system seconds.
    pub(crate) cpu: f64,
    /// Peak resident bytes of the largest process.
    pub(crate) rss: u64,
    /// Peak bytes of all processes together, where that was looked at.
    #[serde(default)]
    pub(crate) tree: Option<u64>,
    /// The exit code; negative for a signal.
    pub(crate) code: i32,
}

/// What to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Only what costs nothing.
    Away,
    /// The memory of all processes together, which makes the run slower.
    AtMemory,
}

/// Middle, least and most of some figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// The folder of the benchmark's scripts.
pub(crate) fn scripts() -> PathBuf {
    place::root().join("crates/xtask/bench")
}

/// Runs a command with nothing but the given environment, its output going to a file.
///
/// # Errors
/// When it cannot be run or does not end with 0; its last words are in the error.
pub(crate) fn measure(command: &[String], env: &[(String, String)], out: &Path) -> Result<Sample> {
    let sample = observe(command, env, out, Look::Away)?;
    if sample.code != 0 {
        bail!("`{}` ended with {}:\n{}", command.join(" "), sample.code, last_words(out));
    }
    Ok(sample)
}

/// The same for commands whose exit code says something else than failure.
///
/// # Errors
/// When it cannot be run.
pub(crate) fn observe(command: &[String], env: &[(String, String)], out: &Path, look: Look) -> Result<Sample> {
    let err = out.with_extension("stderr");
    let mut runner = Command::new("python3");
    runner.args(["-I", "-S"]).arg(scripts().join("measure.py"));
    if look == Look::AtMemory {
        runner.arg("--tree");
    }
    runner.arg(out).arg(&err).args(command);
    runner.env_clear().envs(env.iter().map(|(key, value)| (key, value)));
    let output = runner.stdin(Stdio::null()).output().context("cannot run python3")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let sample: Sample = serde_json::from_str(said.trim())
        .with_context(|| format!("measure.py said {said:?} {:?}", String::from_utf8_lossy(&output.stderr)))?;
    Ok(sample)
}

/// The end of what a command said on standard error.
pub(crate) fn last_words(out: &Path) -> String {
    let words = std::fs::read_to_string(out.with_extension("stderr")).unwrap_or_default();
    let last: Vec<&str> = words.lines().rev().take(15).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    last.join("\n")
}

// === impl Spread ===

impl Spread {
    /// `None` without figures.
    pub(crate) fn of(samples: &[Sample], figure: impl Fn(&Sample) -> f64) -> Option<Self> {
        let mut figures: Vec<f64> = samples.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        let (min, max) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median =
            if figures.len() % 2 == 1 { figures[middle] } else { f64::midpoint(figures[middle - 1], figures[middle]) };
        Some(Self { median, min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(wall: f64) -> Sample {
        Sample { wall, cpu: 0.0, rss: 0, tree: None, code: 0 }
    }

    #[test]
    fn medians() {
        assert!(Spread::of(&[], |sample| sample.wall).is_none());
        let odd = Spread::of(&[sample(3.0), sample(1.0), sample(2.0)], |sample| sample.wall).unwrap();
        assert_eq!((odd.median, odd.min, odd.max), (2.0, 1.0, 3.0));
        let even = Spread::of(&[sample(4.0), sample(1.0)], |sample| sample.wall).unwrap();
        assert_eq!(even.median, 2.5);
    }

    #[test]
    fn failure_carries_the_last_words() {
        let dir = tempfile::tempdir().unwrap();
        let path = ("PATH".to_owned(), std::env::var("PATH").unwrap());
        let out = dir.path().join("out");
        let command = ["sh", "-c", "echo hello; echo too bad >&2; exit 4"].map(String::from);
        let error = measure(&command, std::slice::from_ref(&path), &out).unwrap_err().to_string();
        assert!(error.contains("ended with 4:\ntoo bad"), "{error}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "hello\n");
        let sample = measure(&["true".to_owned()], &[path], &out).unwrap();
        assert!(sample.rss > 100_000 && sample.cpu < sample.wall + 0.1, "{sample:?}");
    }
}
