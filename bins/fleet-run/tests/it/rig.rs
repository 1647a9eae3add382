//! A home folder of its own for the real binary, a real SSH server as its fleet, and what came of a run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sre_testkit::sshd::{KeyPair, KeySpec, Sshd};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// No run takes longer, whatever happens to it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A clean environment: nothing of the machine that runs the tests gets in.
pub(crate) struct Rig {
    dir: TempDir,
}

/// A server that is every host, and what logs in there.
pub(crate) struct Fleet {
    pub(crate) sshd: Sshd,
    key: KeyPair,
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

// === impl Fleet ===

impl Fleet {
    pub(crate) async fn start() -> Self {
        let sshd = Sshd::builder().any_loopback_address().start().await;
        let key = sshd.client_key(&KeySpec::ed25519());
        Self { sshd, key }
    }

    /// The flags that reach it, before others.
    pub(crate) fn args(&self, more: &[&str]) -> Vec<String> {
        let (port, user) = (self.sshd.port().to_string(), self.sshd.user().to_owned());
        let key = self.key.path().display().to_string();
        let flags = ["--port", &port, "--username", &user, "--key", &key, "--ssh-config", "none"];
        flags.into_iter().chain(more.iter().copied()).map(str::to_owned).collect()
    }
}

// === impl Rig ===

impl Rig {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A fleet whose hosts `127.0.9.1` to `127.0.9.9` are known.
    pub(crate) async fn with_fleet() -> (Self, Fleet) {
        let (rig, fleet) = (Self::new(), Fleet::start().await);
        let names: Vec<String> = (1..=9).map(|n| format!("127.0.9.{n}")).collect();
        let known = fleet.sshd.known_hosts_file(&names.iter().map(String::as_str).collect::<Vec<_>>());
        rig.file(".ssh/known_hosts", &std::fs::read_to_string(known).unwrap());
        (rig, fleet)
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

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.home().join(name)).unwrap()
    }

    /// The program with its clean environment; killed when dropped.
    pub(crate) fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleet-run"));
        command.env_clear().env("HOME", self.home()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("USER", "tester").env("TZ", "UTC").args(args).current_dir(self.home()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// One run, to its end.
    pub(crate) async fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        let started = Instant::now();
        Outcome::of(self.command(args).spawn().unwrap(), started).await
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

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// stdout with times blanked, and with single spaces.
    pub(crate) fn timeless(&self) -> String {
        let blank = |word: &str| {
            let number = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let is_time = number.len() < word.len() && number.parse::<f64>().is_ok() && word.ends_with('s');
            if is_time { "[time]".to_owned() } else { word.to_owned() }
        };
        let line = |line: &str| line.split_whitespace().map(blank).collect::<Vec<_>>().join(" ");
        self.stdout.lines().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Waits for something that another process does.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(15), "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
