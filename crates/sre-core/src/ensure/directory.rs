//! A folder.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::attributes::{Resolved, Wanted};
use super::change::{Change, Plan, unified};
use super::entry::{Kind, look};
use crate::effects::Effects;
use crate::path_error::PathError;

/// A folder that exists, with mode and owner where they are named. Its parent must exist unless
/// [`parents`](Self::parents) is set.
///
/// ```
/// use sre_core::Effects;
/// use sre_core::ensure::Directory;
/// let dir = tempfile::tempdir().unwrap();
/// let app = dir.path().join("opt/app");
/// Directory::new(&app).parents(true).mode(0o750).ensure(&Effects::real()).unwrap();
/// assert!(app.is_dir());
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Directory {
    path: PathBuf,
    parents: bool,
    wanted: Wanted,
}

// === impl Directory ===

impl Directory {
    /// A new folder gets `0777` less the umask.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), parents: false, wanted: Wanted::default() }
    }

    /// Whether missing folders above are made too, with `0777` less the umask and our own owner.
    pub fn parents(mut self, parents: bool) -> Self {
        self.parents = parents;
        self
    }

    /// The exact mode, as in `0o750`.
    pub fn mode(mut self, mode: u32) -> Self {
        self.wanted.mode = Some(mode);
        self
    }

    /// The owner, by name or number.
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.wanted.owner = Some(owner.into());
        self
    }

    /// The group, by name or number.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.wanted.group = Some(group.into());
        self
    }

    /// Checks, acts, verifies.
    ///
    /// # Errors
    /// When something else is there, the parent is missing, or we may not do it.
    pub fn ensure(&self, effects: &Effects) -> Result<Change, PathError> {
        let path = &self.path;
        let wanted = self.wanted.resolve(path)?;
        let entry = look(path)?;
        if let Some(other) = entry.filter(|e| e.kind != Kind::Directory) {
            return Err(other.is_not(Kind::Directory, "create the directory", path));
        }
        let (verb, diff) = match entry {
            None => ("create directory", unified(path, "", "directory\n") + &attributes_of_new(&wanted, path)),
            Some(_) => match wanted.diff(path, entry) {
                Some(diff) => ("change directory", diff),
                None => return Ok(Change::Unchanged),
            },
        };
        let plan = Plan { path, what: format!("{verb} {}", path.display()), diff };
        let act = || {
            if entry.is_none() {
                self.create(wanted.mode)?;
            }
            wanted.apply(path, Kind::Directory)
        };
        let holds = || Ok(look(path)?.is_some_and(|e| e.kind == Kind::Directory) && wanted.holds(path)?);
        plan.carry_out(effects, act, holds)
    }

    /// With a wanted mode the folder is born closed, so that nobody enters before the owner and mode are right.
    fn create(&self, mode: Option<u32>) -> Result<(), PathError> {
        let fail = |e| PathError::new("create the directory", &self.path, e).advice_for_writing();
        if let Some(above) = self.path.parent().filter(|p| self.parents && !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(above).map_err(fail)?;
        }
        match DirBuilder::new().mode(if mode.is_some() { 0o700 } else { 0o777 }).create(&self.path) {
            // Somebody was faster; the step after this one looks at what it is.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other.map_err(fail),
        }
    }
}

/// The second half of the diff of something new: its attributes, without another header.
pub(super) fn attributes_of_new(wanted: &Resolved, path: &Path) -> String {
    let diff = wanted.diff(path, None).unwrap_or_default();
    diff.lines().filter(|l| l.starts_with('+') && !l.starts_with("+++")).map(|l| format!("{l}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path_error::PathErrorKind;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn it_is_made_changed_and_then_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app");
        let real = Effects::real();
        let wanted = Directory::new(&path).mode(0o2751);
        let would = wanted.ensure(&Effects::dry_run()).unwrap();
        assert!(!path.exists());
        let change = wanted.ensure(&real).unwrap();
        assert_eq!(would.diff(), change.diff());
        assert!(change.diff().unwrap().ends_with("+directory\n+mode 2751\n"), "{change}");
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o2751);
        assert_eq!(wanted.ensure(&real).unwrap(), Change::Unchanged);
        assert!(wanted.mode(0o700).ensure(&real).unwrap().is_needed());
        let said: Vec<String> = real.records().iter().map(ToString::to_string).collect();
        let name = path.display();
        assert_eq!(said, [format!("create directory {name}: done"), format!("change directory {name}: done")]);
    }

    #[test]
    fn what_is_there_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("file"), "").unwrap();
        std::os::unix::fs::symlink("/tmp", at("link")).unwrap();
        let fail = |name| Directory::new(at(name)).ensure(&Effects::real()).unwrap_err();
        assert_eq!(fail("file").kind(), PathErrorKind::NotADirectory);
        assert_eq!(fail("link").kind(), PathErrorKind::Symlink);
        assert!(fail("no/such").to_string().contains("mkdir -p"));
        assert!(Directory::new(at("no/such")).parents(true).ensure(&Effects::real()).unwrap().is_needed());
    }
}
