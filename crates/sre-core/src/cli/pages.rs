//! What a distribution carries beside the binary: shell completions and man pages, made from the command itself.

use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

use crate::exit::ExitCode;
use crate::path_error::PathError;

/// Shells that get completions.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Writes `completions/` (bash, zsh, fish) and `man/` (a page for the command and one for each subcommand) into `dir`, which is made
/// when it is not there; returns the files.
///
/// ```
/// use clap::CommandFactory as _;
/// # #[derive(clap::Parser)] #[command(name = "fleet-run")] struct Args { #[command(flatten)] common: sre_core::cli::CommonArgs }
/// # let dir = tempfile::tempdir()?;
/// let files = sre_core::cli::write_pages(&Args::command(), dir.path())?;
/// assert!(files.iter().any(|file| file.ends_with("man/fleet-run.1")));
/// assert!(files.iter().any(|file| file.ends_with("completions/_fleet-run")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When a folder or file cannot be written.
pub fn write_pages(command: &Command, dir: &Path) -> Result<Vec<PathBuf>, PathError> {
    let mut files = Vec::new();
    let completions = folder(dir, "completions")?;
    for shell in SHELLS {
        let name = command.get_name().to_owned();
        let file = clap_complete::generate_to(shell, &mut command.clone(), name, &completions);
        files.push(file.map_err(|e| PathError::new("write", &completions, e))?);
    }
    let man = folder(dir, "man")?;
    clap_mangen::generate_to(command.clone(), &man).map_err(|e| PathError::new("write", &man, e))?;
    let entries = std::fs::read_dir(&man).map_err(|e| PathError::new("read", &man, e))?;
    let start = command.get_name();
    let ours = |path: &PathBuf| path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(start));
    files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())).filter(ours));
    files.sort();
    Ok(files)
}

fn folder(dir: &Path, name: &str) -> Result<PathBuf, PathError> {
    let path = dir.join(name);
    std::fs::create_dir_all(&path).map_err(|e| PathError::new("create", &path, e))?;
    Ok(path)
}

/// The exit code for what clap could not parse: [`ExitCode::OK`] for `--help` and `--version`, else
/// [`ExitCode::USAGE`] (clap's own would be 2, which means "incomplete" here).
#[must_use]
pub fn exit_code(error: &clap::Error) -> ExitCode {
    if error.use_stderr() { ExitCode::USAGE } else { ExitCode::OK }
}
