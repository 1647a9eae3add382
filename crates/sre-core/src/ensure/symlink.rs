//! A symbolic link.

use std::fs;
use std::path::{Path, PathBuf};

use super::change::{Change, Plan, unified};
use super::entry::{Kind, look};
use crate::effects::Effects;
use crate::path_error::{PathError, parent};

const ACTION: &str = "link";

/// A symbolic link with exactly this target. A link that leads elsewhere is replaced in one step; a file or folder in
/// its place is never touched. The target need not exist.
///
/// ```
/// use sre_core::Effects;
/// use sre_core::ensure::Symlink;
/// let dir = tempfile::tempdir().unwrap();
/// let current = dir.path().join("current");
/// for release in ["releases/1", "releases/2"] {
///     assert!(Symlink::new(&current, release).ensure(&Effects::real()).unwrap().is_needed());
/// }
/// assert_eq!(std::fs::read_link(&current).unwrap().to_str(), Some("releases/2"));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Symlink {
    path: PathBuf,
    target: PathBuf,
}

// === impl Symlink ===

impl Symlink {
    /// `path` leads to `target`; a relative target counts from the folder of `path`.
    pub fn new(path: impl AsRef<Path>, target: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), target: target.as_ref().to_owned() }
    }

    /// Checks, acts, verifies.
    ///
    /// # Errors
    /// When something other than a link is there, the folder is missing, or we may not do it.
    pub fn ensure(&self, effects: &Effects) -> Result<Change, PathError> {
        let path = &self.path;
        let before = match look(path)? {
            None => String::new(),
            Some(entry) if entry.kind == Kind::Symlink => {
                let target = self.read()?;
                if target == self.target {
                    return Ok(Change::Unchanged);
                }
                shown(&target)
            }
            Some(entry) => return Err(entry.is_not(Kind::Symlink, ACTION, path)),
        };
        let plan = Plan {
            path,
            what: format!("link {} to {}", path.display(), self.target.display()),
            diff: unified(path, &before, &shown(&self.target)),
        };
        plan.carry_out(effects, || self.place(), || Ok(self.read()? == self.target))
    }

    fn read(&self) -> Result<PathBuf, PathError> {
        fs::read_link(&self.path).map_err(|e| PathError::new("read the link", &self.path, e))
    }

    /// Made under another name and renamed over the old one, so that the name is never missing.
    fn place(&self) -> Result<(), PathError> {
        let fail = |e| PathError::new(ACTION, &self.path, e).advice_for_writing();
        // A rename would also replace a file; one that came since we looked must stay.
        if let Some(entry) = look(&self.path)?.filter(|e| e.kind != Kind::Symlink) {
            return Err(entry.is_not(Kind::Symlink, ACTION, &self.path));
        }
        let temp = tempfile::Builder::new()
            .prefix(".link.")
            .suffix(".tmp")
            .make_in(parent(&self.path), |name| std::os::unix::fs::symlink(&self.target, name))
            .map_err(fail)?;
        temp.persist(&self.path).map(drop).map_err(|e| fail(e.error))
    }
}

fn shown(target: &Path) -> String {
    format!("link to {}\n", target.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path_error::PathErrorKind;

    #[test]
    fn a_link_is_made_moved_and_then_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("current");
        let first = Symlink::new(&path, "v1").ensure(&Effects::real()).unwrap();
        assert!(first.diff().unwrap().ends_with("+link to v1\n"), "{first}");
        let second = Symlink::new(&path, "v2");
        assert!(matches!(second.ensure(&Effects::dry_run()).unwrap(), Change::WouldChange { .. }));
        let change = second.ensure(&Effects::real()).unwrap();
        assert!(change.diff().unwrap().ends_with("-link to v1\n+link to v2\n"), "{change}");
        assert_eq!(second.ensure(&Effects::real()).unwrap(), Change::Unchanged);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary link is left");
    }

    #[test]
    fn files_and_folders_are_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "precious").unwrap();
        fs::create_dir(at("folder")).unwrap();
        let fail = |name| Symlink::new(at(name), "x").ensure(&Effects::real()).unwrap_err().kind();
        assert_eq!(fail("file"), PathErrorKind::AlreadyExists);
        assert_eq!(fail("folder"), PathErrorKind::IsADirectory);
        assert_eq!(fail("no/link"), PathErrorKind::NotFound);
        assert_eq!(Symlink::new(at("file"), "x").place().unwrap_err().kind(), PathErrorKind::AlreadyExists);
    }
}
