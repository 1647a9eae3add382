//! Looks at the whole host at once.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use sre_core::{Finding, SharedClock, Target};
use tokio::time::{Instant, timeout_at};

use super::cpu::{self, CpuUse};
use super::disk::{Disk, Disks, Prober, UnknownDisk};
use super::load::{self, Load};
use super::memory::{self, Memory, Swap};
use super::note::{Missing, Note, Piece, keep};
use super::processes::{self, Zombies};
use super::procfs::Procfs;
use super::thresholds::LocalThresholds;
use super::units::{self, FailedUnit};
use super::{findings, mounts, uptime};

/// How the local host is looked at. Defaults: default thresholds, CPU interval 1 s, deadline 10 s, root `/`.
#[derive(Debug, Clone)]
#[must_use]
#[non_exhaustive]
pub struct LocalOptions {
    thresholds: LocalThresholds,
    cpu_interval: Duration,
    deadline: Duration,
    root: PathBuf,
    systemctl: Option<PathBuf>,
}

/// The host that we run on. Keep one for repeated surveys: it remembers which filesystems hang.
#[derive(Debug, Clone)]
pub struct LocalHost {
    options: LocalOptions,
    clock: SharedClock,
    procfs: Procfs,
    prober: Prober,
}

/// What was seen. A missing piece is `None` and has a [`Note`]; it serializes as the `local` object of reports.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LocalSurvey {
    /// The host's name, `localhost` where it is not known.
    pub host: Target,
    /// When the survey ended.
    pub taken_at: Timestamp,
    /// Time since boot.
    pub uptime_seconds: Option<f64>,
    /// Real filesystems that answered, by mount point; `None` when not even the list is known.
    pub disks: Option<Vec<Disk>>,
    /// Real filesystems that did not answer.
    pub unknown_disks: Vec<UnknownDisk>,
    /// Memory.
    pub memory: Option<Memory>,
    /// Swap.
    pub swap: Option<Swap>,
    /// Load averages.
    pub load: Option<Load>,
    /// CPU use.
    pub cpu: Option<CpuUse>,
    /// Failed systemd units; `None` where systemd does not run or did not answer.
    pub failed_units: Option<Vec<FailedUnit>>,
    /// Zombie processes.
    pub zombies: Option<Zombies>,
    /// Why pieces are missing.
    pub notes: Vec<Note>,
    #[serde(skip)]
    thresholds: LocalThresholds,
}

/// What `/proc` says without waiting.
struct Quick {
    hostname: Result<String, Missing>,
    uptime: Result<Duration, Missing>,
    memory: Result<Memory, Missing>,
    swap: Result<Swap, Missing>,
    load: Result<Load, Missing>,
    zombies: Result<Zombies, Missing>,
    mountinfo: Result<String, Missing>,
}

// === impl LocalOptions ===

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            thresholds: LocalThresholds::default(),
            cpu_interval: Duration::from_secs(1),
            deadline: Duration::from_secs(10),
            root: PathBuf::from("/"),
            systemctl: None,
        }
    }
}

impl LocalOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// From which values on there are findings.
    pub fn thresholds(mut self, thresholds: LocalThresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// Between the two looks at the CPU counters; they move in steps of 10 ms.
    pub fn cpu_interval(mut self, interval: Duration) -> Self {
        self.cpu_interval = interval;
        self
    }

    /// When the survey ends, whoever is late.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Where `/proc`, `/run` and the mount points are: a test's folder, or a host's root mounted in a container.
    pub fn root(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = root.into();
        self
    }

    /// The program to run instead of `systemctl` from the search path.
    pub fn systemctl(mut self, program: impl Into<PathBuf>) -> Self {
        self.systemctl = Some(program.into());
        self
    }
}

// === impl LocalHost ===

impl LocalHost {
    /// Nothing is looked at yet.
    #[must_use]
    pub fn new(options: LocalOptions, clock: SharedClock) -> Self {
        let procfs = Procfs::new(options.root.clone());
        let prober = Prober::new(options.root.clone());
        Self { options, clock, procfs, prober }
    }

