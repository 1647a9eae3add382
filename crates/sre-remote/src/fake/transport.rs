//! The transport: who is there and how connecting goes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sre_core::RetryHint;

use super::record::{Event, Record};
use super::script::FakeHost;
use super::session::FakeSession;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::phase::Phase;
use crate::transport::{BoxFuture, Dialed, Peer, Session, Transport};

/// A scripted transport; see the [module](super). Clones share the record.
#[derive(Clone)]
pub struct FakeTransport {
    hosts: HashMap<String, FakeHost>,
    default: FakeHost,
    gateway: Arc<Gateway>,
    throttle: Option<usize>,
    record: Arc<Mutex<Record>>,
}

type Gateway = dyn Fn(&Host) -> Option<String> + Send + Sync;

/// Counts somebody as connecting, for as long as it lives.
#[derive(Debug)]
struct Attempt {
    record: Arc<Mutex<Record>>,
    host: String,
    gateway: Option<String>,
    /// It logs in.
    active: bool,
    done: bool,
}

/// A scripted host that answers.
#[derive(Debug)]
struct FakeDialed<'a> {
    host: &'a Host,
    script: FakeHost,
    attempt: Attempt,
    nth: u32,
}

// === impl FakeTransport ===

impl Default for FakeTransport {
    fn default() -> Self {
        let (hosts, record) = (HashMap::new(), Arc::default());
        Self { hosts, default: FakeHost::default(), gateway: Arc::new(|_| None), throttle: None, record }
    }
}

impl FakeTransport {
    /// Every host answers at once with status 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How one host behaves.
    #[must_use]
    pub fn host(mut self, name: &str, host: FakeHost) -> Self {
        self.hosts.insert(name.to_owned(), host);
        self
    }

    /// How all hosts behave that were not named.
    #[must_use]
    pub fn every_host(mut self, host: FakeHost) -> Self {
        self.default = host;
        self
    }

    /// The jump host of each.
    #[must_use]
    pub fn gateway(mut self, gateway: impl Fn(&Host) -> Option<String> + Send + Sync + 'static) -> Self {
        self.gateway = Arc::new(gateway);
        self
    }

    /// At most so many may be connecting at once through one jump host (or without one): the others are reset before the
    /// server's banner, as `MaxStartups` does.
    #[must_use]
    pub fn throttle(mut self, most: usize) -> Self {
        self.throttle = Some(most);
        self
    }

    /// All that happened to one host, in order.
    #[must_use]
    pub fn events(&self, host: &str) -> Vec<Event> {
        let record = lock(&self.record);
        record.events.iter().filter(|(_, name, _)| name == host).map(|(_, _, event)| event.clone()).collect()
    }

    /// All that happened to any host, in order.
    #[must_use]
    pub fn all_events(&self) -> Vec<(String, Event)> {
        lock(&self.record).events.iter().map(|(_, host, event)| (host.clone(), event.clone())).collect()
    }

    /// The commands that a host was given, in order.
    #[must_use]
    pub fn commands(&self, host: &str) -> Vec<String> {
        let exec = |event| match event {
            Event::Exec(text) => Some(text),
            _ => None,
        };
        self.events(host).into_iter().filter_map(exec).collect()
    }

    /// The content of a file of a host.
    #[must_use]
    pub fn file(&self, host: &str, path: &str) -> Option<Vec<u8>> {
        lock(&self.record).files.get(&(host.to_owned(), path.to_owned())).cloned()
    }

    /// How many hosts were worked on at once, at most.
    #[must_use]
    pub fn max_active(&self) -> usize {
        lock(&self.record).max_active
    }

    /// How many were connecting at once through a jump host (or without one), at most.
    #[must_use]
    pub fn max_connecting(&self, gateway: Option<&str>) -> usize {
        lock(&self.record).max_connecting.get(&gateway.map(str::to_owned)).copied().unwrap_or(0)
    }

