//! What a run did: actions, warnings and errors with their times, as text and as JSON.
//!
//! ```
//! use std::sync::Arc;
//! use sre_core::clock::FixedClock;
//! use sre_core::report::RunReport;
//!
//! let clock = FixedClock::at("2026-03-23T07:00:00Z".parse().unwrap());
//! let mut report = RunReport::start("cleanup", Arc::new(clock));
//! report.action("removed 3 images");
//! report.warning("registry answered slowly");
//! let done = report.finish();
//! assert_eq!((done.counts().actions, done.counts().errors), (1, 0));
//! assert!(done.to_text().starts_with("cleanup: 1 action, 1 warning, 0 errors in 0ms\n"));
//! assert!(done.to_json().contains(r#""text": "removed 3 images""#));
//! ```

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::atomic::AtomicFile;
use crate::clock::SharedClock;
use crate::duration;
use crate::effects::{Effects, Fate};
use crate::output::Format;
use crate::path_error::{PathError, PathErrorKind};
use crate::redact;

/// How many entries are kept; later ones are only counted.
pub const MAX_ENTRIES: usize = 10_000;

/// A run that goes on. Entries get their time from the clock.
#[derive(Debug)]
pub struct RunReport {
    clock: SharedClock,
    begun: Instant,
    done: FinishedReport,
}

/// A run that is over. Its JSON form has `name`, `started`, `elapsed_seconds`, `counts`, `entries` and `dropped`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FinishedReport {
    /// What ran.
    pub name: String,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    #[serde(rename = "elapsed_seconds", with = "seconds")]
    pub elapsed: Duration,
    counts: Counts,
    /// What happened, oldest first.
    pub entries: Vec<Entry>,
    /// How many entries came after the first [`MAX_ENTRIES`]; they are counted and not kept.
    pub dropped: u64,
}

/// How many entries of each kind there were, those that were not kept included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// What was done, or would have been in a dry run.
    pub actions: u64,
    /// What somebody should look at.
    pub warnings: u64,
    /// What failed.
    pub errors: u64,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Of which kind it is.
    pub kind: EntryKind,
    /// What; redacted.
    pub text: String,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EntryKind {
    /// Something was done, or would have been.
    Action,
    /// Somebody should look at it.
    Warning,
    /// Something failed.
    Error,
}

// === impl RunReport ===

impl RunReport {
    /// Starts now.
    #[must_use]
    pub fn start(name: impl Into<String>, clock: SharedClock) -> Self {
        let done = FinishedReport {
            name: name.into(),
            started: clock.now(),
            elapsed: Duration::ZERO,
            counts: Counts::default(),
            entries: Vec::new(),
            dropped: 0,
        };
        Self { begun: clock.instant(), clock, done }
    }

    /// Something was done.
    pub fn action(&mut self, text: impl AsRef<str>) {
        self.add(EntryKind::Action, text.as_ref());
    }

    /// Somebody should look at this.
    pub fn warning(&mut self, text: impl AsRef<str>) {
        self.add(EntryKind::Warning, text.as_ref());
    }

    /// Something failed.
    pub fn error(&mut self, text: impl AsRef<str>) {
        self.add(EntryKind::Error, text.as_ref());
    }

    /// Adds everything that went through `effects`: what was done or would be as actions, what failed as errors, what
    /// was interrupted as warnings.
    pub fn effects(&mut self, effects: &Effects) {
        for record in effects.records() {
            let kind = match record.fate {
                Fate::Failed(_) => EntryKind::Error,
                Fate::Interrupted => EntryKind::Warning,
                Fate::Done | Fate::Would => EntryKind::Action,
            };
            self.add(kind, &record.to_string());
        }
        match effects.dropped() {
            0 => {}
            n => self.warning(format!("{n} more changes are not listed")),
        }
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.done.counts
    }

    /// Ends now.
    #[must_use]
    pub fn finish(mut self) -> FinishedReport {
        self.done.elapsed = self.clock.instant() - self.begun;
        self.done
    }

