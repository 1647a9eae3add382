//! What the process was given: variables, terminal, zone. Read once, then handed around.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;
use sre_core::output::Glyphs;

/// Variables, terminal and zone.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Environment {
    /// The environment variables; what is not UTF-8 is replaced.
    pub vars: BTreeMap<String, String>,
    /// Whether stdout is a terminal.
    pub stdout_terminal: bool,
    /// Whether stderr is a terminal.
    pub stderr_terminal: bool,
    /// Whether stdin is a terminal.
    pub stdin_terminal: bool,
    /// Columns of the terminal, where there is one.
    pub width: Option<usize>,
    /// The local zone.
    pub zone: Zone,
}

/// The zone in which times are shown. That of the system is looked up when the first time is shown: its name is
/// searched for in a folder of six hundred files.
#[derive(Debug, Clone, Default)]
pub struct Zone(Arc<OnceLock<TimeZone>>);

// === impl Zone ===

impl Zone {
    /// The zone itself.
    #[must_use]
    pub fn get(&self) -> &TimeZone {
        self.0.get_or_init(TimeZone::system)
    }
}

impl From<TimeZone> for Zone {
    fn from(zone: TimeZone) -> Self {
        Self(Arc::new(OnceLock::from(zone)))
    }
}

// === impl Environment ===

impl Environment {
    /// What this process was given.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |s: std::ffi::OsString| s.to_string_lossy().into_owned();
        Self {
            vars: std::env::vars_os().map(|(k, v)| (text(k), text(v))).collect(),
            stdout_terminal: std::io::stdout().is_terminal(),
            stderr_terminal: std::io::stderr().is_terminal(),
            stdin_terminal: std::io::stdin().is_terminal(),
            width: terminal_size::terminal_size().map(|(w, _)| usize::from(w.0)),
            zone: Zone::default(),
        }
    }

    /// No variables, no terminal, UTC: for tests and for programs that embed this one.
    #[must_use]
    pub fn empty() -> Self {
        let vars = BTreeMap::new();
        Self {
            vars,
            stdout_terminal: false,
            stderr_terminal: false,
            stdin_terminal: false,
            width: None,
            zone: TimeZone::UTC.into(),
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
        match locale {
            // Cron and CI set no locale, and what reads their output reads UTF-8.
            None => Glyphs::UNICODE,
            Some(locale) => Glyphs::for_locale(locale),
        }
    }

    /// `~`.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.var("HOME").map(PathBuf::from)
    }

    /// A folder of the XDG base directory specification; relative values are invalid there and ignored.
    #[must_use]
    pub fn xdg(&self, variable: &str, default: &str) -> Option<PathBuf> {
        let set = self.var(variable).map(PathBuf::from).filter(|p| p.is_absolute());
        set.or_else(|| self.home().map(|home| home.join(default)))
    }

    /// The kubeconfig files, as kubectl finds them.
    #[must_use]
    pub fn kubeconfig_files(&self) -> Vec<PathBuf> {
        match self.var("KUBECONFIG") {
            Some(list) => std::env::split_paths(list).filter(|p| !p.as_os_str().is_empty()).collect(),
            None => self.home().map(|home| home.join(".kube/config")).into_iter().collect(),
        }
    }
}
