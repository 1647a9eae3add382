//! A real `ssh-agent` on a socket of its own, and one that never answers.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::peers::program;
use crate::process::Process;

const PATIENCE: Duration = Duration::from_secs(20);

/// A running agent, killed when dropped.
#[derive(Debug)]
pub struct SshAgent {
    _process: Process,
    socket: PathBuf,
    _dir: TempDir,
}

/// A socket that takes connections and never answers: an agent that hangs.
#[derive(Debug)]
pub struct SilentAgent {
    _listener: UnixListener,
    socket: PathBuf,
    _dir: TempDir,
}

// === impl SshAgent ===

impl SshAgent {
    /// Starts an agent that holds these private keys (without passphrase), in this order.
    ///
    /// # Panics
    /// When OpenSSH is not installed, or a key cannot be added.
    pub async fn start(keys: &[&Path]) -> Self {
        let (dir, socket) = place();
        let mut command = Command::new(program("ssh-agent"));
        command.args(["-D", "-a"]).arg(&socket).env_clear().env("HOME", dir.path());
        let mut process = Process::start("ssh-agent", &mut command);
        process.wait_until_ready(PATIENCE, async || socket.exists()).await.unwrap_or_else(|error| panic!("{error}"));
        let agent = Self { _process: process, socket, _dir: dir };
        for key in keys {
            agent.add(key);
        }
        agent
    }

    /// Adds one more private key.
    ///
    /// # Panics
    /// When it cannot be added.
    pub fn add(&self, key: &Path) {
        let mut add = Command::new(program("ssh-add"));
        add.arg("-q").arg(key).env_clear().env("SSH_AUTH_SOCK", &self.socket).stdin(Stdio::null());
        let output = add.output().expect("run ssh-add");
        assert!(output.status.success(), "ssh-add failed: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// What `SSH_AUTH_SOCK` should say.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

// === impl SilentAgent ===

impl SilentAgent {
    /// Listens; the kernel accepts for it, and nobody reads.
    ///
    /// # Panics
    /// When the socket cannot be made.
    #[must_use]
    pub fn start() -> Self {
        let (dir, socket) = place();
        let listener = UnixListener::bind(&socket).expect("bind a socket");
        Self { _listener: listener, socket, _dir: dir }
    }

    /// What `SSH_AUTH_SOCK` should say.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

fn place() -> (TempDir, PathBuf) {
    let dir = TempDir::with_prefix("sre-agent-").expect("a folder for the agent");
    let socket = dir.path().join("agent.sock");
    (dir, socket)
}
