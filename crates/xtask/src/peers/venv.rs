//! Python environments outside the clone, each with a fixed list of packages.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{place, step};

/// A virtual environment in the shared cache.
#[derive(Debug)]
pub(crate) struct Venv {
    name: &'static str,
    requirements: &'static [&'static str],
}

/// What the tests talk to, an AWS that runs on loopback, and what they are compared with: `nodeset` of ClusterShell,
/// the verifier of Slack's SDK.
pub(crate) const PEERS: Venv =
    Venv::new("peers-venv", &["moto[server]==5.2.5", "ClusterShell==1.10.1", "slack_sdk==3.47.0"]);

// === impl Venv ===

impl Venv {
    /// An environment of that name in the cache, with pinned packages.
    pub(crate) const fn new(name: &'static str, requirements: &'static [&'static str]) -> Self {
        Self { name, requirements }
    }

    /// The packages and their versions.
    pub(crate) fn describe(&self) -> String {
        self.requirements.join(", ").replace("==", " ")
    }

    /// A program of the environment, e.g. `python`.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf> {
        Ok(self.dir()?.join("bin").join(name))
    }

    /// Creates the environment and installs its packages, unless all is there.
    ///
    /// # Errors
    /// Names the pip or venv command that failed.
    pub(crate) fn install(&self) -> Result<()> {
        let (dir, python) = (self.dir()?, self.program("python")?);
        let wanted = self.requirements.join("\n");
        let stamp = dir.join("requirements.installed");
        let works = step::output(Command::new(&python).args(["-c", ""])).is_some();
        if works && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            println!("✓ Python {}: all there", self.requirements.join(" "));
            return Ok(());
        }
        if !works {
            // --clear: a system Python that moved on leaves an environment that cannot start.
            step::run("Python environment", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&dir))?;
        }
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "10"]);
        step::run("Python packages", pip.args(self.requirements))?;
        fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
        println!("✓ Python {}: installed in {}", self.requirements.join(" "), dir.display());
        Ok(())
    }

    fn dir(&self) -> Result<PathBuf> {
        Ok(place::cache()?.join(self.name))
    }
}
