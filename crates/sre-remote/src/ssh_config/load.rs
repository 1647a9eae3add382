//! Reading configuration files and what they include.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sre_core::Target;

use super::directive::{self, Item};
use super::files::{Files, Nothing};
use super::settings::Unsupported;
use super::{glob, keyword, line};
use crate::error::{Error, ErrorKind};
use crate::phase::Phase;
use crate::problem::{Place, Problem};
use crate::wildcard;

/// Of files that include files (OpenSSH's bound).
const DEEPEST: usize = 16;
/// Of files in all: each may include all others of its level.
const MOST_FILES: usize = 4096;

/// A client configuration, parsed; [`resolve`](Self::resolve) says what it means for a host.
#[derive(Debug, Clone)]
pub struct SshConfig {
    pub(super) items: Vec<Item>,
    pub(super) local: Local,
}

/// Who and where we are, as far as values may speak of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    home: PathBuf,
    user: String,
}

/// Whose a file is: what relative names of included files count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// The user's: from `~/.ssh`.
    User,
    /// The machine's: from `/etc/ssh`.
    System,
}

/// A configuration with mistakes, all of them named. Nothing of it should be used: the next line may be the one that
/// says where a host really is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadConfig {
    problems: Vec<Problem>,
}

struct Loader<'a> {
    local: &'a Local,
    files: &'a dyn Files,
    scope: Scope,
    /// Patterns of `IgnoreUnknown` so far.
    ignored: Vec<String>,
    /// The files that we are in, outermost first.
    inside: Vec<PathBuf>,
    read: usize,
    problems: Vec<Problem>,
}

// === impl SshConfig ===

impl SshConfig {
    /// A configuration that says nothing.
    #[must_use]
    pub fn empty(local: &Local) -> Self {
        Self { items: Vec::new(), local: local.clone() }
    }

    /// Parses a text that stands alone: what it includes is not read. `origin` is its name in messages.
    ///
    /// # Errors
    /// With every line that `ssh` would refuse as well.
    pub fn parse(text: &str, origin: &str, local: &Local) -> Result<Self, BadConfig> {
        let mut loader = Loader::new(local, &Nothing, Scope::User);
        let items = loader.items(text, &origin.into());
        loader.finish(items)
    }

    /// Reads a file, as `ssh -F` does, and what it includes.
    ///
    /// # Errors
    /// When it is missing or cannot be read, and as [`parse`](Self::parse).
    pub fn load(path: &Path, scope: Scope, local: &Local, files: &dyn Files) -> Result<Self, BadConfig> {
        let mut loader = Loader::new(local, files, scope);
        let items = loader.file(path).unwrap_or_else(|| {
            loader.problem(&path.display().to_string().into(), 0, "there is no such file".to_owned());
            Vec::new()
        });
        loader.finish(items)
    }

    /// Reads `~/.ssh/config`, then `/etc/ssh/ssh_config`, as `ssh` does; either may be missing.
    ///
    /// # Errors
    /// As [`load`](Self::load), less the missing file.
    pub fn load_default(local: &Local, files: &dyn Files) -> Result<Self, BadConfig> {
        let user = local.home.join(".ssh/config");
        let mut config = Self::empty(local);
        for (path, scope) in [(user.as_path(), Scope::User), (Path::new("/etc/ssh/ssh_config"), Scope::System)] {
            let mut loader = Loader::new(local, files, scope);
            let items = loader.file(path).unwrap_or_default();
            config = config.followed_by(loader.finish(items)?);
        }
        Ok(config)
    }

    /// This configuration, and where it says nothing, the other.
    #[must_use]
    pub fn followed_by(mut self, other: Self) -> Self {
        // An included file begins for everybody, wherever the one before it ended.
        self.items = vec![Item::Include(self.items), Item::Include(other.items)];
        self
    }

    /// Who and where we are.
    #[must_use]
    pub fn local(&self) -> &Local {
        &self.local
    }
}

// === impl Local ===

impl Local {
    /// The home folder and the login name on this machine.
    pub fn new(home: impl Into<PathBuf>, user: impl Into<String>) -> Self {
        Self { home: home.into(), user: user.into() }
    }

    /// What `~` and `%d` are.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// What `%u` is, and who logs in when nothing says otherwise.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }
}

// === impl BadConfig ===

impl BadConfig {
    /// Each line that is wrong, in the order in which they were read.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for BadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if n == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for BadConfig {}

impl From<BadConfig> for Error {
    fn from(bad: BadConfig) -> Self {
        let file = bad.problems.first().map_or("ssh_config", |p| p.place().file()).to_owned();
        Self::about(ErrorKind::Usage, Phase::Resolve, Target::new(file)).with_detail(bad.to_string()).with_source(bad)
    }
}

// === impl Loader ===

impl<'a> Loader<'a> {
    fn new(local: &'a Local, files: &'a dyn Files, scope: Scope) -> Self {
        Self { local, files, scope, ignored: Vec::new(), inside: Vec::new(), read: 0, problems: Vec::new() }
    }

