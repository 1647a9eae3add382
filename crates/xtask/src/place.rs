//! Where things are: the workspace, the cache that clones share, the build folder.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::step;

/// The workspace's root folder.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// `${XDG_CACHE_HOME:-~/.cache}/sre-toolkit`, created if absent: what is shared by all clones of one user.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = match base {
        Some(path) => path,
        None => PathBuf::from(env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?).join(".cache"),
    };
    let cache = base.join("sre-toolkit");
    std::fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    Ok(cache)
}

/// `CARGO_TARGET_DIR`, else `target` in the [`cache`].
pub(crate) fn target_dir() -> Result<PathBuf> {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(path) => Ok(root().join(path)),
        None => Ok(cache()?.join("target")),
    }
}

/// `cargo` with the shared target folder, run in the root.
pub(crate) fn cargo<const N: usize>(args: [&str; N]) -> Result<Command> {
    let mut command = Command::new("cargo");
    command.args(args).current_dir(root()).env("CARGO_TARGET_DIR", target_dir()?);
    Ok(command)
}

/// `cargo build` of what is shipped or measured: `args` say which package.
///
/// TLS takes its random seeds from the operating system and the CPU, as other TLS libraries do, and not from timing
/// jitter, which costs 30 ms at each start (docs/building.md).
pub(crate) fn cargo_release<const N: usize>(profile: &str, args: [&str; N]) -> Result<Command> {
    let mut command = cargo(["build", "--locked", "--profile", profile])?;
    command.args(args).env("AWS_LC_SYS_NO_JITTER_ENTROPY", "1");
    Ok(command)
}

/// Builds a binary as it is shipped.
///
/// # Errors
/// Says that the build failed.
pub(crate) fn ship(binary: &str) -> Result<()> {
    step::run(&format!("build {binary}"), &mut cargo_release(profile(binary), ["-p", binary])?)
}

/// Where [`ship`] puts it.
pub(crate) fn shipped(binary: &str) -> Result<PathBuf> {
    Ok(target_dir()?.join(profile(binary)).join(binary))
}

/// Link-time optimisation is for the fleet tools: over the AWS crates of `morning-check` it would take longer than all the
/// rest of the build, for code that mostly waits.
fn profile(binary: &str) -> &'static str {
    if binary.starts_with("fleet-") { "dist" } else { "release" }
}

/// The path of a program in `PATH` (and in `/usr/sbin`, which Debian leaves out of a user's), if it is there.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).map(|dir| dir.join(name)).find(|file| file.is_file())
}
