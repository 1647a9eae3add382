//! Carries out what a rollout decides, and writes down what happens.

use std::fmt;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use sre_core::SharedClock;

use super::error::{Error, ErrorKind};
use super::event::Event;
use super::executor::{Executor, GateReport};
use super::next::Step;
use super::outcome::{End, Outcome};
use super::state::Rollout;
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::transport::BoxFuture;

/// Where events are written. When `append` returns, the event is as safe as it will ever be.
pub trait Log: Send {
    /// Writes an event.
    ///
    /// # Errors
    /// When it is not certain that it is written. The run then ends without starting anything more.
    fn append(&mut self, event: &Event) -> Result<(), Error>;
}

/// Is told of each event after it was written, with the state that it led to: for a live view.
pub trait Watch: Send {
    /// An event happened.
    fn event(&mut self, rollout: &Rollout, event: &Event);
}

/// Runs a rollout: asks it what is next, has the [`Executor`] do it, at most so many hosts at a time (default 10), and
/// writes each event to the [`Log`] before the next thing happens.
///
/// Throwing the interrupt stops it: nothing more is begun, a delay or a gate is left, hosts whose steps run come to their
/// end; the run then ends as [`End::Interrupted`]. [`kill`](Self::kill) is for the impatient: what runs is expected to be
/// ended by the executor, and what comes of it is not believed: a resumed run does it again.
pub struct Driver<'a> {
    executor: &'a dyn Executor,
    log: &'a mut dyn Log,
    clock: SharedClock,
    workers: usize,
    stop: Interrupt,
    kill: Interrupt,
    watch: Option<&'a mut dyn Watch>,
}

/// Each comes to its end with what it comes to.
type Running<'a> = FuturesUnordered<BoxFuture<'a, Event>>;

// === impl Driver ===

impl<'a> Driver<'a> {
    /// What does the work, where it is written down, and what measures how long it takes.
    pub fn new(executor: &'a dyn Executor, log: &'a mut dyn Log, clock: SharedClock) -> Self {
        Self { executor, log, clock, workers: 10, stop: Interrupt::new(), kill: Interrupt::new(), watch: None }
    }

    /// How many hosts of a batch are worked on at a time; at least one.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// What stops it.
    #[must_use]
    pub fn stop(mut self, stop: Interrupt) -> Self {
        self.stop = stop;
        self
    }

    /// What ends it without waiting for results; thrown after [`stop`](Self::stop).
    #[must_use]
    pub fn kill(mut self, kill: Interrupt) -> Self {
        self.kill = kill;
        self
    }

