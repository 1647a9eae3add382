//! Debian packages that the tests start as private servers on loopback.

use std::process::Command;

use anyhow::{Result, bail};
use nix::unistd::Uid;

use crate::{place, step};

/// A program that must be in `PATH`, and the Debian package it comes in.
pub(super) struct Need {
    program: &'static str,
    package: &'static str,
}

/// For the tests.
pub(super) const TESTS: &[Need] = &[
    Need { program: "prometheus", package: "prometheus" },
    Need { program: "prometheus-alertmanager", package: "prometheus-alertmanager" },
    Need { program: "prometheus-node-exporter", package: "prometheus-node-exporter" },
    Need { program: "python3", package: "python3" },
    Need { program: "sshd", package: "openssh-server" },
    Need { program: "ssh", package: "openssh-client" },
    Need { program: "parallel-ssh", package: "pssh" },
    Need { program: "busybox", package: "busybox" },
    // An SMTP server that is no mail transport agent: installing it replaces nobody's.
    Need { program: "aiosmtpd", package: "python3-aiosmtpd" },
];

/// For `cargo xtask bench alerts`.
pub(super) const LOAD: &[Need] = &[Need { program: "wrk", package: "wrk" }];

const INSTALL: &str = include_str!("install.sh");

/// Installs the packages whose programs are missing; their services are neither started nor enabled.
///
/// # Errors
/// Gives the command to type where we may not, or cannot, install.
pub(super) fn install(needs: &[Need]) -> Result<()> {
    let mut missing: Vec<&str> =
        needs.iter().filter(|need| place::program(need.program).is_none()).map(|need| need.package).collect();
    if missing.is_empty() && !python_makes_venvs() {
        missing.push("python3-venv");
    }
    if missing.is_empty() {
        println!("✓ Debian packages: all there");
        return Ok(());
    }
    let packages = missing.join(" ");
    if place::program("apt-get").is_none() {
        bail!("no apt-get here: install what Debian calls {packages}, so that its programs are in PATH");
    }
    let mut install = privileged("sh").ok_or_else(|| {
        anyhow::anyhow!(
            "not root, and sudo wants a password. Type: sudo apt-get install --no-install-recommends {packages}"
        )
    })?;
    println!("▸ Debian packages: installing {packages}");
    let done = install.args(["-c", INSTALL, "install.sh"]).args(&missing).status()?;
    if !done.success() {
        bail!(
            "installing {packages} failed ({done}); repeat it alone: apt-get install --no-install-recommends {packages}"
        );
    }
    println!("✓ Debian packages: installed {packages} (services not started, not enabled)");
    // A fresh python3 comes without venv: ask again now that it is there.
    if missing.contains(&"python3") { install_venv_support(needs) } else { Ok(()) }
}

fn install_venv_support(needs: &[Need]) -> Result<()> {
    if python_makes_venvs() { Ok(()) } else { install(needs) }
}

/// Debian splits `ensurepip` off into python3-venv.
fn python_makes_venvs() -> bool {
    step::output(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_some()
}

/// The program as root: as we are, or by a `sudo` that asks nothing.
fn privileged(program: &str) -> Option<Command> {
    if Uid::effective().is_root() {
        return Some(Command::new(program));
    }
    step::output(Command::new("sudo").args(["-n", "true"]))?;
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    Some(command)
}