    /// Looks at everything side by side. Never fails and ends at the deadline; what is missing has a note.
    ///
    /// # Cancel safety
    /// Dropping the future kills a running `systemctl`; a thread that waits for a dead filesystem stays behind.
    #[tracing::instrument(name = "health.local", skip_all)]
    pub async fn survey(&self) -> LocalSurvey {
        let deadline = self.clock.instant() + self.options.deadline;
        let (quick, cpu, units) = tokio::join!(
            self.quick_and_disks(deadline),
            self.cpu(deadline),
            units::failed(&self.procfs, self.options.systemctl.as_deref(), deadline),
        );
        let (quick, disks) = quick;
        let mut notes = Vec::new();
        let host = keep(Piece::Hostname, quick.hostname, &mut notes);
        let disks = keep(Piece::Disks, disks, &mut notes);
        let (disks, unknown_disks) = match disks {
            Some(Disks { known, unknown, forbidden }) => {
                notes.extend(forbidden.map(|m| m.note(Piece::Disks)));
                (Some(known), unknown)
            }
            None => (None, Vec::new()),
        };
        LocalSurvey {
            host: Target::new(host.as_deref().unwrap_or("localhost")),
            taken_at: self.clock.now(),
            uptime_seconds: keep(Piece::Uptime, quick.uptime, &mut notes).map(|d| d.as_secs_f64()),
            disks,
            unknown_disks,
            memory: keep(Piece::Memory, quick.memory, &mut notes),
            swap: keep(Piece::Swap, quick.swap, &mut notes),
            load: keep(Piece::Load, quick.load, &mut notes),
            cpu: keep(Piece::Cpu, cpu, &mut notes),
            failed_units: keep(Piece::Units, units, &mut notes),
            zombies: keep(Piece::Zombies, quick.zombies, &mut notes),
            notes,
            thresholds: self.options.thresholds.clone(),
        }
    }

    async fn quick_and_disks(&self, deadline: Instant) -> (Quick, Result<Disks, Missing>) {
        let procfs = self.procfs.clone();
        // Tens of thousands of processes take a while to list, and this must not hold up the runtime.
        let read = tokio::task::spawn_blocking(move || Quick::read(&procfs));
        let quick = match timeout_at(deadline, read).await {
            Ok(Ok(quick)) => quick,
            Ok(Err(_)) => Quick::missing("reading /proc failed"),
            Err(_) => Quick::missing("/proc did not answer in time"),
        };
        let disks = match &quick.mountinfo {
            Ok(text) => Ok(self.prober.probe(mounts::real(text), deadline).await),
            Err(missing) => Err(missing.clone()),
        };
        (quick, disks)
    }

    async fn cpu(&self, deadline: Instant) -> Result<CpuUse, Missing> {
        let before = cpu::parse(&self.procfs.read(cpu::FILE)?)?;
        let start = self.clock.instant();
        if timeout_at(deadline, self.clock.sleep(self.options.cpu_interval)).await.is_err() {
            return Err(Missing::new("the CPU interval is longer than the deadline"));
        }
        let after = cpu::parse(&self.procfs.read(cpu::FILE)?)?;
        cpu::between(before, after, self.clock.instant() - start)
    }
}

// === impl Quick ===

impl Quick {
    fn read(procfs: &Procfs) -> Self {
        let meminfo = procfs.read(memory::FILE);
        let stat = procfs.read(cpu::FILE);
        let loadavg = procfs.read(load::FILE);
        Self {
            hostname: procfs.hostname(),
            uptime: procfs.read(uptime::FILE).and_then(|t| uptime::parse(&t)),
            memory: meminfo.clone().and_then(|t| memory::memory(&t)),
            swap: meminfo.and_then(|t| memory::swap(&t)),
            load: loadavg.and_then(|l| load::parse(&l, &stat?)),
            zombies: processes::zombies(procfs),
            mountinfo: procfs.read("proc/self/mountinfo"),
        }
    }

    fn missing(why: &str) -> Self {
        let m = || Missing::new(why);
        Self {
            hostname: Err(m()),
            uptime: Err(m()),
            memory: Err(m()),
            swap: Err(m()),
            load: Err(m()),
            zombies: Err(m()),
            mountinfo: Err(m()),
        }
    }
}

// === impl LocalSurvey ===

impl LocalSurvey {
    /// What a person should know, by the thresholds of the survey's options. Order: as in [`CODES`](super::CODES).
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        findings::all(self, &self.thresholds)
    }

    /// Whether everything that such a host has was seen. When not, health is unknown and never "well".
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unknown_disks.is_empty() && self.notes.iter().all(|n| n.expected)
    }
}
