//! Who does what a rollout decides.

use std::fmt;
use std::time::Duration;

use crate::host::Host;
use crate::transport::BoxFuture;

/// Does the work: deploys to a host, asks the gate, rolls a host back, waits. All of it may be asked for again after a
/// run was killed, so steps must be idempotent.
pub trait Executor: fmt::Debug + Send + Sync {
    /// Runs all steps on a host.
    ///
    /// # Errors
    /// Why it failed, and whether something may have been changed.
    fn deploy<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), HostFailure>>;

    /// Asks the gate about the hosts of a batch. Reads only.
    fn gate<'a>(&'a self, batch: usize, hosts: &'a [Host]) -> BoxFuture<'a, GateReport>;

    /// Runs the rollback steps on a host.
    ///
    /// # Errors
    /// Why it failed, for people.
    fn roll_back<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), String>>;

    /// Lets time pass.
    fn wait(&self, delay: Duration) -> BoxFuture<'_, ()>;
}

/// A host on which the steps failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFailure {
    /// Why, for people.
    pub reason: String,
    /// Whether something may have been changed: `false` only when that is sure, as when no connection came about.
    pub touched: bool,
}

/// What the gate says of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateReport {
    /// For each host that was asked about, by position: what was measured, or why it is unhealthy. A host that is
    /// missing counts as unhealthy.
    pub hosts: Vec<Result<String, String>>,
    /// Why the batch as a whole is refused: nothing that one host could be blamed for.
    pub refused: Option<String>,
}
