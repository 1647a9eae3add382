//! Mode, owner and group of what is there.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Group, User};
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid};

use super::change::{Change, Plan, unified};
use super::entry::{Entry, Kind, look};
use crate::effects::Effects;
use crate::path_error::{PathError, PathErrorKind};

/// Mode, owner and group of a file or folder that exists. What is not named is left alone.
///
/// ```
/// use sre_core::Effects;
/// use sre_core::ensure::{Attributes, Change};
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("key");
/// std::fs::write(&path, "").unwrap();
/// let private = Attributes::new(&path).mode(0o600);
/// assert!(private.ensure(&Effects::real()).unwrap().is_needed());
/// assert_eq!(private.ensure(&Effects::real()).unwrap(), Change::Unchanged);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Attributes {
    path: PathBuf,
    wanted: Wanted,
}

/// What is wanted, in the caller's words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) mode: Option<u32>,
    pub(crate) owner: Option<String>,
    pub(crate) group: Option<String>,
}

/// What is wanted, in numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Resolved {
    pub(crate) mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
}

// === impl Attributes ===

impl Attributes {
    /// Nothing is wanted yet.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), wanted: Wanted::default() }
    }

    /// The exact mode, as in `0o640`.
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
    /// When nothing is there, or a symbolic link; when the owner is not known here; when we may not change it.
    pub fn ensure(&self, effects: &Effects) -> Result<Change, PathError> {
        const ACTION: &str = "change";
        let path = &self.path;
        let wanted = self.wanted.resolve(path)?;
        let entry = look(path)?
            .ok_or_else(|| PathError::refused(PathErrorKind::NotFound, ACTION, path).advice("create it first"))?;
        if entry.kind == Kind::Symlink {
            return Err(entry.is_not(Kind::File, ACTION, path));
        }
        let Some(diff) = wanted.diff(path, Some(entry)) else { return Ok(Change::Unchanged) };
        let plan = Plan { path, what: format!("set {} of {}", wanted.words(), path.display()), diff };
        plan.carry_out(effects, || wanted.apply(path, entry.kind), || wanted.holds(path))
    }
}

// === impl Wanted ===

impl Wanted {
    pub(crate) fn resolve(&self, path: &Path) -> Result<Resolved, PathError> {
        let unknown = |what: &str, name: &str| {
            PathError::refused(PathErrorKind::UnknownOwner, "change the owner of", path)
                .advice(format!("there is no {what} `{name}` on this machine; create it first"))
        };
        if self.mode.is_some_and(|m| m > 0o7777) {
            return Err(PathError::refused(PathErrorKind::InvalidInput, "change the mode of", path)
                .advice("a mode is at most 7777 in octal"));
        }
        let uid = self.owner.as_deref().map(|name| uid(name).ok_or_else(|| unknown("user", name))).transpose()?;
        let gid = self.group.as_deref().map(|name| gid(name).ok_or_else(|| unknown("group", name))).transpose()?;
        Ok(Resolved { mode: self.mode, uid, gid })
    }
}

fn uid(name: &str) -> Option<u32> {
    name.parse().ok().or_else(|| User::from_name(name).ok().flatten().map(|u| u.uid.as_raw()))
}

fn gid(name: &str) -> Option<u32> {
    name.parse().ok().or_else(|| Group::from_name(name).ok().flatten().map(|g| g.gid.as_raw()))
}

// === impl Resolved ===

impl Resolved {
    /// `None` when nothing is wanted that is not there.
    pub(crate) fn diff(&self, path: &Path, entry: Option<Entry>) -> Option<String> {
        let before = entry.map(|e| self.lines(e.mode, e.uid, e.gid)).unwrap_or_default();
        let after = entry.map_or_else(
            || self.lines(self.mode.unwrap_or(0), self.uid.unwrap_or(0), self.gid.unwrap_or(0)),
            |e| self.lines(self.mode.unwrap_or(e.mode), self.uid.unwrap_or(e.uid), self.gid.unwrap_or(e.gid)),
        );
        (before != after).then(|| unified(path, &before, &after))
    }

