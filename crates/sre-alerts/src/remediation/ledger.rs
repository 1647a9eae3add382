//! What a rule did lately: for the cooldown of a host, the budget of an hour, the share of the fleet.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::host::HostName;

/// Budget and share are counted over this.
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// The runs of one rule. Bounded: the hosts are those of the fleet, the runs of an hour those of the budget.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    runs: VecDeque<(Instant, HostName)>,
    running: BTreeSet<HostName>,
}

// === impl Ledger ===

impl Ledger {
    /// Forgets what no limit looks at any more.
    pub(super) fn forget(&mut self, now: Instant, cooldown: Duration) {
        let keep = cooldown.max(HOUR);
        while self.runs.front().is_some_and(|(at, _)| now.duration_since(*at) >= keep) {
            self.runs.pop_front();
        }
    }

    pub(super) fn begin(&mut self, host: &HostName, now: Instant) {
        self.runs.push_back((now, host.clone()));
        self.running.insert(host.clone());
    }

    /// A run of before the last restart.
    pub(super) fn remember(&mut self, host: &HostName, at: Instant) {
        self.runs.push_back((at, host.clone()));
    }

    pub(super) fn end(&mut self, host: &HostName) {
        self.running.remove(host);
    }

    pub(super) fn is_running(&self, host: &HostName) -> bool {
        self.running.contains(host)
    }

    /// How much of the cooldown is left.
    pub(super) fn cooling(&self, host: &HostName, now: Instant, cooldown: Duration) -> Option<Duration> {
        let (last, _) = self.runs.iter().rev().find(|(_, known)| known == host)?;
        cooldown.checked_sub(now.duration_since(*last)).filter(|left| !left.is_zero())
    }

    /// Runs in the last hour.
    pub(super) fn runs(&self, now: Instant) -> usize {
        self.recent(now).count()
    }

    /// Hosts touched in the last hour and now, this one included.
    pub(super) fn hosts_with(&self, host: &HostName, now: Instant) -> usize {
        let mut hosts: BTreeSet<&HostName> = self.recent(now).map(|(_, host)| host).chain(&self.running).collect();
        hosts.insert(host);
        hosts.len()
    }

    fn recent(&self, now: Instant) -> impl Iterator<Item = &(Instant, HostName)> {
        self.runs.iter().filter(move |(at, _)| now.duration_since(*at) < HOUR)
    }
}
