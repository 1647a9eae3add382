//! The built program with an environment of its own: no variables but those given, a home that is a fresh folder.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A home folder and the variables that the program gets.
pub(crate) struct Program {
    home: TempDir,
    variables: Vec<(String, String)>,
}

/// How a run ended; shown as a transcript.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    args: Vec<String>,
    home: String,
}

// === impl Program ===

impl Program {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Puts a file into the home folder, which is where the program runs.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleet-deploy"));
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("TZ", "UTC")
            .envs(self.variables.iter().map(|(k, v)| (k, v)))
            .current_dir(self.home.path())
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.transcript(args, &self.command(args).output().unwrap())
    }

    pub(crate) fn transcript(&self, args: &[&str], output: &Output) -> Run {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Run {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            args: args.iter().map(|&a| a.to_owned()).collect(),
            home: self.home.path().display().to_string(),
        }
    }

    /// The only journal in a folder of the state.
    pub(crate) fn journal(&self, kind: &str) -> PathBuf {
        let folder = self.path(".local/state/fleet-deploy").join(kind);
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut journals: Vec<PathBuf> =
            entries.filter(|path| path.extension().is_some_and(|e| e == "jsonl")).collect();
        assert_eq!(journals.len(), 1, "{journals:?}");
        journals.remove(0)
    }
}

// === impl Run ===

impl Run {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self}"))
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("$ fleet-deploy {}\n{}", self.args.join(" "), self.stdout);
        if !self.stderr.is_empty() {
            text += "--- stderr\n";
            text += &self.stderr;
        }
        write!(f, "{}--- exit {:?}", text.replace(&self.home, "~"), self.code.unwrap_or(-1))
    }
}