    /// Who is told of what happens.
    #[must_use]
    pub fn watch(mut self, watch: &'a mut dyn Watch) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Takes in what earlier runs left in the journal, and records that this one goes on with it. What had ended without
    /// every host healthy is tried again; see [`Event::Retried`].
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when the events cannot have happened one after the other; [`ErrorKind::Storage`].
    pub fn resume(&mut self, rollout: &mut Rollout, events: &[Event]) -> Result<(), Error> {
        for (i, event) in events.iter().enumerate() {
            let corrupt = |e: Error| Error::new(ErrorKind::Corrupt, format!("line {} of the journal: {e}", i + 2));
            rollout.record(event).map_err(corrupt)?;
        }
        let outcome = if rollout.is_finished() { rollout.outcome() } else { None };
        if outcome == Some(Outcome::Healthy) {
            return Ok(());
        }
        self.record(rollout, &Event::Resumed)?;
        if outcome.is_some() {
            self.record(rollout, &Event::Retried)?;
        }
        Ok(())
    }

    /// Runs it to its end, to a pause, or until it is stopped.
    ///
    /// # Errors
    /// When an event cannot be written. What runs then is waited for, because half a step is worse than one that is not
    /// in the journal; a resumed run does it again.
    ///
    /// # Cancel safety
    /// Dropping the future is what a kill is: the journal can be resumed, and what ran is unknown.
    pub async fn run(mut self, rollout: &mut Rollout) -> Result<End, Error> {
        let mut running = Running::new();
        let result = self.drive(rollout, &mut running).await;
        while running.next().await.is_some() {}
        result
    }

    async fn drive(&mut self, rollout: &mut Rollout, running: &mut Running<'a>) -> Result<End, Error> {
        loop {
            if self.kill.is_triggered() {
                return Ok(End::Interrupted);
            }
            let step = rollout.next();
            let stopped = self.stop.is_triggered();
            let free = running.len() < self.workers;
            match step {
                Step::Abort { reason } => self.record(rollout, &Event::Aborted { reason })?,
                Step::Done(outcome) => {
                    if !rollout.is_finished() {
                        self.record(rollout, &Event::Finished { outcome })?;
                    }
                    return Ok(End::Done(outcome));
                }
                Step::Pause => {
                    self.record(rollout, &Event::Paused)?;
                    return Ok(End::Paused);
                }
                _ if stopped && running.is_empty() => {
                    self.record(rollout, &Event::Interrupted)?;
                    return Ok(End::Interrupted);
                }
                Step::Deploy { host } if free && !stopped => {
                    let host = rollout.hosts()[host].host.clone();
                    self.record(rollout, &Event::started(host.name()))?;
                    running.push(deploy(self.executor, host, self.clock.clone()));
                }
                Step::RollBack { host } if free && !stopped => {
                    let host = rollout.hosts()[host].host.clone();
                    self.record(rollout, &Event::RollingBack { host: host.name().to_owned() })?;
                    running.push(roll_back(self.executor, host, self.clock.clone()));
                }
                Step::Deploy { .. } | Step::RollBack { .. } | Step::Await => self.await_one(rollout, running).await?,
                Step::Wait { batch } => {
                    let wait = self.executor.wait(rollout.settings().delay);
                    if unless(&self.stop, wait).await.is_some() {
                        self.record(rollout, &Event::Waited { batch })?;
                    }
                }
                Step::Gate { batch, hosts } => self.gate(rollout, batch, &hosts).await?,
            }
        }
    }

    /// Takes in the next thing that comes to its end.
    async fn await_one(&mut self, rollout: &mut Rollout, running: &mut Running<'a>) -> Result<(), Error> {
        match running.next().await {
            // A step that was killed did not fail: whether it did its work is unknown.
            Some(_) if self.kill.is_triggered() => Ok(()),
            Some(event) => self.record(rollout, &event),
            // Only an executor that another run left behind could be waited for.
            None => Err(Error::new(ErrorKind::Impossible, "something is said to run, and nothing does")),
        }
    }

    async fn gate(&mut self, rollout: &mut Rollout, batch: usize, asked: &[usize]) -> Result<(), Error> {
        let hosts: Vec<Host> = asked.iter().map(|i| rollout.hosts()[*i].host.clone()).collect();
        let Some(report) = unless(&self.stop, self.executor.gate(batch, &hosts)).await else { return Ok(()) };
        let GateReport { hosts: verdicts, refused } = report;
        let mut verdicts = verdicts.into_iter();
        // A batch that is refused must not be left half healthy by a kill: its refusal is written first.
        if let Some(reason) = refused {
            return self.record(rollout, &Event::Refused { batch, reason });
        }
        for host in hosts {
            let host = host.name().to_owned();
            let verdict = verdicts.next().unwrap_or_else(|| Err("the gate said nothing of it".to_owned()));
            let event = match verdict {
                Ok(note) => Event::Healthy { host, note },
                Err(reason) => Event::Unhealthy { host, reason },
            };
            self.record(rollout, &event)?;
        }
        Ok(())
    }

    fn record(&mut self, rollout: &mut Rollout, event: &Event) -> Result<(), Error> {
        self.log.append(event)?;
        rollout.record(event)?;
        tracing::debug!(?event, "rollout");
        if let Some(watch) = &mut self.watch {
            watch.event(rollout, event);
        }
        Ok(())
    }
}

impl fmt::Debug for Driver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("executor", &self.executor)
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}

fn deploy(executor: &dyn Executor, host: Host, clock: SharedClock) -> BoxFuture<'_, Event> {
    Box::pin(async move {
        let start = clock.instant();
        let result = executor.deploy(&host).await;
        let name = host.name().to_owned();
        match result {
            Ok(()) => Event::Deployed { host: name, seconds: seconds(clock.instant() - start) },
            Err(failure) => Event::failed(&name, failure.touched, failure.reason),
        }
    })
}

fn roll_back(executor: &dyn Executor, host: Host, clock: SharedClock) -> BoxFuture<'_, Event> {
    Box::pin(async move {
        let start = clock.instant();
        let result = executor.roll_back(&host).await;
        let name = host.name().to_owned();
        match result {
            Ok(()) => Event::RolledBack { host: name, seconds: seconds(clock.instant() - start) },
            Err(reason) => Event::RollbackFailed { host: name, reason },
        }
    })
}

/// Milliseconds are enough for people.
fn seconds(duration: std::time::Duration) -> f64 {
    duration.as_millis() as f64 / 1e3
}

/// What `work` comes to, unless it is stopped first.
async fn unless<T>(stop: &Interrupt, work: BoxFuture<'_, T>) -> Option<T> {
    tokio::select! {
        biased;
        () = stop.triggered() => None,
        result = work => Some(result),
    }
}
