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

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts a configuration file where the program looks for it.
    pub(crate) fn config(self, yaml: &str) -> Self {
        let path = self.path(".config/morning-check/config.yaml");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, yaml).unwrap();
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Sets up a command; `setsid` or the program itself may stand in front.
    pub(crate) fn equip<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("TZ", "UTC")
            .envs(self.variables.iter().map(|(k, v)| (k, v)))
            .current_dir(self.home.path())
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_morning-check"));
        let output: Output = self.equip(&mut command).args(args).stdin(Stdio::null()).output().unwrap();
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            args: args.iter().map(|&a| a.to_owned()).collect(),
            home: self.home.path().display().to_string(),
        }
    }
}

// === impl Run ===

impl Run {
    /// Leaves the arguments out of the transcript.
    pub(crate) fn forget_args(&mut self) {
        self.args = vec!["…".to_owned()];
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("$ morning-check {}\n{}", self.args.join(" "), self.stdout);
        if !self.stderr.is_empty() {
            text += "--- stderr\n";
            text += &self.stderr;
        }
        write!(f, "{}--- exit {:?}", text.replace(&self.home, "~"), self.code.unwrap_or(-1))
    }
}
