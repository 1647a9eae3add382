//! The settings of a fan-out.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sre_core::retry::RetryPolicy;
use sre_core::{SharedClock, SystemClock};

use super::job::Job;
use super::running::Running;
use super::stop::Stop;
use crate::host::Host;
use crate::rollout::MaxFail;
use crate::transport::SharedTransport;

/// Runs a [`Job`] on many hosts; see the [module](super). It may be used for several runs.
#[derive(Clone)]
pub struct Fleet {
    pub(super) transport: SharedTransport,
    pub(super) clock: SharedClock,
    pub(super) stop: Stop,
    pub(super) workers: usize,
    pub(super) startups: usize,
    pub(super) timeout: Duration,
    pub(super) grace: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) max_fail: Option<MaxFail>,
    pub(super) output_cap: usize,
    pub(super) live_output: bool,
    pub(super) output_folder: Option<PathBuf>,
}

// === impl Fleet ===

impl Fleet {
    /// Over this transport: 50 workers, 10 startups a jump host, 5 minutes a host, 3 attempts, no bound of failures, 1 MiB
    /// of each stream of a host.
    #[must_use]
    pub fn new(transport: SharedTransport) -> Self {
        Self {
            transport,
            clock: SystemClock::shared(),
            stop: Stop::new(),
            workers: 50,
            startups: 10,
            timeout: Duration::from_secs(300),
            // A transport needs up to 5 s to kill what runs on the host.
            grace: Duration::from_secs(6),
            retry: RetryPolicy::default(),
            max_fail: None,
            output_cap: 1024 * 1024,
            live_output: false,
            output_folder: None,
        }
    }

    /// How many hosts are worked on at once; at least 1. As many again may wait for their server's first words, unless it
    /// is 1.
    #[must_use]
    pub fn with_workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How many connect at once through one jump host; at least 1.
    #[must_use]
    pub fn with_startups(mut self, startups: usize) -> Self {
        self.startups = startups.max(1);
        self
    }

    /// Time for one host, from its first attempt to its end, without waiting for a slot.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Time for killing what runs on a host after its deadline or after [`Stop::kill`]; then its task is aborted.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How connecting is tried again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Starts no further host once more hosts than this have failed; a share is of the whole fleet.
    #[must_use]
    pub fn with_max_fail(mut self, max_fail: MaxFail) -> Self {
        self.max_fail = Some(max_fail);
        self
    }

    /// Bytes of each stream of a host that are kept in its result; the rest is counted.
    #[must_use]
    pub fn with_output_cap(mut self, bytes: usize) -> Self {
        self.output_cap = bytes;
        self
    }

    /// Tells whole lines of output while they come ([`Event::Output`](super::Event::Output)).
    #[must_use]
    pub fn with_live_output(mut self, live: bool) -> Self {
        self.live_output = live;
        self
    }

    /// Writes all output into this folder, which must exist: `web-01.out`, and `web-01.err` where there is any.
    #[must_use]
    pub fn with_output_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.output_folder = Some(folder.as_ref().to_owned());
        self
    }

    /// The switch that ends the run early.
    #[must_use]
    pub fn with_stop(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// The clock that results are dated by.
    #[must_use]
    pub fn with_clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Begins. Needs a tokio runtime; nothing is connected before the first [`Running::next`].
    pub fn run<J: Job>(&self, job: J, hosts: impl Into<Arc<[Host]>>) -> Running<J> {
        Running::new(self.clone(), Arc::new(job), hosts.into())
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("transport", &self.transport)
            .field("workers", &self.workers)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
