//! A file with this content.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};

use super::attributes::Wanted;
use super::change::{Change, Plan, unified};
use super::directory::attributes_of_new;
use super::entry::{Entry, Kind, look};
use crate::atomic::{AtomicFile, Symlinks};
use crate::effects::Effects;
use crate::path_error::{PathError, PathErrorKind};

const ACTION: &str = "write";

/// Larger files are told apart by size and hash; a diff of them is for nobody.
const MAX_DIFF: usize = 256 * 1024;

/// A larger file than this is not read at all unless the wanted content is as large.
const MAX_READ: usize = 16 * 1024 * 1024;

/// A file with exactly this content, and mode and owner where they are named.
///
/// ```
/// use sre_core::Effects;
/// use sre_core::ensure::FileContent;
/// let dir = tempfile::tempdir().unwrap();
/// let token = FileContent::new(dir.path().join("token"), "hunter2").secret(true);
/// let change = token.ensure(&Effects::real()).unwrap();
/// assert!(!change.to_string().contains("hunter2"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct FileContent {
    path: PathBuf,
    content: Vec<u8>,
    secret: bool,
    wanted: Wanted,
}

// === impl FileContent ===

impl FileContent {
    /// A new file gets `0666` less the umask, or `0600` when it is secret.
    pub fn new(path: impl AsRef<Path>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.as_ref().to_owned(), content: content.into(), secret: false, wanted: Wanted::default() }
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

    /// Whether the diff hides the content.
    pub fn secret(mut self, secret: bool) -> Self {
        self.secret = secret;
        self
    }

    /// Checks, acts, verifies.
    ///
    /// # Errors
    /// When something else is there (a link, a folder, a device), the folder is missing, the disk is full, or we may
    /// not do it. The old file is then untouched.
    pub fn ensure(&self, effects: &Effects) -> Result<Change, PathError> {
        let path = &self.path;
        let entry = look(path)?;
        if let Some(other) = entry.filter(|e| e.kind != Kind::File) {
            return Err(other.is_not(Kind::File, ACTION, path));
        }
        let mut wanted = self.wanted.resolve(path)?;
        if self.secret && entry.is_none() {
            wanted.mode = wanted.mode.or(Some(0o600));
        }
        let old = entry.map(|_| read(path, self.content.len())).transpose()?.flatten();
        let same = entry.is_some() && old.as_deref() == Some(&self.content[..]);
        let mut diff = if same { String::new() } else { self.content_diff(entry, old.as_deref()) };
        match entry {
            None => diff.push_str(&attributes_of_new(&wanted, path)),
            Some(_) => diff.push_str(&wanted.diff(path, entry).unwrap_or_default()),
        }
        if diff.is_empty() && same {
            return Ok(Change::Unchanged);
        }
        let verb = if entry.is_none() { "create" } else { ACTION };
        let plan = Plan { path, what: format!("{verb} {}", path.display()), diff };
        let act = || {
            if !same {
                let file = AtomicFile::new(path).symlinks(Symlinks::Refuse);
                wanted.mode.map_or(file.clone(), |mode| file.mode(mode)).write(&self.content)?;
            }
            wanted.apply(path, Kind::File)
        };
        let holds = || Ok(self.content_holds()? && wanted.holds(path)?);
        plan.carry_out(effects, act, holds)
    }

    fn content_holds(&self) -> Result<bool, PathError> {
        Ok(read(&self.path, self.content.len())?.as_deref() == Some(&self.content[..]))
    }

    fn content_diff(&self, entry: Option<Entry>, old: Option<&[u8]>) -> String {
        if self.secret {
            let before = if entry.is_some() { "(the old content, hidden)\n" } else { "" };
            return unified(&self.path, before, "(the new content, hidden)\n");
        }
        let text = |bytes: &[u8]| {
            let shown = bytes.len() <= MAX_DIFF && !bytes.contains(&0);
            String::from_utf8(bytes.to_vec()).ok().filter(|_| shown)
        };
        let new = text(&self.content);
        match (entry, old, new) {
            (None, _, Some(new)) if new.is_empty() => unified(&self.path, "", "(an empty file)\n"),
            (None, _, Some(new)) => unified(&self.path, "", &new),
            (Some(_), Some(old_bytes), Some(new)) => match text(old_bytes) {
                Some(old) => unified(&self.path, &old, &new),
                None => self.summary_diff(entry, old),
            },
            _ => self.summary_diff(entry, old),
        }
    }