    fn finish(self, items: Vec<Item>) -> Result<SshConfig, BadConfig> {
        if self.problems.is_empty() {
            Ok(SshConfig { items, local: self.local.clone() })
        } else {
            Err(BadConfig { problems: self.problems })
        }
    }

    fn problem(&mut self, origin: &Arc<str>, line: u32, why: String) {
        self.problems.push(Problem::new(Arc::clone(origin), line, why));
    }

    /// `None` when there is no such file.
    fn file(&mut self, path: &Path) -> Option<Vec<Item>> {
        let origin: Arc<str> = path.display().to_string().into();
        self.read += 1;
        match self.files.read(path) {
            Ok(text) => {
                self.inside.push(path.to_owned());
                let items = text.map(|text| self.items(&text, &origin));
                self.inside.pop();
                items
            }
            Err(e) => {
                self.problem(&origin, 0, format!("cannot be read: {e}"));
                Some(Vec::new())
            }
        }
    }

    fn items(&mut self, text: &str, origin: &Arc<str>) -> Vec<Item> {
        let mut items = Vec::new();
        for (number, text) in (1..).zip(text.split('\n')) {
            let item = match line::split(text) {
                Ok(Some(line)) => self.item(&line, origin, number),
                Ok(None) => Ok(None),
                Err(why) => Err(why),
            };
            match item {
                Ok(item) => items.extend(item),
                Err(why) => self.problem(origin, number, why),
            }
        }
        items
    }

    fn item(&mut self, line: &line::Line<'_>, origin: &Arc<str>, number: u32) -> Result<Option<Item>, String> {
        let Some((keyword, kind)) = keyword::find(line.keyword) else { return self.unknown(line.keyword) };
        let arguments = &line.arguments;
        let place = Place::new(Arc::clone(origin), number);
        match keyword {
            "Host" if arguments.is_empty() || arguments.iter().any(String::is_empty) => {
                Err("Host has an empty pattern".to_owned())
            }
            "Host" => Ok(Some(Item::Host(arguments.clone()))),
            "Match" => match arguments.as_slice() {
                [] => Err("Match has no value".to_owned()),
                [all] if all.eq_ignore_ascii_case("all") => Ok(Some(Item::MatchAll)),
                _ => Ok(Some(Item::Match(Unsupported::new(place, keyword)))),
            },
            "IgnoreUnknown" => {
                self.ignored.extend(arguments.iter().flat_map(|a| a.split(',')).map(str::to_ascii_lowercase));
                Ok(None)
            }
            "Include" => self.include(arguments, origin, number).map(Some),
            _ => Ok(directive::parse(keyword, kind, arguments, place)?.map(Item::Set)),
        }
    }

    fn unknown(&self, word: &str) -> Result<Option<Item>, String> {
        let lower = word.to_ascii_lowercase();
        if wildcard::list_matches(self.ignored.iter().map(String::as_str), &lower) {
            return Ok(None);
        }
        let word: String = word.chars().take(40).collect();
        let meant = keyword::nearest(&word).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
        Err(format!("{word:?} is not a keyword of ssh_config{meant}"))
    }

    fn include(&mut self, patterns: &[String], origin: &Arc<str>, number: u32) -> Result<Item, String> {
        if patterns.is_empty() || patterns.iter().any(String::is_empty) {
            return Err("Include names no file".to_owned());
        }
        let mut items = Vec::new();
        for pattern in patterns {
            let pattern = self.anchored(pattern)?;
            let paths = glob::expand(&pattern, self.files).map_err(|e| format!("cannot look for {pattern}: {e}"))?;
            for path in paths {
                if self.inside.contains(&path) {
                    self.problem(origin, number, format!("{} includes itself", path.display()));
                } else if self.inside.len() >= DEEPEST || self.read >= MOST_FILES {
                    return Err(format!("too many included files: at most {DEEPEST} levels and {MOST_FILES} files"));
                } else {
                    items.push(Item::Include(self.file(&path).unwrap_or_default()));
                }
            }
        }
        Ok(Item::Include(items))
    }

    fn anchored(&self, pattern: &str) -> Result<String, String> {
        match (pattern.chars().next(), self.scope) {
            (Some('/'), _) => Ok(pattern.to_owned()),
            (Some('~'), Scope::User) if pattern.starts_with("~/") => Ok(glob::anchored(pattern, &self.local.home)),
            (Some('~'), _) => Err(format!("{pattern}: name the folder in full")),
            (_, Scope::User) => Ok(format!("{}/.ssh/{pattern}", self.local.home.display())),
            (_, Scope::System) => Ok(format!("/etc/ssh/{pattern}")),
        }
    }
}
