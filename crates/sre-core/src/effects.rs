//! The one handle through which every change goes: it acts, or says what it would do.
//!
//! A function that changes something takes `&Effects` and wraps the last step in [`Effects::apply`]. A dry run then
//! takes the same path up to that step, and what it lists is what a real run would do.
//!
//! ```
//! use sre_core::effects::{Applied, Effects};
//! let dir = tempfile::tempdir().unwrap();
//! let app = dir.path().join("app");
//!
//! let dry = Effects::dry_run();
//! let done = dry.apply("create /opt/app", || std::fs::create_dir(&app)).unwrap();
//! assert_eq!(done, Applied::Would);
//! assert_eq!(dry.records()[0].to_string(), "would create /opt/app");
//! assert!(!app.exists());
//!
//! let real = Effects::real();
//! assert_eq!(real.apply("create /opt/app", || std::fs::create_dir(&app)).unwrap(), Applied::Done(()));
//! assert_eq!(real.records()[0].to_string(), "create /opt/app: done");
//! assert!(app.exists());
//! ```

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::redact;

/// How many effects are kept; later ones are only counted. A daemon that changes things for months must not grow.
pub const MAX_RECORDS: usize = 10_000;

/// Acts, or records what it would do. Clones share one record.
#[derive(Debug, Clone)]
pub struct Effects {
    dry: bool,
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    records: Vec<Record>,
    dropped: u64,
}

/// What [`Effects::apply`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a dry run has no value: decide what follows then"]
pub enum Applied<T> {
    /// It was done, and this came of it.
    Done(T),
    /// It was a dry run.
    Would,
}

/// One change: what, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// Verb and object: `create /opt/app`. Redacted.
    pub what: String,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Fate {
    /// It was done.
    Done,
    /// A dry run would have done it.
    Would,
    /// It was tried and failed, for this reason.
    Failed(String),
    /// It was begun and never ended: the task was dropped or panicked. It may have had an effect.
    Interrupted,
}

// === impl Effects ===

impl Effects {
    /// Acts.
    #[must_use]
    pub fn real() -> Self {
        Self { dry: false, log: Arc::default() }
    }

    /// Only records.
    #[must_use]
    pub fn dry_run() -> Self {
        Self { dry: true, log: Arc::default() }
    }

    /// [`dry_run`](Self::dry_run) when `dry`, else [`real`](Self::real): for the value of a `--dry-run` flag.
    #[must_use]
    pub fn new(dry: bool) -> Self {
        if dry { Self::dry_run() } else { Self::real() }
    }

    /// Whether nothing is really done.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry
    }

    /// Does `act`, or records that it would. `what` is a verb and its object, as in `create /opt/app`.
    ///
    /// # Errors
    /// Those of `act`; they are recorded too.
    pub fn apply<T, E: fmt::Display>(
        &self,
        what: impl AsRef<str>,
        act: impl FnOnce() -> Result<T, E>,
    ) -> Result<Applied<T>, E> {
        let Some(running) = self.begin(what.as_ref()) else { return Ok(Applied::Would) };
        running.end(act())
    }

    /// [`apply`](Self::apply) for what takes a while.
    ///
    /// # Errors
    /// Those of `act`; they are recorded too.
    ///
    /// # Cancel safety
    /// When the future is dropped, the effect is recorded as [`Fate::Interrupted`].
    pub async fn apply_async<T, E: fmt::Display>(
        &self,
        what: impl AsRef<str>,
        act: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Applied<T>, E> {
        let Some(running) = self.begin(what.as_ref()) else { return Ok(Applied::Would) };
        let result = act().await;
        running.end(result)
    }

    /// What was done, or would be, in order of completion.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.log().records.clone()
    }

    /// How many effects came after the first [`MAX_RECORDS`] and were not kept.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.log().dropped
    }

    fn begin(&self, what: &str) -> Option<Running<'_>> {
        let what = redact::text(what).into_owned();
        if self.dry {
            tracing::debug!(effect = what, "would");
            self.keep(Record { what, fate: Fate::Would });
            return None;
        }
        Some(Running { effects: self, what })
    }

    fn keep(&self, record: Record) {
        let mut log = self.log();
        match log.records.len() < MAX_RECORDS {
            true => log.records.push(record),
            false => log.dropped += 1,
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // The log is whole after every statement, so a panic elsewhere does not spoil it.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Applied<T> {
    /// The value, when it was really done.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(value) => Some(value),
            Self::Would => None,
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fate {
            Fate::Done => write!(f, "{}: done", self.what),
            Fate::Would => write!(f, "would {}", self.what),
            Fate::Failed(why) => write!(f, "{}: failed: {why}", self.what),
            Fate::Interrupted => write!(f, "{}: interrupted, it may have happened", self.what),
        }
    }
}

/// An effect between its begin and its end; dropped in between, it records an interruption.
struct Running<'a> {
    effects: &'a Effects,
    what: String,
}

impl Running<'_> {
    fn end<T, E: fmt::Display>(mut self, result: Result<T, E>) -> Result<Applied<T>, E> {
        let fate = match &result {
            Ok(_) => Fate::Done,
            Err(e) => Fate::Failed(redact::text(&e.to_string()).into_owned()),
        };
        let what = std::mem::take(&mut self.what);
        tracing::debug!(effect = what, fate = ?fate, "applied");
        self.effects.keep(Record { what, fate });
        result.map(Applied::Done)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.what.is_empty() {
            let what = std::mem::take(&mut self.what);
            self.effects.keep(Record { what, fate: Fate::Interrupted });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_dropped_effect_is_on_record() {
        let effects = Effects::real();
        let shared = effects.clone();
        let slow = tokio::spawn(async move {
            let _ = shared
                .apply_async("restart nginx", async || {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    Ok::<_, String>(())
                })
                .await;
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        slow.abort();
        assert!(slow.await.is_err());
        assert_eq!(effects.records()[0].fate, Fate::Interrupted);
    }

    #[tokio::test]
    async fn dry_and_real_name_the_same_things() {
        let mut seen = Vec::new();
        for effects in [Effects::dry_run(), Effects::real()] {
            let n = effects.apply("count to 3", || Ok::<_, String>(3)).unwrap().done();
            let _ =
                effects.apply_async("post https://bob:pw@x.example/", async || Err::<(), _>("https://a:b@c/")).await;
            seen.push((n, effects.records().into_iter().map(|r| r.what).collect::<Vec<_>>()));
            for record in effects.records() {
                assert!(!record.to_string().contains("bob") && !record.to_string().contains("a:b"), "{record}");
            }
        }
        assert_eq!((seen[0].0, seen[1].0), (None, Some(3)));
        assert_eq!(seen[0].1, seen[1].1);
    }

    #[test]
    fn the_record_is_bounded() {
        let effects = Effects::dry_run();
        for _ in 0..MAX_RECORDS + 7 {
            let _ = effects.apply("x", || Ok::<_, String>(()));
        }
        assert_eq!((effects.records().len(), effects.dropped()), (MAX_RECORDS, 7));
    }
}