    /// Only the lines of what is wanted.
    fn lines(&self, mode: u32, uid: u32, gid: u32) -> String {
        let mode = self.mode.map(|_| format!("mode {mode:04o}\n"));
        let uid = self.uid.map(|_| format!("owner {uid}\n"));
        let gid = self.gid.map(|_| format!("group {gid}\n"));
        [mode, uid, gid].into_iter().flatten().collect()
    }

    fn words(&self) -> String {
        self.lines(self.mode.unwrap_or(0), self.uid.unwrap_or(0), self.gid.unwrap_or(0)).trim_end().replace('\n', ", ")
    }

    pub(crate) fn holds(&self, path: &Path) -> Result<bool, PathError> {
        Ok(look(path)?.is_some_and(|entry| self.diff(path, Some(entry)).is_none()))
    }

    /// Works on an open path, so that what is changed is what was looked at, whatever takes its name meanwhile.
    pub(crate) fn apply(&self, path: &Path, kind: Kind) -> Result<(), PathError> {
        let fail = |e: std::io::Error| {
            PathError::new("change", path, e).advice("only the owner or root may do this; only root may give it away")
        };
        if self.mode.is_none() && self.uid.is_none() && self.gid.is_none() {
            return Ok(());
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| fail(e.into()))?;
        // chmod(2) has no form for an O_PATH descriptor; its name under /proc leads to the very same file.
        let handle = PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()));
        let meta = fs::metadata(&handle).map_err(fail)?;
        let same = match kind {
            Kind::Directory => meta.is_dir(),
            Kind::File => meta.is_file(),
            Kind::Symlink | Kind::Other => !meta.is_dir() && !meta.is_file() && !meta.is_symlink(),
        };
        if !same {
            return Err(PathError::refused(PathErrorKind::NotKept, "change", path)
                .advice("something else took its place meanwhile; try again"));
        }
        // Owner first: changing it clears the set-id bits of the mode.
        let (uid, gid) = (self.uid.filter(|u| *u != meta.uid()), self.gid.filter(|g| *g != meta.gid()));
        if uid.is_some() || gid.is_some() {
            let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
            rustix::fs::chownat(&fd, "", uid, gid, AtFlags::EMPTY_PATH).map_err(|e| fail(e.into()))?;
        }
        match self.mode {
            Some(mode) => fs::set_permissions(&handle, fs::Permissions::from_mode(mode)).map_err(fail),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_names_or_numbers() {
        assert_eq!((uid("root"), uid("0"), uid("4711")), (Some(0), Some(0), Some(4711)));
        assert_eq!((gid("root"), gid("no-such-group-here")), (Some(0), None));
        let e = Attributes::new("/").owner("no-such-user-here").ensure(&Effects::dry_run()).unwrap_err();
        assert_eq!(
            e.to_string(),
            "cannot change the owner of /: no such user or group; \
             there is no user `no-such-user-here` on this machine; create it first"
        );
    }

    #[test]
    fn the_diff_shows_only_what_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let change = Attributes::new(dir.path()).mode(0o2750).ensure(&Effects::dry_run()).unwrap();
        assert!(change.diff().unwrap().ends_with("@@ -1 +1 @@\n-mode 0755\n+mode 2750\n"), "{change}");
    }

    #[test]
    fn links_missing_paths_and_impossible_modes_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
        let fail = |path: &Path, mode| Attributes::new(path).mode(mode).ensure(&Effects::real()).unwrap_err().kind();
        assert_eq!(fail(&link, 0o600), PathErrorKind::Symlink);
        assert_eq!(fail(&dir.path().join("no"), 0o600), PathErrorKind::NotFound);
        assert_eq!(fail(dir.path(), 0o10000), PathErrorKind::InvalidInput);
        let raced = Resolved { mode: Some(0o600), ..Resolved::default() };
        assert_eq!(raced.apply(dir.path(), Kind::File).unwrap_err().kind(), PathErrorKind::NotKept);
    }
}
