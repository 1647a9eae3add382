//! Starting a real server: find the program, take a port, wait until it answers, try again if the port was lost.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::plain_http::request;
use crate::process::{Process, find_program, free_port, is_program};

/// How long a server may take to answer; Python on a busy machine is the slow one.
const PATIENCE: Duration = Duration::from_secs(60);
const TRIES: usize = 5;

/// A server that answers.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) process: Process,
    pub(super) addr: String,
}

/// Starts `program` with the command that `with_port` makes, until `GET ready_path` is a success.
pub(super) async fn launch(
    name: &str,
    ready_path: &str,
    headers: &[(&str, &str)],
    with_port: impl Fn(u16) -> Command,
) -> Running {
    let mut failure = String::new();
    for _ in 0..TRIES {
        let port = free_port();
        let addr = format!("127.0.0.1:{port}");
        let mut process = Process::start(name, &mut with_port(port));
        let answers =
            async || request(&addr, "GET", ready_path, headers, "").await.is_ok_and(|answer| answer.status < 300);
        match process.wait_until_ready(PATIENCE, answers).await {
            // Whoever took the port first would answer as well: it counts only if ours still runs.
            Ok(()) if process.exit_status().is_none() => return Running { process, addr },
            Ok(()) => failure = process.output(),
            Err(error) if error.to_lowercase().contains("address already in use") => failure = error,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no free port for {name} in {TRIES} tries: {failure}")
}

/// The path of a peer's program.
///
/// # Panics
/// With the command that installs it, when it is not there.
pub fn program(name: &str) -> PathBuf {
    let venvs = python_venvs().into_iter().map(|bin| bin.join(name)).find(|file| is_program(file));
    venvs.or_else(|| find_program(name)).unwrap_or_else(|| panic!("`{name}` is not installed: run `cargo xtask peers`"))
}

/// Where `cargo xtask peers` puts Python programs; `SRE_PEERS_VENV` names another `bin` folder.
fn python_venvs() -> Vec<PathBuf> {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = path("XDG_CACHE_HOME").or_else(|| path("HOME").map(|home| home.join(".cache")));
    let shared = cache.map(|cache| cache.join("sre-toolkit/peers-venv/bin"));
    path("SRE_PEERS_VENV").into_iter().chain(shared).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    #[should_panic(expected = "`no-such-peer` is not installed: run `cargo xtask peers`")]
    fn a_missing_peer_says_what_to_do() {
        super::program("no-such-peer");
    }
}
