//! The result as data: what `--output json` prints and `--output-file` holds.

use jiff::Timestamp;
use serde::Serialize;
use sre_remote::rollout::{End, HostState, Rollout, Undo};

use crate::settings::Settings;

/// A rollout as one run left it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The format of this document; 1.
    pub format: u32,
    /// What was deployed.
    pub version: String,
    /// `healthy`, `partial`, `aborted`, `rolled-back`, `rollback-failed`, `paused` or `interrupted`.
    pub outcome: &'static str,
    /// The exit code.
    pub exit_code: u8,
    /// The seed, when it was a simulation.
    pub simulated: Option<u64>,
    /// When this run began.
    pub started: Timestamp,
    /// How long this run took.
    pub elapsed_seconds: f64,
    /// The sizes of the batches.
    pub batches: Vec<usize>,
    /// How many hosts have failed.
    pub failures: usize,
    /// How many were allowed to.
    pub allowed_failures: usize,
    /// Why it was aborted.
    pub aborted: Option<String>,
    /// The journal.
    pub journal: String,
    /// How to go on, where there is something to go on with.
    pub resume: Option<String>,
    /// Every host, in order.
    pub hosts: Vec<HostReport>,
}

/// One host.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct HostReport {
    /// Its name.
    pub host: String,
    /// Its batch, counted from 1.
    pub batch: usize,
    /// Where it is.
    pub state: HostState,
    /// Whether something on it may have been changed and was not rolled back.
    pub changed: bool,
    /// Whether it could not be rolled back.
    pub rollback_failed: bool,
    /// Why it failed, or what the gate measured.
    pub note: String,
    /// How long its steps took.
    pub seconds: Option<f64>,
}

/// What a report says besides the rollout itself.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) end: End,
    pub(crate) code: u8,
    pub(crate) started: Timestamp,
    pub(crate) elapsed: std::time::Duration,
    pub(crate) journal: String,
    pub(crate) resume: Option<String>,
}

// === impl Report ===

impl Report {
    pub(crate) fn new(settings: &Settings, rollout: &Rollout, facts: Facts) -> Self {
        let hosts = rollout.hosts().iter().map(|host| HostReport {
            host: host.host.name().to_owned(),
            batch: host.batch,
            state: host.state,
            changed: host.touched,
            rollback_failed: host.undo == Undo::Failed,
            note: host.note.clone(),
            seconds: host.took.map(|took| took.as_secs_f64()),
        });
        Self {
            format: 1,
            version: settings.version.to_string(),
            outcome: word(facts.end),
            exit_code: facts.code,
            simulated: settings.header.seed,
            started: facts.started,
            elapsed_seconds: (facts.elapsed.as_secs_f64() * 1e3).round() / 1e3,
            batches: settings.sizes.clone(),
            failures: rollout.failures(),
            allowed_failures: rollout.settings().allowed_failures,
            aborted: rollout.aborted().map(str::to_owned),
            journal: facts.journal,
            resume: facts.resume,
            hosts: hosts.collect(),
        }
    }
}

fn word(end: End) -> &'static str {
    match end {
        End::Done(outcome) => outcome.as_str(),
        End::Paused => "paused",
        _ => "interrupted",
    }
}
