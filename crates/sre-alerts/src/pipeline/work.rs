//! The pipeline's thread: takes what has come in meanwhile, does it in one transaction, and answers after the commit.
//!
//! That is what makes accepting cheap: while one transaction waits for the disk, the next one's callers gather.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{oneshot, watch};

use super::arrival::Arrival;
use super::counters::add;
use super::deliver::Couriers;
use super::engine::Engine;
use super::error::{Error, ErrorKind};
use super::outcome::Outcome;
use crate::alert::Alert;
use crate::intake::{Accepted, IntakeError};
use crate::outbox::{EntryId, StoreError};
use crate::stage::explain::Explanation;
use crate::stage::moment::{Moment, Now, SteadyClock};
use crate::stage::silence::{NewSilence, Silence, SilenceId};

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    Accept {
        arrivals: Vec<Arrival>,
        reply: AcceptReply,
    },
    Outcome {
        entry: EntryId,
        outcome: Outcome,
    },
    /// Something may be due.
    Tick,
    AddSilence {
        silence: NewSilence,
        reply: Reply<Silence>,
    },
    EndSilence {
        id: SilenceId,
        reply: Reply<Option<Silence>>,
    },
    Silences {
        reply: Reply<Vec<Silence>>,
    },
    Explain {
        alert: Box<Alert>,
        reply: Reply<Explanation>,
    },
    Revive {
        id: EntryId,
        reply: Reply<Option<()>>,
    },
    /// Send nothing more; end when nothing is under way.
    Drain,
    /// End now.
    Close,
}

/// The alerts go back, so that their caller's thread does the work of freeing them.
pub(super) type AcceptReply = oneshot::Sender<(Result<Accepted, IntakeError>, Vec<Arrival>)>;

type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// The thread's own.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) engine: Engine,
    pub(super) clock: SteadyClock,
    pub(super) commands: UnboundedReceiver<Command>,
    pub(super) couriers: Couriers,
    /// When to be called with [`Command::Tick`].
    pub(super) due: watch::Sender<Moment>,
    /// Alerts that wait to be taken from `commands`.
    pub(super) queued: Arc<AtomicUsize>,
    /// Notifications with receivers.
    pub(super) under_way: HashSet<EntryId>,
    /// What became of some while the store failed.
    pub(super) unsaved: Vec<(EntryId, Outcome)>,
    /// The engine's state is not what is on disk.
    pub(super) stale: bool,
}

/// What is done after the commit, or after it failed.
type Answers = Vec<Box<dyn FnOnce(Result<(), &StoreError>)>>;

/// So much is done in one transaction.
const ALERTS_AT_ONCE: usize = 4096;
const COMMANDS_AT_ONCE: usize = 4096;
/// After a failure of the store.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// What a caller is told when alerts are refused.
const ROOM_SOON: Duration = Duration::from_secs(5);

impl Work {
    /// Until [`Command::Close`], or [`Command::Drain`] and nothing under way.
    pub(super) fn run(mut self) {
        let mut commands = vec![Command::Tick];
        loop {
            if self.turn(&mut commands) || (self.engine.draining && self.under_way.is_empty()) {
                return;
            }
            match self.commands.blocking_recv() {
                Some(first) => self.gather(first, &mut commands),
                None => return,
            }
        }
    }

    fn gather(&mut self, first: Command, commands: &mut Vec<Command>) {
        let mut alerts = size(&first);
        commands.push(first);
        while alerts < ALERTS_AT_ONCE && commands.len() < COMMANDS_AT_ONCE {
            let Ok(next) = self.commands.try_recv() else { break };
            alerts += size(&next);
            commands.push(next);
        }
        self.queued.fetch_sub(alerts, Ordering::Relaxed);
    }

    /// One transaction. True when it is the last one.
    pub(super) fn turn(&mut self, commands: &mut Vec<Command>) -> bool {
        let now = self.clock.now();
        let last = commands.iter().any(|command| matches!(command, Command::Close));
        for command in commands.iter_mut() {
            if let Command::Outcome { entry, outcome } = command {
                self.under_way.remove(entry);
                self.unsaved.push((*entry, outcome.clone()));
            }
        }
        let mut answers = Answers::with_capacity(commands.len());
        let result = self.transact(commands.drain(..), &mut answers, now);
        if let Err(error) = &result {
            tracing::error!(%error, "alert store");
            self.engine.store.rollback();
            self.stale = true;
        } else {
            self.unsaved.clear();
        }
        for answer in answers {
            answer(result.as_ref().map(|_| ()));
        }
        let due = if self.stale { now.steady + TRY_AGAIN } else { self.engine.next_due() };
        if !self.stale {
            for dispatch in self.engine.outbox.drain(..) {
                self.under_way.insert(dispatch.entry);
                self.couriers.send(dispatch);
            }
        }
        self.due.send_replace(due);
        last
    }

