//! One run at a time: an advisory lock on a file, held by the kernel for as long as the process lives.
//!
//! The lock is `flock(2)` on the file, not the file itself: a file that a crash left behind is harmless, and the lock
//! is gone the moment its process is. The file holds who has it (`pid 1234 since 2026-03-23T07:00:00Z`) and is never
//! removed, because a process that waits has it open: removing it would let two in. Should somebody else remove it,
//! the lock notices and takes the new file.
//!
//! The path must not be a symbolic link, so that a lock in a folder that others may write to cannot be turned against
//! another file. Over NFS the lock works between hosts only where the server supports it (Linux 2.6.12 and later,
//! flock(2)).
//!
//! ```
//! use sre_core::SystemClock;
//! use sre_core::lock::{FileLock, LockErrorKind};
//! let dir = tempfile::tempdir().unwrap();
//! let path = dir.path().join("morning-check.lock");
//!
//! let held = FileLock::try_lock(&path, &SystemClock).unwrap();
//! let refused = FileLock::try_lock(&path, &SystemClock).unwrap_err();
//! assert_eq!(refused.kind(), LockErrorKind::Held);
//! assert_eq!(refused.holder().unwrap().pid(), std::process::id());
//! drop(held);
//! FileLock::try_lock(&path, &SystemClock).unwrap();
//! ```

use std::error::Error as StdError;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::clock::Clock;
use crate::duration;
use crate::error::{Classify, Delivery, ErrorClass, RetryHint};
use crate::path_error::{PathError, PathErrorKind};

/// Between two looks at a lock that is held. `flock(2)` can wait by itself, but then nothing could stop it.
const POLL: Duration = Duration::from_millis(100);

/// What is read of a lock file; a longer one is none of ours.
const MAX_NOTE: u64 = 256;

/// A lock that is held until this is dropped or the process ends.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    path: PathBuf,
}

/// Who holds a lock, as the holder wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pid: u32,
    since: Timestamp,
}

/// A lock that was not got.
#[derive(Debug)]
pub struct LockError {
    kind: LockErrorKind,
    path: PathBuf,
    holder: Option<Holder>,
    waited: Option<Duration>,
    source: Option<PathError>,
}

/// Why a lock was not got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LockErrorKind {
    /// Another process, or another part of this one, has it.
    Held,
    /// The file cannot be opened, created or locked; the source says why.
    Path,
}

// === impl FileLock ===

impl FileLock {
    /// Takes the lock now or not at all. The file is made with mode `0644` less the umask where it is missing.
    ///
    /// # Errors
    /// [`LockErrorKind::Held`] with the holder's pid and since when, or [`LockErrorKind::Path`].
    pub fn try_lock(path: impl AsRef<Path>, clock: &dyn Clock) -> Result<Self, LockError> {
        let path = path.as_ref();
        loop {
            let file = open(path).map_err(|e| LockError::path(path, e))?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(LockError::held(path, Holder::read(&file))),
                Err(Errno::INTR) => continue,
                Err(e) => return Err(LockError::path(path, PathError::new("lock", path, e))),
            }
            // Somebody may have removed or replaced the file between our open and our lock.
            if is_at(&file, path) {
                let lock = Self { file, path: path.to_owned() };
                lock.sign(clock.now())
                    .map_err(|e| LockError::path(path, PathError::new("write", path, e).advice_for_writing()))?;
                return Ok(lock);
            }
        }
    }

    /// Takes the lock as soon as it is free, and gives up after `max_wait`. Waiters are served in no order.
    ///
    /// # Errors
    /// As [`try_lock`](Self::try_lock); a [`LockErrorKind::Held`] then says how long was waited.
    ///
    /// # Cancel safety
    /// Dropping the future takes no lock.
    pub async fn lock_wait(path: impl AsRef<Path>, max_wait: Duration, clock: &dyn Clock) -> Result<Self, LockError> {
        let path = path.as_ref();
        let start = clock.instant();
        loop {
            match Self::try_lock(path, clock) {
                Err(e) if e.kind == LockErrorKind::Held => {
                    let waited = clock.instant() - start;
                    let left = max_wait.saturating_sub(waited);
                    if left.is_zero() {
                        return Err(LockError { waited: Some(waited), ..e });
                    }
                    clock.sleep(POLL.min(left)).await;
                }
                other => return other,
            }
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One write at offset 0 and then the cut: a reader never sees an empty file or half of a note.
    fn sign(&self, now: Timestamp) -> io::Result<()> {
        let note = format!("pid {} since {now}\n", std::process::id());
        self.file.write_all_at(note.as_bytes(), 0)?;
        self.file.set_len(note.len() as u64)
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Unlocked by hand, because a child that is just being started may still share the descriptor. The note goes
        // first, so that the next holder is not taken for us; either may fail, and closing the file unlocks it then.
        let _ = self.file.set_len(0);
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

fn open(path: &Path) -> Result<File, PathError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::from_raw_mode(0o644)) {
        Ok(fd) => {
            let file = File::from(fd);
            match file.metadata() {
                Ok(meta) if meta.is_file() => Ok(file),
                Ok(_) => Err(PathError::refused(PathErrorKind::NotAFile, "lock", path).advice_for_writing()),
                Err(e) => Err(PathError::new("lock", path, e)),
            }
        }
        Err(e) => Err(PathError::new("lock", path, e).advice_for_writing()),
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

// === impl Holder ===

impl Holder {
    /// The process, as numbered in its own pid namespace.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// When it took the lock.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// `None` when the file says nothing, or names a process that is gone: then the lock has just changed hands.
    fn read(file: &File) -> Option<Self> {
        let mut note = String::new();
        file.take(MAX_NOTE).read_to_string(&mut note).ok()?;
        let holder = Self::parse(&note)?;
        let pid = Pid::from_raw(i32::try_from(holder.pid).ok()?)?;
        (test_kill_process(pid) != Err(Errno::SRCH)).then_some(holder)
    }

    fn parse(note: &str) -> Option<Self> {
        let (pid, since) = note.trim_end().strip_prefix("pid ")?.split_once(" since ")?;
        Some(Self { pid: pid.parse().ok()?, since: since.parse().ok()? })
    }
}

// === impl LockError ===

impl LockError {
    fn held(path: &Path, holder: Option<Holder>) -> Self {
        Self { kind: LockErrorKind::Held, path: path.to_owned(), holder, waited: None, source: None }
    }

    fn path(path: &Path, source: PathError) -> Self {
        Self { kind: LockErrorKind::Path, path: path.to_owned(), holder: None, waited: None, source: Some(source) }
    }

    /// Why.
    #[must_use]
    pub fn kind(&self) -> LockErrorKind {
        self.kind
    }

    /// Who holds it, where that is known.
    #[must_use]
    pub fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref()
    }

    /// How long was waited for it, if at all.
    #[must_use]
    pub fn waited(&self) -> Option<Duration> {
        self.waited
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            return write!(f, "{source}");
        }
        write!(f, "the lock {} is held by ", self.path.display())?;
        match &self.holder {
            Some(h) => write!(f, "pid {} since {}", h.pid, h.since)?,
            None => f.write_str("another process")?,
        }
        match self.waited {
            Some(waited) => write!(f, " (waited {})", duration::format(waited)),
            None => Ok(()),
        }
    }
}

impl StdError for LockError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // Display says all that the path error says; what is beneath it is still to be said.
        self.source.as_ref().and_then(StdError::source)
    }
}

