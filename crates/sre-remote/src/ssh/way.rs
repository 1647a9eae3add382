//! A connection on its way to a host, machine by machine, and how long each phase took.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::jump::{self, Pump};
use super::link::{Link, Socket};
use super::refusal::timed_out;
use super::session::SshSession;
use super::tcp;
use super::transport::Shared;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::host::Host;
use crate::phase::Phase;
use crate::timings::Timings;
use crate::transport::{BoxFuture, Dialed, Peer, Session};

/// How far it came.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) host: &'a Host,
    pub(super) deadline: Deadline,
    pub(super) timings: Timings,
}

/// A server that has said its first words.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) socket: Socket,
    /// What is left of the time for the handshake.
    pub(super) left: Duration,
}

/// A host that answers: all machines on the way are passed.
#[derive(Debug)]
pub(super) struct SshDialed<'a> {
    pub(super) shared: Arc<Shared>,
    pub(super) way: Way<'a>,
    pub(super) endpoint: Endpoint,
    pub(super) heard: Heard,
    pub(super) through: Vec<Pump>,
    pub(super) peer: Peer,
}

// === impl Way ===

impl Way<'_> {
    pub(super) async fn timed<T>(&mut self, phase: Phase, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let done = work.await;
        self.timings.add(phase, started.elapsed());
        done
    }

    pub(super) async fn connect(&mut self, endpoint: &Endpoint, resolve: Duration) -> Result<tcp::Connected, Error> {
        let (host, resolving) = (self.host, self.deadline.within(resolve));
        let found = tcp::resolve(host, &endpoint.address, endpoint.port, resolving);
        let addresses = self.timed(Phase::Resolve, found).await?;
        let deadline = self.deadline.within(endpoint.connect);
        self.timed(Phase::Connect, tcp::connect(host, &addresses, endpoint.alive, deadline)).await
    }

    pub(super) async fn pass(&mut self, link: Link, jump: &str, to: &Endpoint) -> Result<(Socket, Pump), Error> {
        let (host, deadline) = (self.host, self.deadline.within(to.connect));
        self.timed(Phase::Connect, jump::through(link, host, jump, (&to.address, to.port), deadline)).await
    }

    /// Waits for the server's first words, and leaves them where they are.
    pub(super) async fn hear(&mut self, socket: Socket, limit: Duration) -> Result<Heard, Error> {
        let (host, deadline) = (self.host, self.deadline.within(limit));
        self.timed(Phase::Handshake, deadline.limit(socket.heard())).await.map_err(|_| {
            let why = "connected, and the server said nothing (overloaded, or not SSH)";
            timed_out(Phase::Handshake, host).with_detail(why)
        })?;
        Ok(Heard { socket, left: deadline.remaining() })
    }
}

// === impl SshDialed ===

impl SshDialed<'_> {
    pub(super) async fn into_session(mut self, deadline: Deadline) -> Result<SshSession, Error> {
        self.way.deadline = deadline;
        let link = self.shared.log_in(&mut self.way, &self.endpoint, self.heard).await?;
        self.peer.banner = link.session().userauth_banner().ok().flatten().map(str::to_owned);
        self.peer.timings = self.way.timings;
        Ok(SshSession::new(link, self.through, self.way.host.clone(), self.peer, self.shared))
    }
}

impl Dialed for SshDialed<'_> {
    fn log_in<'a>(self: Box<Self>, deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Session>, Error>>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let (started, before) = (Instant::now(), self.way.timings.total());
            let session = self.into_session(deadline).await.map_err(|e| e.with_elapsed(before + started.elapsed()))?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }
}
