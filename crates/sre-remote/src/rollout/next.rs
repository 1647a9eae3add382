//! What a rollout does next.

use super::outcome::Outcome;
use super::state::{HostState, Rollout, Undo};

/// The next thing to do; hosts are positions in [`Rollout::hosts`], batches are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Deploy to this host, when there is a free slot.
    Deploy {
        /// Which host.
        host: usize,
    },
    /// Nothing can be begun before something that runs has come to its end.
    Await,
    /// Let [`Settings::delay`](super::Settings::delay) pass.
    Wait {
        /// The batch that was deployed.
        batch: usize,
    },
    /// Ask the gate about these hosts.
    Gate {
        /// Their batch.
        batch: usize,
        /// Which hosts.
        hosts: Vec<usize>,
    },
    /// Stop deploying.
    Abort {
        /// Why.
        reason: String,
    },
    /// Roll this host back, when there is a free slot.
    RollBack {
        /// Which host.
        host: usize,
    },
    /// Stop here, to be resumed.
    Pause,
    /// There is nothing more to do.
    Done(Outcome),
}

impl Rollout {
    /// What is next. A pure question: asking again gives the same answer until something is
    /// [recorded](Self::record).
    #[must_use]
    pub fn next(&self) -> Step {
        if self.aborted.is_some() {
            return self.next_after_abort();
        }
        if self.failures() > self.settings.allowed_failures {
            return Step::Abort { reason: self.too_many() };
        }
        let done = self.batches_done();
        if done == self.batches.len() {
            let outcome = if self.failures() == 0 { Outcome::Healthy } else { Outcome::Partial };
            return Step::Done(outcome);
        }
        let batch = &self.hosts[self.batches[done].clone()];
        let find = |state| batch.iter().position(|host| host.state == state);
        if let Some(pending) = find(HostState::Pending) {
            let untouched = batch.iter().all(|host| host.state == HostState::Pending && !host.touched);
            if untouched && self.pause_at.is_some_and(|at| done >= at) {
                return Step::Pause;
            }
            return Step::Deploy { host: self.batches[done].start + pending };
        }
        if find(HostState::Preparing).is_some() {
            return Step::Await;
        }
        self.next_after_batch(done)
    }

    /// All hosts of the batch are deployed or failed, and at least one is deployed.
    fn next_after_batch(&self, index: usize) -> Step {
        let batch = index + 1;
        let last = batch == self.batches.len();
        let wait = !self.settings.delay.is_zero() && (self.settings.gated || !last);
        if wait && !self.waited[index] {
            return Step::Wait { batch };
        }
        let deployed = |i: &usize| self.hosts[*i].state == HostState::Deployed;
        Step::Gate { batch, hosts: self.batches[index].clone().filter(deployed).collect() }
    }

    fn next_after_abort(&self) -> Step {
        if self.hosts.iter().any(|host| host.state == HostState::Preparing) {
            return Step::Await;
        }
        if !self.settings.rollback {
            return Step::Done(Outcome::Aborted);
        }
        // Batch by batch, so that a canary stays the one that was changed first and longest.
        for range in self.batches.iter().rev() {
            let to_undo = |i: &usize| self.hosts[*i].is_to_undo() && self.hosts[*i].undo == Undo::No;
            if let Some(host) = range.clone().rev().find(to_undo) {
                return Step::RollBack { host };
            }
            if self.hosts[range.clone()].iter().any(|host| host.undo == Undo::Running) {
                return Step::Await;
            }
        }
        let failed = self.hosts.iter().any(|host| host.undo == Undo::Failed);
        Step::Done(if failed { Outcome::RollbackFailed } else { Outcome::RolledBack })
    }

    fn too_many(&self) -> String {
        format!("{} of {} failed, {} allowed", self.failures(), self.hosts.len(), self.settings.allowed_failures)
    }
}
