//! `cargo xtask dist`: what a package holds. Each binary writes its own completions and man page.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{place, step};

/// Each with the hidden word that makes it write its pages; `fleet-run` has a flag, since any word there is a command.
const BINARIES: &[(&str, &str)] = &[("morning-check", "dist"), ("fleet-run", "--dist"), ("fleet-deploy", "dist")];

/// Builds the release binaries into `dir/bin` and lets each write the rest into `dir`.
///
/// # Errors
/// Says which binary could not be built or written.
pub(crate) fn run(dir: &Path) -> Result<()> {
    let dir = std::path::absolute(dir)?;
    let bin = dir.join("bin");
    fs::create_dir_all(&bin).with_context(|| format!("cannot create {}", bin.display()))?;
    for (name, pages) in BINARIES {
        place::ship(name)?;
        let (built, wanted) = (place::shipped(name)?, bin.join(name));
        fs::copy(&built, &wanted)
            .with_context(|| format!("cannot copy {} to {}", built.display(), wanted.display()))?;
        step::run("completions and man page", Command::new(&wanted).arg(pages).arg(&dir))?;
    }
    println!("✓ {}", dir.display());
    Ok(())
}
