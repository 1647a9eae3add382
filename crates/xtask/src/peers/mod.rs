//! What the tests need beside the workspace: real servers, a Python environment, cargo tools.
//!
//! Everything is looked for first, so that a second run takes a moment and changes nothing. Two clones that
//! install at once wait for each other.

mod debian;
mod tools;
mod venv;

use std::fs::File;

use anyhow::{Context, Result, anyhow};
use nix::fcntl::{Flock, FlockArg};

use crate::place;
use tools::NEXTEST;
pub(crate) use tools::{DENY, FUZZ, cargo_tool};
pub(crate) use venv::{PEERS, Venv};

/// Installs all that `cargo xtask` needs anywhere.
///
/// # Errors
/// Says what could not be installed and the command to type.
pub(crate) fn install_all() -> Result<()> {
    install_for_tests()?;
    cargo_tool(&DENY)
}

/// Installs what `cargo xtask test` needs.
///
/// # Errors
/// Says what could not be installed and the command to type.
pub(crate) fn install_for_tests() -> Result<()> {
    let _lock = lock()?;
    debian::install(debian::TESTS)?;
    PEERS.install()?;
    cargo_tool(&NEXTEST)
}

/// Installs what loads an HTTP server in `cargo xtask bench`.
///
/// # Errors
/// Says what could not be installed and the command to type.
pub(crate) fn install_for_load() -> Result<()> {
    let _lock = lock()?;
    debian::install(debian::LOAD)
}

/// Held while installing; the kernel frees it, however we end.
fn lock() -> Result<Flock<File>> {
    let path = place::cache()?.join("peers.lock");
    let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
    let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => return Ok(lock),
        Err((file, _)) => file,
    };
    println!("▸ peers: another `cargo xtask peers` is at work, waiting for it");
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| anyhow!("cannot lock {}: {errno}", path.display()))
}