    fn transact(
        &mut self,
        commands: impl Iterator<Item = Command>,
        answers: &mut Answers,
        now: Now,
    ) -> Result<(), StoreError> {
        // Whatever fails, everybody gets an answer: so all commands are gone through.
        let mut result = self.start(now);
        for command in commands {
            let done = self.apply(command, answers, result.is_ok(), now);
            if result.is_ok() {
                result = done;
            }
        }
        result?;
        self.engine.tick(now)?;
        self.engine.save()?;
        self.engine.commit()
    }

    fn start(&mut self, now: Now) -> Result<(), StoreError> {
        self.engine.store.begin()?;
        if self.stale {
            let loaded = self.engine.store.load()?;
            self.engine.recover(loaded, &self.known_under_way(), now)?;
            self.stale = false;
        }
        for (entry, outcome) in &self.unsaved {
            self.engine.outcome(*entry, outcome, now)?;
        }
        Ok(())
    }

    /// Those whose outcome is not on disk: still with their receivers, or about to be noted.
    fn known_under_way(&self) -> HashSet<EntryId> {
        self.unsaved.iter().map(|(entry, _)| *entry).chain(self.under_way.iter().copied()).collect()
    }

    fn apply(&mut self, command: Command, answers: &mut Answers, works: bool, now: Now) -> Result<(), StoreError> {
        let engine = &mut self.engine;
        match command {
            Command::Accept { arrivals, reply } => return accept(engine, arrivals, reply, answers, works, now),
            Command::Drain => engine.draining = true,
            Command::Outcome { .. } | Command::Tick | Command::Close => {}
            Command::AddSilence { silence, reply } => {
                return answer(answers, reply, works, || engine.add_silence(silence, now));
            }
            Command::EndSilence { id, reply } => {
                return answer(answers, reply, works, || engine.end_silence(id, now));
            }
            Command::Silences { reply } => {
                return answer(answers, reply, works, || Ok(engine.stages.silences.list().to_vec()));
            }
            Command::Explain { alert, reply } => {
                return answer(answers, reply, works, || Ok(engine.explain(&alert, now)));
            }
            Command::Revive { id, reply } => return answer(answers, reply, works, || engine.revive(id, now)),
        }
        Ok(())
    }
}

fn size(command: &Command) -> usize {
    match command {
        Command::Accept { arrivals, .. } => arrivals.len(),
        _ => 0,
    }
}

fn accept(
    engine: &mut Engine,
    arrivals: Vec<Arrival>,
    reply: AcceptReply,
    answers: &mut Answers,
    works: bool,
    now: Now,
) -> Result<(), StoreError> {
    let count = arrivals.len();
    let refusal = if engine.draining {
        Some(IntakeError::Closed)
    } else if works && !engine.has_room_for(&arrivals) {
        add(&engine.counters.refused, count);
        Some(IntakeError::Full { retry_after: ROOM_SOON })
    } else {
        None
    };
    let accepted = works && refusal.is_none();
    let result = if accepted { arrivals.iter().try_for_each(|one| engine.arrive(one, now)) } else { Ok(()) };
    answers.push(Box::new(move |result| {
        let stored = result.map(|()| Accepted::new(count)).map_err(|error| IntakeError::Storage(error.to_string()));
        let _ = reply.send((refusal.map_or(stored, Err), arrivals));
    }));
    result
}

fn answer<T: Send + 'static>(
    answers: &mut Answers,
    reply: Reply<T>,
    works: bool,
    run: impl FnOnce() -> Result<T, StoreError>,
) -> Result<(), StoreError> {
    let (value, result) = match works.then(run).transpose() {
        Ok(value) => (value, Ok(())),
        Err(error) => (None, Err(error)),
    };
    answers.push(Box::new(move |result| {
        let failed =
            |text: String| Error::new(ErrorKind::Store, sre_core::Target::new("alert store")).with_detail(text);
        let answer = match (result, value) {
            (Ok(()), Some(value)) => Ok(value),
            (Ok(()), None) => Err(failed("nothing was done".to_owned())),
            (Err(error), _) => Err(failed(error.to_string())),
        };
        let _ = reply.send(answer);
    }));
    result
}
