//! The master connection of one host.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStderr, Command as Process};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::arguments::{self, Files};
use super::login_log::LoginLog;
use super::options::OpenSshOptions;
use crate::child::Group;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::phase::Phase;

/// Between two looks for the socket. `ssh` makes it when it is logged in, and says so nowhere else.
const POLL: Duration = Duration::from_millis(5);
/// Of a jump host's words and the server's banner.
const LONGEST_STDERR: usize = 16 * 1024;
/// For what comes with the end of a connection.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// For a master that was told to end.
const GRACE: Duration = Duration::from_secs(1);

/// A running `ssh -M -N`. Dropped: it is killed, with the `ssh` of its jump hosts, and its files go.
#[derive(Debug)]
pub(super) struct Master {
    group: Group,
    stderr: Arc<Mutex<Vec<u8>>>,
    reading: Option<JoinHandle<()>>,
    program: PathBuf,
    clients: u64,
    /// Holds socket and logs; its parent is the transport's.
    folder: TempDir,
}

// === impl Master ===

impl Master {
    /// Starts it and waits until it is logged in.
    pub(super) async fn start(
        host: &Host,
        options: &OpenSshOptions,
        parent: &Path,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let fault = |e: std::io::Error, what: &str| {
            Error::new(ErrorKind::Usage, Phase::Connect, host).with_detail(format!("{what}: {e}")).with_source(e)
        };
        let folder = tempfile::Builder::new().prefix("").rand_bytes(8).tempdir_in(parent);
        let folder = folder.map_err(|e| fault(e, "no folder for the socket"))?;
        let (socket, log) = (folder.path().join("s"), folder.path().join("m"));
        let mut ssh = Process::new(&options.program);
        ssh.args(arguments::master(host, options, Files { socket: &socket, log: &log }));
        ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let program = options.program.display().to_string();
        let mut group = Group::spawn(&mut ssh).map_err(|e| fault(e, &program))?;
        let stderr = Arc::default();
        // Ends with the last process that has the pipe open.
        let reading = group.child().stderr.take().map(|pipe| tokio::spawn(keep(pipe, Arc::clone(&stderr))));
        let mut master = Self { group, stderr, reading, program: options.program.clone(), clients: 0, folder };
        match deadline.limit(master.logged_in(&socket)).await {
            Ok(true) => Ok(master),
            Ok(false) => {
                // The last words of a jump host's ssh, which may be on their way.
                if let Some(reading) = master.reading.take() {
                    let _ = Deadline::after(LAST_WORDS).limit(reading).await;
                }
                Err(master.log().error(host))
            }
            Err(_) => Err(master.log().late(host)),
        }
    }

    /// False when it ended instead.
    async fn logged_in(&mut self, socket: &Path) -> bool {
        loop {
            if socket.exists() {
                return true;
            }
            tokio::select! {
                _ = self.group.wait() => return false,
                () = sleep(POLL) => {}
            }
        }
    }

    /// What it has said so far.
    pub(super) fn log(&self) -> LoginLog {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let log = fs::read(self.folder.path().join("m")).map(|bytes| text(&bytes)).unwrap_or_default();
        let stderr = text(&self.stderr.lock().unwrap_or_else(PoisonError::into_inner));
        LoginLog { log, stderr }
    }

    /// Starts a client of it that runs a text on the host, and says where that client's log is.
    pub(super) fn client(&mut self, host: &Host, text: &str, pty: bool) -> Result<(Group, PathBuf), Error> {
        self.clients += 1;
        let (socket, log) = (self.folder.path().join("s"), self.folder.path().join(format!("c{}", self.clients)));
        let mut ssh = Process::new(&self.program);
        ssh.args(arguments::client(host, Files { socket: &socket, log: &log }, pty, text));
        ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let client = Group::spawn(&mut ssh).map_err(|e| {
            let what = format!("{}: {e}", self.program.display());
            Error::new(ErrorKind::ExecRefused, Phase::Exec, host).with_detail(what).with_source(e)
        })?;
        Ok((client, log))
    }

    /// Whether a command ran on it before the last one.
    pub(super) fn was_used(&self) -> bool {
        self.clients > 1
    }

    /// Whether the connection is there, and not about to end: a client may end a moment before its master does.
    pub(super) async fn stays(&mut self) -> bool {
        if self.log().has_exit_signal() {
            return self.group.is_running();
        }
        Deadline::after(LAST_WORDS).limit(self.group.wait()).await.is_err()
    }

    /// Ends the connection.
    pub(super) async fn end(&mut self) {
        self.group.end_with_child(GRACE).await;
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        if let Some(reading) = self.reading.take() {
            reading.abort();
        }
    }
}

async fn keep(mut pipe: ChildStderr, kept: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = pipe.read(&mut buffer).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LONGEST_STDERR.saturating_sub(kept.len()).min(n);
        kept.extend_from_slice(&buffer[..room]);
    }
}
