//! How a host is reached: the two traits that every transport implements.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use sre_core::Target;

use crate::command::Command;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::exec::{ExecContext, OutputSink};
use crate::exit::Exit;
use crate::host::Host;
use crate::phase::Phase;
use crate::timings::Timings;

/// The future of an object-safe async method.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A transport shared by all hosts of a run.
pub type SharedTransport = Arc<dyn Transport>;

/// Opens sessions. One for a whole run: what is loaded once (keys, known hosts, `~/.ssh/config`) lives here.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Connects, verifies the host and logs in, once: whether to try again is the caller's decision
    /// ([`Classify::retry_hint`](sre_core::Classify::retry_hint) and [`delivery`](sre_core::Classify::delivery) help).
    ///
    /// # Errors
    /// With the phase in which it failed. By class: connection (no address, refused, reset, timed out), auth (host key,
    /// credentials), application (not SSH, not supported).
    ///
    /// # Cancel safety
    /// Dropping the future closes the socket.
    fn connect<'a>(&'a self, host: &'a Host, deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Session>, Error>>;

    /// Connects as far as the server's first words, for callers that bound how many hosts they work on: what says nothing
    /// need not count. Transports that cannot stop there leave everything to [`Dialed::log_in`], as this one does.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// Dropping the future closes the socket.
    fn dial<'a>(&'a self, host: &'a Host, _deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Dialed + 'a>, Error>> {
        Box::pin(async move { Ok(Box::new(Undialed { transport: self, host }) as Box<dyn Dialed + 'a>) })
    }

    /// Waits for what still goes on in the background, such as killing commands on hosts that are slow to answer: a few
    /// seconds at most. To be called at the end of a run.
    fn settle(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// The name of the jump host that connections to `host` go through first: the fan-out bounds how many at a time.
    fn gateway(&self, _host: &Host) -> Option<String> {
        None
    }
}

/// A host that answers, before the login. Dropping it closes the connection.
pub trait Dialed: fmt::Debug + Send {
    /// Verifies the host and logs in.
    ///
    /// # Errors
    /// As [`Transport::connect`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the socket.
    fn log_in<'a>(self: Box<Self>, deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Session>, Error>>
    where
        Self: 'a;
}

/// A transport that connects and logs in at one go.
#[derive(Debug)]
struct Undialed<'t, T: ?Sized> {
    transport: &'t T,
    host: &'t Host,
}

impl<T: Transport + ?Sized> Dialed for Undialed<'_, T> {
    fn log_in<'a>(self: Box<Self>, deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Session>, Error>>
    where
        Self: 'a,
    {
        Box::pin(async move { self.transport.connect(self.host, deadline).await })
    }
}

/// A logged-in connection to one host. Several commands may run on it, one after the other.
pub trait Session: fmt::Debug + Send {
    /// Where it goes and how long getting there took.
    fn peer(&self) -> &Peer;

    /// Runs a command to its end and hands its output to `sink` while it runs.
    ///
    /// # Errors
    /// When it was not started ([`ErrorKind::ExecRefused`]), when the time was over or the
    /// interrupt was thrown (its process group was killed first), when the connection broke. A command that ends, in
    /// whatever way, is an [`Exit`], not an error.
    fn exec<'a>(
        &'a mut self,
        command: &'a Command,
        context: &'a ExecContext,
        sink: &'a mut dyn OutputSink,
    ) -> BoxFuture<'a, Result<Exit, Error>>;

    /// Writes a local file to a path by the protocol's own file transfer (SFTP), without a shell on the host. No
    /// temporary name, no checksum: the transfer module adds them.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the transport or the server has none.
    fn write_file<'a>(
        &'a mut self,
        from: &'a Path,
        to: &'a str,
        mode: u32,
        context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// Reads a file of the host into a local one, likewise.
    ///
    /// # Errors
    /// As [`write_file`](Self::write_file).
    fn read_file<'a>(
        &'a mut self,
        from: &'a str,
        to: &'a Path,
        context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// Renames a file of the host over another, likewise.
    ///
    /// # Errors
    /// As [`write_file`](Self::write_file).
    fn rename_file<'a>(
        &'a mut self,
        from: &'a str,
        to: &'a str,
        context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Removes a file of the host, likewise.
    ///
    /// # Errors
    /// As [`write_file`](Self::write_file).
    fn remove_file<'a>(&'a mut self, path: &'a str, _context: &'a ExecContext) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { Err(Error::about(ErrorKind::Unsupported, Phase::Transfer, Target::new(path))) })
    }

    /// Says good-bye, within a short time of its own. Dropping a session instead closes its socket at once.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Where a session goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The address that answered; none where there is no network in between, or a jump host resolved it.
    pub address: Option<SocketAddr>,
    /// The login name that was accepted.
    pub user: Option<String>,
    /// What the server showed before the login, where the transport can tell: libssh2 keeps it only when the server was
    /// asked for its login methods, which a key that is accepted at once makes unnecessary.
    pub banner: Option<String>,
    /// How long connecting took, by phase.
    pub timings: Timings,
}
