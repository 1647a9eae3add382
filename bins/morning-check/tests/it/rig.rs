//! A home directory of its own for the real binary, and what came of a run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sre_testkit::kubernetes::Kubeconfig;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// No run takes longer, whatever happens to it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A clean environment: nothing of the machine that runs the tests gets in.
pub(crate) struct Rig {
    dir: TempDir,
    vars: Vec<(String, String)>,
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

// === impl Rig ===

impl Rig {
    pub(crate) fn new() -> Self {
        let vars = [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("TZ", "UTC"),
        ];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { dir: tempfile::tempdir().unwrap(), vars }
    }

    /// Sets a variable for all runs.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.unset(name);
        self.vars.push((name.to_owned(), value.into()));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.vars.retain(|(known, _)| known != name);
    }

    pub(crate) fn home(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file below the home directory.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The configuration file where the program looks for it.
    pub(crate) fn config(&self, yaml: &str) {
        self.file(".config/morning-check/config.yaml", yaml);
    }

    pub(crate) fn kubeconfig(&self, config: &Kubeconfig) {
        self.file(".kube/config", &config.to_yaml());
    }

    /// The program with its clean environment; killed when dropped.
    pub(crate) fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_morning-check"));
        command.env_clear().env("HOME", self.home()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.vars.iter().cloned()).args(args);
        command.current_dir(self.home()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// One run, to its end.
    pub(crate) async fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        let started = Instant::now();
        Outcome::of(self.command(args).spawn().unwrap(), started).await
    }

    /// Everything in the home directory, name and content: state, logs, reports.
    pub(crate) fn everything_written(&self) -> Vec<(PathBuf, String)> {
        let mut found = Vec::new();
        let mut folders = vec![self.home().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                    found.push((path, text));
                }
            }
        }
        found
    }
}

// === impl Outcome ===

impl Outcome {
    /// Waits for a run that was started at `started`.
    pub(crate) async fn of(child: Child, started: Instant) -> Self {
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.expect("the program ends").unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            took: started.elapsed(),
        }
    }

    /// The report of `-o json`.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The codes of a report's findings with their severities, each once, sorted.
pub(crate) fn codes(report: &Value) -> Vec<(String, String)> {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    let mut codes: Vec<_> = findings.map(|f| (text(f, "code"), text(f, "severity"))).collect();
    codes.sort();
    codes.dedup();
    codes
}

/// One source's line of a report; its target may be given by its beginning.
pub(crate) fn source<'a>(report: &'a Value, kind: &str, target: &str) -> &'a Value {
    let mut sources = report["sources"].as_array().unwrap().iter();
    let wanted = |s: &&Value| s["source"] == kind && s["target"].as_str().is_some_and(|t| t.starts_with(target));
    sources.find(wanted).unwrap_or_else(|| panic!("no source {kind} {target}: {report:#}"))
}