impl Classify for LockError {
    fn class(&self) -> ErrorClass {
        self.source.as_ref().map_or(ErrorClass::Application, Classify::class)
    }

    fn delivery(&self) -> Delivery {
        Delivery::NotSent
    }

    fn retry_hint(&self) -> RetryHint {
        match self.kind {
            LockErrorKind::Held => RetryHint::Backoff,
            LockErrorKind::Path => RetryHint::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{FixedClock, SystemClock};

    #[test]
    fn a_stale_file_is_harmless_and_stays_where_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        std::fs::write(&path, "pid 999999999 since 2001-01-01T00:00:00Z and much more than our own note\n").unwrap();
        let clock = FixedClock::at("2026-03-23T07:00:00Z".parse().unwrap());
        let lock = FileLock::try_lock(&path, &clock).unwrap();
        let note = std::fs::read_to_string(lock.path()).unwrap();
        assert_eq!(note, format!("pid {} since 2026-03-23T07:00:00Z\n", std::process::id()));
        let e = FileLock::try_lock(&path, &clock).unwrap_err();
        assert!(e.to_string().ends_with(&format!("is held by {}", note.trim_end())), "{e}");
        drop(lock);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
    }

    #[test]
    fn a_removed_file_is_noticed_by_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        let first = FileLock::try_lock(&path, &SystemClock).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!is_at(&first.file, &path));
        let second = FileLock::try_lock(&path, &SystemClock).unwrap();
        assert!(is_at(&second.file, &path));
    }

    #[test]
    fn links_folders_and_missing_folders_are_errors_that_name_the_path() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("target", dir.path().join("link")).unwrap();
        for (name, said) in [("link", "symbolic link"), ("", "directory"), ("no/l", "mkdir -p")] {
            let e = FileLock::try_lock(dir.path().join(name), &SystemClock).unwrap_err();
            assert_eq!(e.kind(), LockErrorKind::Path);
            assert!(e.to_string().contains(said), "{e}");
        }
        assert!(!dir.path().join("target").exists());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_with_the_deadline_or_the_release() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        let held = FileLock::try_lock(&path, &SystemClock).unwrap();
        let e = FileLock::lock_wait(&path, Duration::from_secs(3), &SystemClock).await.unwrap_err();
        assert_eq!(e.waited().unwrap().as_secs(), 3);
        assert!(e.to_string().ends_with("(waited 3s)"), "{e}");
        let (got, ()) = tokio::join!(FileLock::lock_wait(&path, Duration::from_secs(3), &SystemClock), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(held);
        });
        got.unwrap();
    }

    proptest::proptest! {
        #[test]
        fn any_note_is_read_without_panic(note in ".*") {
            let _ = Holder::parse(&note);
        }
    }
}
