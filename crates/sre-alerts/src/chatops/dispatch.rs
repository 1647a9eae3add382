//! From a command to its answer: known, granted, understood, written down, queued; executed by workers.
//!
//! Slack waits three seconds for an answer. What is done by then is the answer; otherwise it is "on it", and the rest
//! goes to the `response_url`.

use std::sync::Arc;
use std::time::Duration;

use sre_core::http::Client;
use sre_core::{SharedClock, duration};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::audit::{AuditRecord, Outcome, SharedAuditLog};
use super::command::Action;
use super::invocation::{Caller, Invocation};
use super::operator::{Order, Progress, SharedOperator};
use super::permission::{InvalidGrant, Permissions};
use super::registry::{Meaning, Registry};
use super::reply::Reply;
use super::respond::{Responder, SLACK};
use crate::slack::escape;

/// How long to wait for the result: Slack's three seconds, without those of the network.
const QUICK: Duration = Duration::from_secs(2);

/// Characters of a command's text in the audit log.
const AUDITED: usize = 500;

/// Takes commands. Clones are the same.
#[derive(Debug, Clone)]
pub struct ChatOps {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Job>,
}

/// Executes what [`ChatOps`] takes.
#[derive(Debug)]
pub struct Worker {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Job>,
}

/// Builds a [`ChatOps`] and its [`Worker`].
#[derive(Debug)]
#[must_use]
pub struct ChatOpsBuilder {
    shared: Shared,
    queue: usize,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    permissions: Permissions,
    operator: SharedOperator,
    audit: SharedAuditLog,
    client: Client,
    clock: SharedClock,
    origins: Vec<String>,
    timeout: Duration,
    workers: usize,
}

#[derive(Debug)]
struct Job {
    order: Order,
    attempt: Attempt,
    progress: Progress,
    quick: oneshot::Sender<Reply>,
    since: Instant,
}

/// What the audit log needs.
#[derive(Debug, Clone)]
struct Attempt {
    id: String,
    caller: Caller,
    command: String,
    text: String,
}

// === impl ChatOpsBuilder ===

impl ChatOpsBuilder {
    /// How many commands wait for a worker; beyond it people are told to come back. Default: 32.
    pub fn queue(mut self, commands: usize) -> Self {
        self.queue = commands.max(1);
        self
    }

    /// How many commands are executed at once. Default: 4.
    pub fn workers(mut self, workers: usize) -> Self {
        self.shared.workers = workers.max(1);
        self
    }

    /// How long a command may take. Default: 25 min, so that its end can still be told.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.shared.timeout = timeout;
        self
    }

    /// Where answers may be posted to, as origins. Default: `https://hooks.slack.com` and its government twin.
    pub fn origins(mut self, origins: impl IntoIterator<Item = String>) -> Self {
        self.shared.origins = origins.into_iter().collect();
        self
    }

    /// Checks the permissions.
    ///
    /// # Errors
    /// What [`Permissions::check`] finds.
    pub fn build(self) -> Result<(ChatOps, Worker), InvalidGrant> {
        self.shared.permissions.check(&self.shared.registry)?;
        let (sender, receiver) = mpsc::channel(self.queue);
        let shared = Arc::new(self.shared);
        Ok((ChatOps { shared: Arc::clone(&shared), queue: sender }, Worker { shared, queue: receiver }))
    }
}

// === impl ChatOps ===

impl ChatOps {
    /// Starts with what is needed; `client` posts later answers and should not retry by itself.
    pub fn builder(
        registry: Registry,
        permissions: Permissions,
        operator: SharedOperator,
        audit: SharedAuditLog,
        client: Client,
        clock: SharedClock,
    ) -> ChatOpsBuilder {
        let origins = SLACK.map(str::to_owned).to_vec();
        let timeout = Duration::from_secs(25 * 60);
        let shared = Shared { registry, permissions, operator, audit, client, clock, origins, timeout, workers: 4 };
        ChatOpsBuilder { shared, queue: 32 }
    }

