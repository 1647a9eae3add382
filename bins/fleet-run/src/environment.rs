//! What the process was given: variables and terminal. Read once, then handed around.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

use sre_core::output::Glyphs;
use sre_remote::cli::Surroundings;

/// Variables and terminal.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Environment {
    /// The environment variables; what is not UTF-8 is replaced.
    pub vars: BTreeMap<String, String>,
    /// Whether stdin is a terminal.
    pub stdin_terminal: bool,
    /// Whether stdout is a terminal.
    pub stdout_terminal: bool,
    /// Whether stderr is a terminal.
    pub stderr_terminal: bool,
    /// Columns of the terminal, where there is one.
    pub width: Option<usize>,
}

impl Environment {
    /// What this process was given.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |s: std::ffi::OsString| s.to_string_lossy().into_owned();
        Self {
            vars: std::env::vars_os().map(|(k, v)| (text(k), text(v))).collect(),
            stdin_terminal: std::io::stdin().is_terminal(),
            stdout_terminal: std::io::stdout().is_terminal(),
            stderr_terminal: std::io::stderr().is_terminal(),
            width: terminal_size::terminal_size().map(|(w, _)| usize::from(w.0)),
        }
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// Whether a line on stderr can be drawn anew: a dumb terminal cannot erase what it shows.
    #[must_use]
    pub fn draws_on_stderr(&self) -> bool {
        self.stderr_terminal && self.var("TERM") != Some("dumb")
    }

    /// The symbols that the locale can show.
    #[must_use]
    pub fn glyphs(&self) -> Glyphs {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| self.var(name));
        // Cron and CI set no locale, and what reads their output reads UTF-8.
        locale.map_or(Glyphs::UNICODE, Glyphs::for_locale)
    }

    /// Where runs are remembered: below `$XDG_STATE_HOME`, usually `~/.local/state/fleet-run`.
    #[must_use]
    pub fn state_folder(&self) -> Option<PathBuf> {
        let set = self.var("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = set.or_else(|| self.var("HOME").map(|home| PathBuf::from(home).join(".local/state")))?;
        Some(folder.join("fleet-run"))
    }

    /// What connections need to know.
    #[must_use]
    pub fn surroundings(&self) -> Surroundings {
        Surroundings::new(|name| self.var(name).map(str::to_owned))
    }
}
