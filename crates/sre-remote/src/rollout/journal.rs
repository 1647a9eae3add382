//! The journal: what a killed run left, so that the next one can go on.
//!
//! A file of JSON lines, `<time>-<version>.jsonl`. The first line says what rollout it is of; each further line is one
//! [`Event`] with its time, on the disk (`fdatasync`) before anything else happens. A run that is killed while it
//! writes leaves at most one torn line at the end: it is cut off when the journal is opened again, because what it would
//! have told had not been acted upon. A file `….lock` beside it keeps two runs from sharing it.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sre_core::SharedClock;
use sre_core::lock::{FileLock, LockErrorKind};

use super::driver::Log;
use super::error::{Error, ErrorKind};
use super::event::Event;

/// What the first line calls itself.
const NAME: &str = "sre-rollout";
/// The format that is written, and the last one that is read.
const FORMAT: u32 = 1;
/// A journal of 100,000 hosts has some 100 MB; a larger file is none of ours.
const MAX_BYTES: u64 = 1 << 30;

/// Which rollout a journal is of. Runs may share a journal only when all of it is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Header {
    /// What is deployed.
    pub version: String,
    /// A hash of the plan.
    pub plan: String,
    /// The hosts, in order.
    pub hosts: Vec<String>,
    /// The sizes of the batches.
    pub batches: Vec<usize>,
    /// The seed of a simulated rollout; none for a real one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// A journal that is open for writing, and locked.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    clock: SharedClock,
    /// A write failed: what follows would be glued to half a line.
    broken: bool,
    _lock: FileLock,
}

/// What a journal tells of earlier runs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Past {
    /// Which rollout it is of.
    pub header: Header,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// When it was begun.
    pub since: Timestamp,
    /// Whether a torn last line was cut off.
    pub torn: bool,
}

#[derive(Serialize, Deserialize)]
struct FirstLine {
    journal: String,
    format: u32,
    at: Timestamp,
    #[serde(flatten)]
    header: Header,
}

#[derive(Serialize, Deserialize)]
struct Line {
    at: Timestamp,
    #[serde(flatten)]
    event: Event,
}

// === impl Header ===

impl Header {
    /// Of a real rollout; see the fields.
    #[must_use]
    pub fn new(version: impl Into<String>, plan: impl Into<String>, hosts: Vec<String>, batches: Vec<usize>) -> Self {
        Self { version: version.into(), plan: plan.into(), hosts, batches, seed: None }
    }

    /// Of a simulated one.
    #[must_use]
    pub fn with_seed(mut self, seed: Option<u64>) -> Self {
        self.seed = seed;
        self
    }

    /// What of `self`, as found in a journal, is not as wanted.
    fn difference(&self, wanted: &Self) -> Option<String> {
        if self.version != wanted.version {
            return Some(format!("it is of version {}, not {}", self.version, wanted.version));
        }
        if self.seed != wanted.seed {
            let kind =
                |seed: Option<u64>| seed.map_or("a real rollout".to_owned(), |s| format!("a simulation, seed {s}"));
            return Some(format!("it is of {}, this is {}", kind(self.seed), kind(wanted.seed)));
        }
        if self.plan != wanted.plan {
            return Some("the plan, or a file that it uploads, has been changed since".to_owned());
        }
        if self.hosts != wanted.hosts {
            let missing = |of: &Self, from: &Self| of.hosts.iter().find(|host| !from.hosts.contains(host)).cloned();
            return Some(match (missing(self, wanted), missing(wanted, self)) {
                (Some(host), _) => format!("it has the host {host}, which is not selected now"),
                (None, Some(host)) => format!("{host} is selected now and is not in it"),
                (None, None) => "its hosts are in another order".to_owned(),
            });
        }
        let differs = self.batches != wanted.batches;
        differs.then(|| format!("its batches are {:?}, now they would be {:?}", self.batches, wanted.batches))
    }
}

// === impl Journal ===

