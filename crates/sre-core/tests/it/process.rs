//! Real child processes: this test binary runs itself again, with one test that does the child's part.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// Names the file that the child works on; unset when the test runs as a test.
pub(crate) const ARGUMENT: &str = "SRE_CORE_TEST_CHILD";

/// A child that is killed and reaped when the test ends, however it ends.
#[derive(Debug)]
pub(crate) struct Guard {
    child: Child,
    /// Kept open, or the child would die of its next line.
    out: Lines<BufReader<ChildStdout>>,
}

/// Starts `test` (as in `lock::child`) of this binary and waits for its first line on stdout that starts with `ready`.
pub(crate) fn spawn(test: &str, path: &Path) -> Guard {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--ignored"])
        .env(ARGUMENT, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let mut guard = Guard { child, out: BufReader::new(out).lines() };
    let ready = guard.out.any(|line| line.is_ok_and(|l| l.ends_with("ready")));
    assert!(ready, "the child {test} ended before it was ready");
    guard
}

/// The path that the parent handed in, in a child.
pub(crate) fn argument() -> Option<std::path::PathBuf> {
    std::env::var_os(ARGUMENT).map(Into::into)
}

impl Guard {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills the child as a crash would: no destructor runs.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.kill();
    }
}