    /// Answers a command within two seconds and a bit. `id` is the same in all logs.
    pub async fn handle(&self, invocation: Invocation, id: &str) -> Reply {
        let shared = &self.shared;
        let Invocation { command, text, caller, response_url, .. } = invocation;
        let attempt = Attempt { id: id.to_owned(), caller, command, text };
        let (action, grant) = match shared.decide(&attempt) {
            Ok(granted) => granted,
            Err((outcome, reply)) => {
                // Nothing is done: the answer does not hang on the log.
                let _ = shared.record(&attempt, outcome);
                return reply;
            }
        };
        let Ok(slot) = self.queue.try_reserve() else {
            let _ = shared.record(&attempt, Outcome::Busy);
            return Reply::plain("too much is going on; try again in a minute");
        };
        if shared.record(&attempt, Outcome::Begun { grant }).is_err() {
            return Reply::plain("the audit log cannot be written, so nothing was done");
        }
        let said = format!("on it: `/{}`", format!("{} {}", attempt.command, attempt.text).trim().replace('`', "'"));
        let responder = response_url
            .and_then(|url| Responder::new(shared.client.clone(), shared.clock.clone(), url, &shared.origins));
        let (quick, mut result) = oneshot::channel();
        let order = Order { id: attempt.id.clone(), at: shared.clock.now(), caller: attempt.caller.clone(), action };
        slot.send(Job { order, attempt, progress: Progress::new(responder), quick, since: shared.clock.instant() });
        tokio::select! {
            Ok(reply) = &mut result => return reply,
            () = shared.clock.sleep(QUICK) => {}
        }
        // Whatever was sent until now is here; what comes later goes the other way.
        result.close();
        result.try_recv().unwrap_or_else(|_| Reply::ephemeral(said))
    }
}

// === impl Shared ===

impl Shared {
    /// The action and its grant, or what to write down and say. Pure.
    fn decide(&self, attempt: &Attempt) -> Result<(Action, usize), (Outcome, Reply)> {
        let Attempt { caller, command, text, .. } = attempt;
        if !self.registry.contains(command) {
            return Err((Outcome::Unknown, Reply::plain(&self.registry.unknown(command))));
        }
        let denied = || (Outcome::Denied, Reply::plain(&format!("you may not give `/{command}` here")));
        if !self.permissions.mentions(caller, command) {
            return Err(denied());
        }
        match self.registry.read(command, text) {
            Some(Meaning::Act(action)) => match self.permissions.granted(caller, command, action.scope()) {
                Some(grant) => Ok((action, grant)),
                None => Err(denied()),
            },
            Some(Meaning::Help(text) | Meaning::Unclear(text)) => Err((Outcome::Explained, Reply::plain(&text))),
            None => Err((Outcome::Unknown, Reply::plain(&self.registry.unknown(command)))),
        }
    }

    fn record(&self, attempt: &Attempt, outcome: Outcome) -> Result<(), ()> {
        let Attempt { id, caller, command, text } = attempt.clone();
        let text = text.chars().take(AUDITED).collect();
        let record = AuditRecord { at: self.clock.now(), id, caller, command, text, outcome };
        self.audit.record(&record).map_err(|error| {
            tracing::error!(%error, ?record, "the audit log cannot be written");
        })
    }
}

// === impl Worker ===

impl Worker {
    /// Executes commands until every [`ChatOps`] is dropped and all of them are done.
    pub async fn run(mut self) {
        let mut running = JoinSet::new();
        loop {
            while running.len() >= self.shared.workers {
                running.join_next().await;
            }
            let Some(job) = self.queue.recv().await else { break };
            running.spawn(execute(Arc::clone(&self.shared), job));
            while running.try_join_next().is_some() {}
        }
        while running.join_next().await.is_some() {}
    }
}

async fn execute(shared: Arc<Shared>, job: Job) {
    let Job { order, attempt, progress, quick, since } = job;
    let result = tokio::select! {
        result = shared.operator.perform(&order, &progress) => result,
        () = shared.clock.sleep(shared.timeout) => {
            Err(format!("no end after {}", duration::format(shared.timeout)))
        }
    };
    let elapsed = shared.clock.instant().duration_since(since);
    let (outcome, reply) = match result {
        Ok(reply) => (Outcome::Done { elapsed }, reply),
        Err(error) => {
            let reply = Reply::ephemeral(format!("`/{}` failed: {}", attempt.command, escape::text(&error)));
            (Outcome::Failed { error, elapsed }, reply)
        }
    };
    let _ = shared.record(&attempt, outcome);
    if let Err(reply) = quick.send(reply)
        && !progress.finish(&reply).await
    {
        tracing::warn!(id = attempt.id, command = attempt.command, "the answer to a command could not be told");
    }
}
