//! Cargo subcommands that the checks run.

use std::process::Command;

use anyhow::Result;

use crate::{place, step};

/// A cargo subcommand, and the version installed where there is none (any version that is there will do).
#[derive(Debug)]
pub(crate) struct Tool {
    subcommand: &'static str,
    version: &'static str,
}

/// Licences, bans and sources of the dependencies.
pub(crate) const DENY: Tool = Tool { subcommand: "deny", version: "0.20.2" };
/// Fuzzing with libFuzzer; the targets need a nightly toolchain.
pub(crate) const FUZZ: Tool = Tool { subcommand: "fuzz", version: "0.13.2" };
/// The test runner.
pub(crate) const NEXTEST: Tool = Tool { subcommand: "nextest", version: "0.9.143" };

/// Installs a tool from its source, unless it is there.
///
/// # Errors
/// Gives the `cargo install` that failed.
pub(crate) fn cargo_tool(tool: &Tool) -> Result<()> {
    if let Some(version) = step::output(Command::new("cargo").args([tool.subcommand, "--version"])) {
        println!("✓ {}: there", version.lines().next().unwrap_or(tool.subcommand));
        return Ok(());
    }
    let spec = format!("cargo-{}@{}", tool.subcommand, tool.version);
    let mut install = place::cargo(["install", "--locked", "--quiet"])?;
    // A folder of its own: its dependencies are not ours.
    install.arg(&spec).env("CARGO_TARGET_DIR", place::cache()?.join("tools-target"));
    step::run(&spec, &mut install)?;
    println!("✓ {spec}: installed");
    Ok(())
}