impl Journal {
    /// Begins a journal in `folder`, which is made if it is missing.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`], [`ErrorKind::Busy`].
    pub fn create(folder: &Path, header: &Header, clock: &SharedClock) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(|e| storage(folder, "cannot be made", e))?;
        let now = clock.now();
        let first = FirstLine { journal: NAME.to_owned(), format: FORMAT, at: now, header: header.clone() };
        let mut text = serde_json::to_vec(&first).map_err(|e| storage(folder, "header", e))?;
        text.push(b'\n');
        let stem = format!("{}-{}", now.strftime("%Y-%m-%dT%H-%M-%SZ"), file_part(&header.version));
        for number in 1..1000 {
            let name = if number == 1 { format!("{stem}.jsonl") } else { format!("{stem}.{number}.jsonl") };
            let path = folder.join(name);
            let lock = match lock(&path, clock) {
                Err(error) if error.kind() == ErrorKind::Busy => continue,
                other => other?,
            };
            if path.exists() {
                continue;
            }
            // The name appears with the whole header behind it or not at all.
            sre_core::atomic::write(&path, &text).map_err(|e| storage(&path, "cannot be written", e))?;
            let file = open(&path)?;
            return Self::at_end(file, path, clock, lock);
        }
        Err(Error::at(ErrorKind::Storage, folder, "too many journals of this second"))
    }

    /// Opens a journal to go on with it, and tells what happened so far.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] while another run has it, [`ErrorKind::NotAJournal`], [`ErrorKind::OtherRollout`] when it is
    /// of another rollout than `wanted` with what differs, [`ErrorKind::Corrupt`] with the line,
    /// [`ErrorKind::Storage`].
    pub fn resume(path: &Path, wanted: &Header, clock: &SharedClock) -> Result<(Self, Past), Error> {
        let lock = lock(path, clock)?;
        let mut file = open(path)?;
        let (past, good) = read(&mut file, path)?;
        if let Some(difference) = past.header.difference(wanted) {
            let text = format!("{difference}; it can only be resumed as it was begun");
            return Err(Error::at(ErrorKind::OtherRollout, path, text));
        }
        if past.torn {
            file.set_len(good).and_then(|()| file.sync_all()).map_err(|e| storage(path, "cannot be mended", e))?;
        }
        Ok((Self::at_end(file, path.to_owned(), clock, lock)?, past))
    }

    /// Reads a journal without taking it.
    ///
    /// # Errors
    /// [`ErrorKind::NotAJournal`], [`ErrorKind::Corrupt`], [`ErrorKind::Storage`].
    pub fn read(path: &Path) -> Result<Past, Error> {
        let mut file = File::open(path).map_err(|e| storage(path, "cannot be opened", e))?;
        read(&mut file, path).map(|(past, _)| past)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn at_end(mut file: File, path: PathBuf, clock: &SharedClock, lock: FileLock) -> Result<Self, Error> {
        file.seek(SeekFrom::End(0)).map_err(|e| storage(&path, "cannot be read", e))?;
        Ok(Self { file, path, clock: clock.clone(), broken: false, _lock: lock })
    }
}

impl Log for Journal {
    fn append(&mut self, event: &Event) -> Result<(), Error> {
        if self.broken {
            return Err(Error::at(ErrorKind::Storage, &self.path, "an earlier write failed"));
        }
        let line = Line { at: self.clock.now(), event: event.clone() };
        let mut text = serde_json::to_vec(&line).map_err(|e| storage(&self.path, "event", e))?;
        text.push(b'\n');
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        self.broken = written.is_err();
        written.map_err(|e| storage(&self.path, "cannot be written", e))
    }
}