    async fn open<'a>(&'a self, host: &'a Host, deadline: Deadline) -> Result<FakeDialed<'a>, Error> {
        let script = self.hosts.get(host.name()).unwrap_or(&self.default).clone();
        let (mut attempt, room, nth) = self.begin(host);
        if !room {
            lock(&self.record).push(host.name(), Event::Throttled);
            attempt.done = true;
            return Err(failed(ErrorKind::Broken, Phase::Handshake, host).with_detail("reset before the banner"));
        }
        if script.stuck {
            std::future::pending::<()>().await;
        }
        if let Some(phase) = script.hang.filter(|phase| *phase <= Phase::Handshake) {
            tokio::time::sleep_until(deadline.instant()).await;
            attempt.done = true;
            return Err(failed(ErrorKind::Timeout, phase, host));
        }
        if deadline.limit(tokio::time::sleep(script.connect_delay)).await.is_err() {
            attempt.done = true;
            return Err(failed(ErrorKind::Timeout, Phase::Connect, host));
        }
        lock(&self.record).push(host.name(), Event::Answered);
        Ok(FakeDialed { host, script, attempt, nth })
    }

    fn begin(&self, host: &Host) -> (Attempt, bool, u32) {
        let gateway = (self.gateway)(host);
        let mut record = lock(&self.record);
        record.push(host.name(), Event::Connecting);
        let room = record.connecting(&gateway, self.throttle);
        let nth = record.attempts.entry(host.name().to_owned()).or_default();
        let before = *nth;
        *nth += 1;
        drop(record);
        let (record, host) = (self.record.clone(), host.name().to_owned());
        (Attempt { record, host, gateway, active: false, done: false }, room, before)
    }
}

impl Transport for FakeTransport {
    fn connect<'a>(&'a self, host: &'a Host, deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Session>, Error>> {
        Box::pin(async move { self.open(host, deadline).await?.log_in(deadline).await })
    }

    fn dial<'a>(&'a self, host: &'a Host, deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Dialed + 'a>, Error>> {
        Box::pin(async move { Ok(Box::new(self.open(host, deadline).await?) as Box<dyn Dialed + 'a>) })
    }

    fn gateway(&self, host: &Host) -> Option<String> {
        (self.gateway)(host)
    }
}

impl fmt::Debug for FakeTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeTransport").field("hosts", &self.hosts.len()).finish_non_exhaustive()
    }
}

// === impl FakeDialed ===

impl FakeDialed<'_> {
    async fn log_in(mut self, deadline: Deadline) -> Result<Box<dyn Session>, Error> {
        let (host, script) = (self.host, self.script);
        self.attempt.enter();
        if let Some(phase) = script.hang {
            tokio::time::sleep_until(deadline.instant()).await;
            self.attempt.done = true;
            return Err(failed(ErrorKind::Timeout, phase, host));
        }
        self.attempt.done = true;
        if let Some(failure) = script.failure.filter(|failure| self.nth < failure.times) {
            return Err(failed(failure.kind, failure.phase, host));
        }
        let record = self.attempt.record.clone();
        // Before there is a session: a host counts once.
        drop(self.attempt);
        lock(&record).push(host.name(), Event::Connected);
        let mut peer = Peer { user: host.user().map(str::to_owned), ..Peer::default() };
        peer.timings.add(Phase::Connect, script.connect_delay);
        Ok(Box::new(FakeSession::new(host.clone(), script, peer, record)))
    }
}

impl Dialed for FakeDialed<'_> {
    fn log_in<'a>(self: Box<Self>, deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Session>, Error>>
    where
        Self: 'a,
    {
        Box::pin(FakeDialed::log_in(*self, deadline))
    }
}

// === impl Attempt ===

impl Attempt {
    fn enter(&mut self) {
        self.active = true;
        lock(&self.record).enter();
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut record = lock(&self.record);
        record.no_longer_connecting(&self.gateway);
        if self.active {
            record.leave();
        }
        if !self.done {
            record.push(&self.host, Event::Dropped);
        }
    }
}

/// What passes by itself says so, as a real transport's errors do.
pub(super) fn failed(kind: ErrorKind, phase: Phase, host: &Host) -> Error {
    let error = Error::new(kind, phase, host);
    match kind {
        ErrorKind::Broken | ErrorKind::Timeout | ErrorKind::Unreachable | ErrorKind::Resolve => {
            error.with_hint(RetryHint::Backoff)
        }
        _ => error,
    }
}

pub(super) fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
