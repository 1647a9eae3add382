//! A child process that never outlives its test: killed with its group when the guard is dropped, also by a panic.
//!
//! Should the test program itself be killed, the kernel kills the child (`PR_SET_PDEATHSIG`, set by util-linux's
//! `setpriv`, because setting it here would take unsafe code). The signal comes when the *thread* that started the
//! child ends: keep the guard in the test that made it, not in a static.
//!
//! ```
//! use std::process::Command;
//! use sre_testkit::process::Process;
//!
//! let mut sleeper = Process::start("sleeper", Command::new("sleep").arg("600"));
//! assert!(sleeper.exit_status().is_none());
//! drop(sleeper); // gone
//! ```

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tempfile::NamedTempFile;

/// A running child; what it prints goes to a file that is shown when it fails.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: NamedTempFile,
}

// === impl Process ===

impl Process {
    /// Starts the command in a process group of its own, with no stdin.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command) -> Self {
        let output = NamedTempFile::new().expect("a file for what the child prints");
        let writer = || Stdio::from(File::options().append(true).open(output.path()).expect("open the child's file"));
        let mut command = dying_with_us(command);
        command.stdin(Stdio::null()).stdout(writer()).stderr(writer()).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self { name: name.to_owned(), child, output }
    }

    /// The child's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far, both streams.
    #[must_use]
    pub fn output(&self) -> String {
        let bytes = std::fs::read(self.output.path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The file that it prints to.
    #[must_use]
    pub fn output_file(&self) -> PathBuf {
        self.output.path().to_owned()
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Panics
    /// When the kernel will not say.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("ask for the child's status")
    }

    /// Sends it a signal, such as `SIGTERM` to see an orderly end.
    ///
    /// # Panics
    /// When there is no such process any more.
    pub fn signal(&self, signal: Signal) {
        signal::kill(self.group(), signal).expect("send a signal");
    }

    /// Waits until `ready` says so, asking every 30 ms.
    ///
    /// # Errors
    /// With what it printed, when it exits before or is not ready after `patience`.
    pub async fn wait_until_ready(&mut self, patience: Duration, ready: impl AsyncFn() -> bool) -> Result<(), String> {
        let poll = async {
            loop {
                if ready().await {
                    return Ok(());
                }
                if let Some(status) = self.exit_status() {
                    return Err(format!("ended ({status})"));
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        let result = tokio::time::timeout(patience, poll).await;
        let trouble = match result {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(ended)) => ended,
            Err(_) => format!("is not ready after {patience:?}"),
        };
        Err(format!("{} {trouble}; it printed:\n{}", self.name, self.output()))
    }

    fn group(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once it has been waited for, its id may belong to somebody else.
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            signal::killpg(self.group(), Signal::SIGKILL).ok();
            self.child.kill().ok();
            self.child.wait().ok();
        }
        if std::thread::panicking() {
            // The end of it: a server that talks much would hide the assertion.
            let output = self.output();
            let lines: Vec<&str> = output.lines().collect();
            eprint(&self.name, &lines[lines.len().saturating_sub(20)..].join("\n"));
        }
    }
}

#[expect(clippy::print_stderr, reason = "the output of a peer explains a failed test")]
fn eprint(name: &str, output: &str) {
    eprintln!("--- {name} printed:\n{output}\n---");
}

/// The command run by `setpriv`, which replaces itself with it: the process id stays.
fn dying_with_us(command: &Command) -> Command {
    let Some(setpriv) = find_program("setpriv") else { return again(Command::new(command.get_program()), command) };
    let mut wrapped = Command::new(setpriv);
    wrapped.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program());
    again(wrapped, command)
}

/// Arguments, environment and folder of `from`: a `Command` cannot be cloned.
fn again(mut to: Command, from: &Command) -> Command {
    to.args(from.get_args());
    for (key, value) in from.get_envs() {
        match value {
            Some(value) => to.env(key, value),
            None => to.env_remove(key),
        };
    }
    if let Some(dir) = from.get_current_dir() {
        to.current_dir(dir);
    }
    to
}

/// A program in `PATH`, or in the folders that Debian leaves out of a user's.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(more).map(|dir| dir.join(name)).find(|file| is_program(file))
}

pub(crate) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// A port of 127.0.0.1 that was free a moment ago; whoever takes it must be ready to try another.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a free port of 127.0.0.1");
    listener.local_addr().expect("the address that was bound").port()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alive(pid: u32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    }

    #[tokio::test]
    async fn a_panic_kills_the_child_and_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let grandchild = dir.path().join("pid");
        let script = format!("sleep 600 & echo $! >{0}.new && mv {0}.new {0}; wait", grandchild.display());
        let mut process = Process::start("sh", Command::new("sh").args(["-c", &script]));
        process.wait_until_ready(Duration::from_secs(10), async || grandchild.exists()).await.unwrap();
        let pids = [process.pid(), std::fs::read_to_string(&grandchild).unwrap().trim().parse().unwrap()];
        assert!(pids.into_iter().all(alive));
        let panicked = std::thread::spawn(move || {
            let _process = process;
            panic!("on purpose");
        })
        .join();
        assert!(panicked.is_err());
        assert!(!alive(pids[0]), "it has been waited for");
        // Nobody here can wait for the grandchild: it dies in its own time.
        let gone = async {
            while alive(pids[1]) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
    }

    #[tokio::test]
    async fn a_child_that_ends_says_why() {
        let mut process = Process::start("broken", Command::new("sh").args(["-c", "echo no such flag >&2; exit 3"]));
        let error = process.wait_until_ready(Duration::from_secs(10), async || false).await.unwrap_err();
        assert!(error.contains("exit status: 3") && error.contains("no such flag"), "{error}");
    }
}