    fn add(&mut self, kind: EntryKind, text: &str) {
        let counts = &mut self.done.counts;
        *match kind {
            EntryKind::Action => &mut counts.actions,
            EntryKind::Warning => &mut counts.warnings,
            EntryKind::Error => &mut counts.errors,
        } += 1;
        match self.done.entries.len() < MAX_ENTRIES {
            true => {
                let text = redact::text(text).into_owned();
                self.done.entries.push(Entry { at: self.clock.now(), kind, text });
            }
            false => self.done.dropped += 1,
        }
    }
}

// === impl FinishedReport ===

impl FinishedReport {
    /// How many entries of each kind there were.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// A summary line and a line an entry. Lines after the first of a multi-line entry are indented.
    #[must_use]
    pub fn to_text(&self) -> String {
        let plural = |n: u64, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let mut text = format!(
            "{}: {}, {}, {} in {}\n",
            self.name,
            plural(self.counts.actions, "action"),
            plural(self.counts.warnings, "warning"),
            plural(self.counts.errors, "error"),
            duration::format(self.elapsed),
        );
        for entry in &self.entries {
            let body = entry.text.trim_end().replace('\n', "\n    ");
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}  {:7}  {body}", entry.at, entry.kind.as_str());
        }
        if self.dropped > 0 {
            let _ = writeln!(text, "and {} more", self.dropped);
        }
        text
    }

    /// One JSON object, indented.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and times only: there is nothing here that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Writes the report to a file in one step ([`atomic`](crate::atomic)).
    ///
    /// # Errors
    /// When the file cannot be written, or `format` is neither [`Format::Text`] nor [`Format::Json`].
    pub fn write(&self, path: impl AsRef<Path>, format: Format) -> Result<(), PathError> {
        let path = path.as_ref();
        let content = match format {
            Format::Text => self.to_text(),
            Format::Json => self.to_json() + "\n",
            _ => {
                return Err(PathError::refused(PathErrorKind::InvalidInput, "write", path)
                    .advice("a run report is written as text or json"));
            }
        };
        AtomicFile::new(path).write(content.as_bytes())
    }
}

impl EntryKind {
    /// The lower-case word used in text and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(d: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f64(d.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedClock;
    use std::sync::Arc;

    fn started() -> RunReport {
        RunReport::start("setup", Arc::new(FixedClock::at("2026-03-23T07:00:00Z".parse().unwrap())))
    }

    #[tokio::test(start_paused = true)]
    async fn text_and_json_say_the_same() {
        let mut report = started();
        let dry = Effects::dry_run();
        let _ = dry.apply("create /opt/app", || Ok::<_, String>(()));
        report.effects(&dry);
        let real = Effects::real();
        let _ = real.apply("restart app", || Err::<(), _>("exit 1\nsee the journal"));
        report.effects(&real);
        report.warning("https://bob:pw@x.example is slow");
        tokio::time::advance(Duration::from_millis(1400)).await;
        let done = report.finish();
        insta::assert_snapshot!(done.to_text(), @r"
        setup: 1 action, 1 warning, 1 error in 1.4s
        2026-03-23T07:00:00Z  action   would create /opt/app
        2026-03-23T07:00:00Z  error    restart app: failed: exit 1
            see the journal
        2026-03-23T07:00:00Z  warning  https://***@x.example is slow
        ");
        assert_eq!(serde_json::from_str::<FinishedReport>(&done.to_json()).unwrap(), done);
    }

    #[tokio::test]
    async fn it_is_written_in_one_step_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let mut report = started();
        for i in 0..MAX_ENTRIES + 2 {
            report.action(format!("step {i}"));
        }
        assert_eq!(report.counts().actions, MAX_ENTRIES as u64 + 2);
        let done = report.finish();
        assert_eq!((done.entries.len(), done.dropped), (MAX_ENTRIES, 2));
        done.write(dir.path().join("r.txt"), Format::Text).unwrap();
        assert!(std::fs::read_to_string(dir.path().join("r.txt")).unwrap().ends_with("and 2 more\n"));
        let e = done.write(dir.path().join("r.html"), Format::Html).unwrap_err();
        assert!(e.to_string().contains("text or json"), "{e}");
    }
}