/// The newest journal of `version` in `folder`.
///
/// # Errors
/// [`ErrorKind::NoJournal`] when there is none, with the versions that have one; [`ErrorKind::Storage`].
pub fn latest(folder: &Path, version: &str) -> Result<PathBuf, Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => Some(entries),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(storage(folder, "cannot be read", e)),
    };
    let mut newest: Option<((Timestamp, usize), PathBuf)> = None;
    let mut others = std::collections::BTreeSet::new();
    for entry in entries.into_iter().flatten() {
        let path = entry.map_err(|e| storage(folder, "cannot be read", e))?.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let Some(first) = first_line(&path) else { continue };
        if first.header.version != version {
            others.insert(first.header.version);
            continue;
        }
        // Of two of the same moment, the one with the longer name is the later: it found the other's name taken.
        let order = (first.at, path.as_os_str().len());
        if newest.as_ref().is_none_or(|(newest, _)| *newest <= order) {
            newest = Some((order, path));
        }
    }
    newest.map(|(_, path)| path).ok_or_else(|| {
        let others: Vec<String> = others.into_iter().take(5).collect();
        let hint = if others.is_empty() { String::new() } else { format!("; there are some of {}", others.join(", ")) };
        Error::at(ErrorKind::NoJournal, folder, format!("no rollout of {version} has been begun{hint}"))
    })
}

/// The header of a file, if it is a journal.
fn first_line(path: &Path) -> Option<FirstLine> {
    let mut line = Vec::new();
    let mut file = BufReader::new(File::open(path).ok()?.take(MAX_BYTES));
    file.read_until(b'\n', &mut line).ok()?;
    serde_json::from_slice::<FirstLine>(&line).ok().filter(|first| first.journal == NAME)
}

/// A version as part of a file name: what could be a folder or hide the file is replaced.
fn file_part(version: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._+-~".contains(c) { c } else { '_' };
    version.chars().take(100).map(safe).collect()
}

fn lock(path: &Path, clock: &SharedClock) -> Result<FileLock, Error> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    FileLock::try_lock(PathBuf::from(lock), &**clock).map_err(|e| match e.kind() {
        LockErrorKind::Held => {
            Error::at(ErrorKind::Busy, path, "another run is working on this rollout").with_source(e)
        }
        _ => storage(path, "cannot be locked", e),
    })
}

fn open(path: &Path) -> Result<File, Error> {
    OpenOptions::new().read(true).write(true).open(path).map_err(|e| storage(path, "cannot be opened", e))
}

fn storage(path: &Path, what: &str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::at(ErrorKind::Storage, path, format!("{what}: {source}")).with_source(source)
}

/// What is in the file, and how many bytes of it are whole lines.
fn read(file: &mut File, path: &Path) -> Result<(Past, u64), Error> {
    let mut text = Vec::new();
    let size = file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(|e| storage(path, "cannot be read", e))? as u64;
    if size > MAX_BYTES {
        return Err(Error::at(ErrorKind::NotAJournal, path, "larger than any journal"));
    }
    let good = text.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let torn = good < text.len();
    let mut lines = text[..good].split_inclusive(|b| *b == b'\n');
    let foreign = |why: &str| Error::at(ErrorKind::NotAJournal, path, why);
    let first = lines.next().ok_or_else(|| foreign("not a journal of a rollout: it has no whole line"))?;
    let kind: Kind = serde_json::from_slice(first).map_err(|_| foreign("not a journal of a rollout"))?;
    if kind.journal != NAME {
        return Err(foreign("not a journal of a rollout"));
    }
    if kind.format > FORMAT {
        let text = format!("written by a later version (format {}, this one knows {FORMAT})", kind.format);
        return Err(foreign(&text));
    }
    let corrupt = |line: usize, e: serde_json::Error| {
        Error::at(ErrorKind::Corrupt, path, format!("line {line} cannot be read: {e}")).with_source(e)
    };
    let first: FirstLine = serde_json::from_slice(first).map_err(|e| corrupt(1, e))?;
    let events = lines.enumerate().map(|(i, line)| match serde_json::from_slice::<Line>(line) {
        Ok(line) => Ok(line.event),
        Err(e) => Err(corrupt(i + 2, e)),
    });
    let events = events.collect::<Result<Vec<Event>, Error>>()?;
    Ok((Past { header: first.header, events, since: first.at, torn }, good as u64))
}

#[derive(Deserialize)]
struct Kind {
    journal: String,
    format: u32,
}
