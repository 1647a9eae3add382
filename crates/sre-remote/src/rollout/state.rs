//! A rollout's state: where each host is, and what was decided so far.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::{Error, ErrorKind};
use crate::host::Host;

/// Where a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HostState {
    /// Its turn has not come.
    Pending,
    /// Its steps run.
    Preparing,
    /// All steps succeeded; the gate has not spoken.
    Deployed,
    /// The gate found it healthy.
    Healthy,
    /// It could not be reached, a step failed, or the gate found it unhealthy.
    Failed,
    /// It is as before.
    RolledBack,
    /// The rollout was aborted before its turn came.
    Skipped,
}

/// Where the rollback of a host is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Undo {
    /// Not begun.
    #[default]
    No,
    /// Its rollback steps run.
    Running,
    /// They failed.
    Failed,
}

/// One host's share of a rollout.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Progress {
    /// Which host.
    pub host: Host,
    /// The batch it is in, counted from 1.
    pub batch: usize,
    /// Where it is.
    pub state: HostState,
    /// Whether something may have been changed on it, by this run or one that this one resumes.
    pub touched: bool,
    /// Where its rollback is.
    pub undo: Undo,
    /// Why it failed, or what the gate measured; may be empty.
    pub note: String,
    /// How long its steps took.
    pub took: Option<Duration>,
    /// Whether it was the gate that failed it: its steps had succeeded then.
    pub(super) gated: bool,
}

/// What a rollout goes by. Default: no delay, no failure allowed, no rollback, no pause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Time between a batch and its gate.
    pub delay: Duration,
    /// How many hosts of the whole fleet may fail.
    pub allowed_failures: usize,
    /// Whether an abort rolls back every host that was changed.
    pub rollback: bool,
    /// Stop after so many more batches.
    pub pause_after: Option<usize>,
    /// Whether there is a gate: without one, nothing is waited for after the last batch.
    pub gated: bool,
}

/// A rollout, as a pure state machine: it decides and remembers, and does nothing.
///
/// A batch is deployed, then the delay passes, then the gate looks at each of its deployed hosts; then the next batch
/// begins. As soon as more hosts have failed than are allowed, nothing more is started; what runs comes to its end, and
/// with [`Settings::rollback`] every host that may have been changed is undone, last batch first, last host first.
///
/// All transitions go through [`record`](Self::record), so a journal of the events gives back the same state
/// ([`Driver::resume`](super::Driver::resume)). What a killed run left half done is unknown: a host whose steps ran
/// counts as changed, and its steps run again from the first one; so does a rollback.
#[derive(Debug, Clone)]
pub struct Rollout {
    pub(super) hosts: Vec<Progress>,
    pub(super) batches: Vec<Range<usize>>,
    pub(super) settings: Settings,
    /// By batch: its delay is over.
    pub(super) waited: Vec<bool>,
    pub(super) aborted: Option<String>,
    pub(super) finished: bool,
    pub(super) pause_at: Option<usize>,
    /// Batches, from the first on, that are settled.
    done: usize,
    index: HashMap<Arc<str>, usize>,
    failures: usize,
}

// === impl HostState ===

impl HostState {
    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Preparing => "preparing",
            Self::Deployed => "deployed",
            Self::Healthy => "healthy",
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for HostState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// === impl Settings ===

impl Settings {
    /// Time between a batch and its gate.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How many hosts of the whole fleet may fail.
    #[must_use]
    pub fn with_allowed_failures(mut self, hosts: usize) -> Self {
        self.allowed_failures = hosts;
        self
    }

    /// Whether an abort rolls back every host that was changed.
    #[must_use]
    pub fn with_rollback(mut self, rollback: bool) -> Self {
        self.rollback = rollback;
        self
    }

    /// Stop after so many more batches.
    #[must_use]
    pub fn with_pause_after(mut self, batches: Option<usize>) -> Self {
        self.pause_after = batches;
        self
    }

