//! The log of runs as a file: one JSON object a line, which the next start reads back.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Deserialize;

use super::record::{PastRun, PastStage, RunLog, RunRecord};
use crate::host::HostName;

/// A longer line is none of ours.
const LONGEST: u64 = 4 << 20;

/// A log of runs in a file; each record is on the disk before the call returns.
///
/// ```
/// use sre_alerts::remediation::{RunFile, RunLog};
/// let folder = tempfile::tempdir()?;
/// let log = RunFile::open(folder.path().join("runs.jsonl"))?;
/// let mut runs = Vec::new();
/// log.past(&mut |run| runs.push(run))?;
/// assert!(runs.is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct RunFile {
    path: PathBuf,
    file: Mutex<File>,
}

/// What is read of a line.
#[derive(Deserialize)]
struct Line {
    at: Timestamp,
    rule: String,
    host: HostName,
    stage: String,
    result: Option<String>,
}

// === impl RunFile ===

impl RunFile {
    /// Opens it for appending, and makes it where it is missing.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(&path)?;
        // A line that a crash or a full disk cut off spoils only itself.
        let cut_off = file.seek(SeekFrom::End(-1)).is_ok() && {
            let mut last = [0];
            file.read_exact(&mut last)?;
            last != *b"\n"
        };
        if cut_off {
            file.write_all(b"\n")?;
        }
        Ok(Self { path, file: Mutex::new(file) })
    }
}

impl RunLog for RunFile {
    fn record(&self, record: &RunRecord) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line)?;
        file.sync_data()
    }

    fn past(&self, tell: &mut dyn FnMut(PastRun)) -> io::Result<()> {
        let mut lines = BufReader::new(File::open(&self.path)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            if lines.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            match read(&line) {
                Ok(run) => tell(run),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(error) => tracing::warn!(path = %show(&self.path), %error, "a line of the log of runs is left out"),
            }
        }
    }
}

fn read(line: &[u8]) -> Result<PastRun, serde_json::Error> {
    let Line { at, rule, host, stage, result } = serde_json::from_slice(line)?;
    let stage = match stage.as_str() {
        "dry_run" => PastStage::DryRun,
        "begun" => PastStage::Begun,
        _ => PastStage::Ended { helped: result.as_deref() == Some("fixed") },
    };
    Ok(PastRun { at, rule, host, stage })
}

fn show(path: &Path) -> std::path::Display<'_> {
    path.display()
}

impl fmt::Debug for RunFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunFile").field("path", &self.path).finish_non_exhaustive()
    }
}
