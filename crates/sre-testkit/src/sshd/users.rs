//! Throw-away accounts, because `sshd` checks a password against `/etc/shadow` only.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::unistd::Uid;

use crate::process::find_program;

/// Starts the name of each account; the id of the process that made it follows.
const PREFIX: &str = "sretk";

/// An account with a password, removed when dropped.
#[derive(Debug)]
pub struct PasswordUser {
    name: String,
    password: String,
    home: PathBuf,
}

// === impl PasswordUser ===

impl PasswordUser {
    /// Creates an account with its home in `dir`.
    ///
    /// # Panics
    /// When we are not root, or the account cannot be made.
    pub(super) fn create(dir: &Path, password: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        assert!(
            Uid::effective().is_root(),
            "a password login needs an account, and only root can make one: run this test as root, as CI does in its \
             container"
        );
        remove_leftovers();
        let name = format!("{PREFIX}{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let home = dir.join(&name);
        let user = Self { name, password: password.to_owned(), home };
        user.add();
        user
    }

    /// The login name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The home folder, in the server's own.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    fn add(&self) {
        patiently("useradd", |command| {
            command.args(["--create-home", "--skel", "/dev/null", "--shell", "/bin/sh", "--no-log-init"]);
            command.arg("--home-dir").arg(&self.home).arg(&self.name).output()
        });
        // By stdin: arguments are for everybody to read.
        patiently("chpasswd", |command| {
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
            let mut stdin = child.stdin.take().expect("a pipe");
            writeln!(stdin, "{}:{}", self.name, self.password)?;
            drop(stdin);
            child.wait_with_output()
        });
    }
}

impl Drop for PasswordUser {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Runs a program of the shadow suite, again while another one holds the lock on `/etc/passwd`.
fn patiently(name: &str, run: impl Fn(&mut Command) -> std::io::Result<Output>) {
    let program = find_program(name).unwrap_or_else(|| panic!("`{name}` is not installed (Debian: passwd)"));
    let mut said = String::new();
    for _ in 0..100 {
        let output = run(Command::new(&program).stdin(Stdio::null())).unwrap_or_else(|error| panic!("{name}: {error}"));
        if output.status.success() {
            return;
        }
        said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !said.contains("lock") {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{name} failed: {said}");
}

/// Accounts of test programs that were killed before they could tidy up.
fn remove_leftovers() {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    for name in passwd.lines().filter_map(|line| line.split(':').next()) {
        let pid = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('x')).map(|(pid, _)| pid);
        let dead = |pid: &str| pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists();
        if pid.is_some_and(dead) {
            remove(name);
        }
    }
}

fn remove(name: &str) {
    let Some(userdel) = find_program("userdel") else { return };
    for _ in 0..100 {
        // --force: a process of the account that is about to die does not matter.
        let output = Command::new(&userdel).args(["--force", name]).stdin(Stdio::null()).output();
        if output.is_ok_and(|output| output.status.success() || output.status.code() == Some(6)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