    fn summary_diff(&self, entry: Option<Entry>, old: Option<&[u8]>) -> String {
        let before = match (entry, old) {
            (None, _) => String::new(),
            (Some(_), Some(old)) => summary(old),
            (Some(_), None) => "(a larger file)\n".to_owned(),
        };
        unified(&self.path, &before, &summary(&self.content))
    }
}

impl std::fmt::Debug for FileContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileContent")
            .field("path", &self.path)
            .field("secret", &self.secret)
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}

fn summary(bytes: &[u8]) -> String {
    let digest: String = Sha256::digest(bytes).iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("({} bytes, sha256 {digest}…)\n", bytes.len())
}

/// The content, or `None` for a file that is much larger than what is wanted. Opened without following a link and
/// without waiting for the writer of a pipe that took the file's place.
pub(super) fn read(path: &Path, wanted: usize) -> Result<Option<Vec<u8>>, PathError> {
    let fail = |e: io::Error| PathError::new("read", path, e).advice("its content must be known before it is changed");
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(|e| fail(e.into()))?);
    if !file.metadata().map_err(fail)?.is_file() {
        return Err(PathError::refused(PathErrorKind::NotAFile, "read", path));
    }
    let max = wanted.max(MAX_READ) as u64;
    let mut content = Vec::new();
    file.take(max + 1).read_to_end(&mut content).map_err(fail)?;
    Ok((content.len() as u64 <= max).then_some(content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    fn ensure(file: &FileContent) -> Change {
        let would = file.ensure(&Effects::dry_run()).unwrap();
        let change = file.ensure(&Effects::real()).unwrap();
        assert_eq!(would.diff(), change.diff(), "the dry run must say what then happens");
        assert_eq!(file.ensure(&Effects::real()).unwrap(), Change::Unchanged);
        change
    }

    #[test]
    fn content_and_mode_change_in_one_diff() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "one\ntwo\n").unwrap();
        let change = ensure(&FileContent::new(&path, "one\n2\n").mode(0o604));
        let diff = change.diff().unwrap();
        assert!(diff.contains("\n one\n-two\n+2\n") && diff.contains("+mode 0604\n"), "{diff}");
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o604);
        let change = ensure(&FileContent::new(&path, "one\n2\n").mode(0o600));
        assert!(!change.diff().unwrap().contains("one"), "only the mode differs");
    }

    #[test]
    fn a_secret_shows_nothing_and_is_born_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        for content in ["hunter2", "hunter3"] {
            let file = FileContent::new(&path, content).secret(true);
            let change = ensure(&file);
            assert!(!format!("{change} {change:?} {file:?}").contains("hunter"), "{change}");
        }
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn an_empty_new_file_and_binary_content_have_diffs_too() {
        let dir = tempfile::tempdir().unwrap();
        let empty = ensure(&FileContent::new(dir.path().join("empty"), ""));
        assert!(empty.diff().unwrap().contains("+(an empty file)\n"), "{empty}");
        let binary = ensure(&FileContent::new(dir.path().join("empty"), [0, 1, 2]));
        assert!(binary.diff().unwrap().contains("\n+(3 bytes, sha256 ae4b3280e56e2faf…)\n"), "{binary}");
        let text = ensure(&FileContent::new(dir.path().join("empty"), "text\n"));
        assert!(text.diff().unwrap().contains("\n-(3 bytes, sha256 "), "{text}");
    }

    #[test]
    fn links_folders_pipes_and_missing_folders_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::os::unix::fs::symlink("elsewhere", at("link")).unwrap();
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let fail = |path: PathBuf| FileContent::new(path, "x").ensure(&Effects::real()).unwrap_err().kind();
        assert_eq!(fail(at("link")), PathErrorKind::Symlink);
        assert_eq!(fail(at("pipe")), PathErrorKind::NotAFile);
        assert_eq!(fail(dir.path().to_owned()), PathErrorKind::IsADirectory);
        assert_eq!(fail(at("no/f")), PathErrorKind::NotFound);
        assert!(!at("elsewhere").exists());
    }

    proptest::proptest! {
        // Each case flushes to the disk twice.
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
        #[test]
        fn any_content_is_kept_to_the_byte(a: Vec<u8>, b: Vec<u8>) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("f");
            FileContent::new(&path, a).ensure(&Effects::real()).unwrap();
            FileContent::new(&path, b.clone()).ensure(&Effects::real()).unwrap();
            proptest::prop_assert_eq!(fs::read(&path).unwrap(), b);
        }
    }
}