    /// Whether there is a gate.
    #[must_use]
    pub fn with_gate(mut self, gated: bool) -> Self {
        self.gated = gated;
        self
    }
}

// === impl Rollout ===

impl Rollout {
    /// A rollout to these hosts, in this order, in batches of these sizes ([`Batches::of`](super::Batches::of)).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when there is no host, when one is named twice, or when the sizes do not add up.
    pub fn new(hosts: Vec<Host>, sizes: &[usize], settings: Settings) -> Result<Self, Error> {
        if hosts.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "there is no host to deploy to"));
        }
        if sizes.iter().sum::<usize>() != hosts.len() || sizes.contains(&0) {
            let text = format!("batches of {sizes:?} do not make {} hosts", hosts.len());
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let mut batches = Vec::with_capacity(sizes.len());
        for size in sizes {
            let start = batches.last().map_or(0, |last: &Range<usize>| last.end);
            batches.push(start..start + size);
        }
        let mut index = HashMap::with_capacity(hosts.len());
        for (i, host) in hosts.iter().enumerate() {
            if index.insert(Arc::from(host.name()), i).is_some() {
                return Err(Error::new(ErrorKind::Invalid, format!("{host} is named twice")));
            }
        }
        let numbers = batches.iter().enumerate().flat_map(|(number, range)| range.clone().map(move |_| number + 1));
        let hosts = hosts.into_iter().zip(numbers).map(|(host, batch)| Progress::new(host, batch)).collect();
        let waited = vec![false; batches.len()];
        let pause_at = settings.pause_after;
        Ok(Self {
            hosts,
            batches,
            settings,
            waited,
            aborted: None,
            finished: false,
            pause_at,
            done: 0,
            index,
            failures: 0,
        })
    }

    /// Every host, in order.
    #[must_use]
    pub fn hosts(&self) -> &[Progress] {
        &self.hosts
    }

    /// The batches, as ranges of [`hosts`](Self::hosts).
    #[must_use]
    pub fn batches(&self) -> &[Range<usize>] {
        &self.batches
    }

    /// One host, by name.
    #[must_use]
    pub fn host(&self, name: &str) -> Option<&Progress> {
        self.index.get(name).map(|i| &self.hosts[*i])
    }

    /// How many hosts are in `state`.
    #[must_use]
    pub fn count(&self, state: HostState) -> usize {
        self.hosts.iter().filter(|host| host.state == state).count()
    }

    /// How many hosts have failed, rolled back since or not.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.failures
    }

    /// Why it was aborted, if it was.
    #[must_use]
    pub fn aborted(&self) -> Option<&str> {
        self.aborted.as_deref()
    }

    /// Whether an earlier run brought it to its end.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// What it goes by.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many batches, from the first on, are settled.
    #[must_use]
    pub fn batches_done(&self) -> usize {
        self.done
    }

    /// Counts them anew, from the first that may not be settled: a fleet of many thousand hosts is not looked through
    /// at every step.
    pub(super) fn count_done(&mut self, from: usize) {
        let settled = |batch: &Range<usize>| self.hosts[batch.clone()].iter().all(Progress::is_settled);
        self.done = from + self.batches[from..].iter().take_while(|batch| settled(batch)).count();
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    pub(super) fn count_failure(&mut self) {
        self.failures += 1;
    }

    pub(super) fn forget_failures(&mut self) {
        self.failures = 0;
    }
}

// === impl Progress ===

impl Progress {
    fn new(host: Host, batch: usize) -> Self {
        let (state, undo) = (HostState::Pending, Undo::No);
        Self { host, batch, state, touched: false, undo, note: String::new(), took: None, gated: false }
    }

    /// Whether nothing more is to be done for its batch.
    fn is_settled(&self) -> bool {
        !matches!(self.state, HostState::Pending | HostState::Preparing | HostState::Deployed)
    }

    /// Whether a rollback has work here.
    pub(super) fn is_to_undo(&self) -> bool {
        self.touched && self.state != HostState::RolledBack
    }
}
