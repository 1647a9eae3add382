//! The scripted server itself: accepts, records, asks the handler, keeps connections alive, stops when dropped.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::reply::Reply;
use super::request::{self, Request};
use super::tls::Identity;
use super::write::{self, After, Wire};

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A server on a free port of 127.0.0.1, run by the tokio runtime it was started in.
///
/// A test that blocks its thread (for instance while it waits for a child process) needs
/// `#[tokio::test(flavor = "multi_thread")]`, or nobody is left to answer.
pub struct Server {
    addr: SocketAddr,
    identity: Option<Identity>,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    handler: Box<Handler>,
    log: Mutex<Vec<Request>>,
    arrived: Notify,
    connections: AtomicUsize,
}

// === impl Server ===

impl Server {
    /// Starts a plain HTTP server.
    ///
    /// # Panics
    /// When no port can be bound.
    #[expect(clippy::unused_async, reason = "it needs a runtime, and callers await every start alike")]
    pub async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(handler, None)
    }

    /// Starts an HTTPS server for `127.0.0.1` and `localhost`, with a certificate of a CA of its own: see [`Server::ca_pem`].
    ///
    /// # Panics
    /// When no port can be bound.
    #[expect(clippy::unused_async, reason = "it needs a runtime, and callers await every start alike")]
    pub async fn start_tls(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(handler, Some(Identity::generate(false)))
    }

    /// Starts an HTTPS server that lets in only clients with the certificate of [`Server::client_identity_pem`].
    ///
    /// # Panics
    /// When no port can be bound.
    #[expect(clippy::unused_async, reason = "it needs a runtime, and callers await every start alike")]
    pub async fn start_mtls(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(handler, Some(Identity::generate(true)))
    }

    /// `http://127.0.0.1:PORT`, or `https://…` with TLS.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.identity.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    /// The address that it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The certificate that a client has to trust.
    ///
    /// # Panics
    /// When the server speaks no TLS.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.identity.as_ref().expect("a server with TLS").ca_pem
    }

    /// Certificate and key of the client that [`Server::start_mtls`] lets in.
    ///
    /// # Panics
    /// When the server speaks no TLS.
    #[must_use]
    pub fn client_identity_pem(&self) -> &str {
        &self.identity.as_ref().expect("a server with TLS").client_pem
    }

    /// Every request so far, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log().clone()
    }

    /// How many requests have arrived.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.log().len()
    }

    /// How many connections have been accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Waits until `n` requests have arrived.
    pub async fn wait_for_requests(&self, n: usize) {
        loop {
            let arrived = self.shared.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if self.count() >= n {
                return;
            }
            arrived.await;
        }
    }

    fn listen(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static, identity: Option<Identity>) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a free port of 127.0.0.1");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let listener = TcpListener::from_std(listener).expect("a runtime with I/O");
        let addr = listener.local_addr().expect("the address that was bound");
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            log: Mutex::new(Vec::new()),
            arrived: Notify::new(),
            connections: AtomicUsize::new(0),
        });
        let acceptor = identity.as_ref().map(|identity| TlsAcceptor::from(Arc::clone(&identity.server)));
        let accepting = tokio::spawn(accept(listener, acceptor, Arc::clone(&shared)));
        Self { addr, identity, shared, accepting }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The connections are children of this task and end with it.
        self.accepting.abort();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.url()).field("requests", &self.count()).finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    fn log(&self) -> MutexGuard<'_, Vec<Request>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, request: &mut Request) {
        let mut log = self.log();
        request.nth = log.len();
        log.push(request.clone());
        drop(log);
        self.arrived.notify_waiters();
    }
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((tcp, _)) = accepted else { continue };
                let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(connect(tcp, acceptor.clone(), Arc::clone(&shared), number));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(tcp: TcpStream, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>, number: usize) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    match acceptor {
        None => serve(tcp, &shared, number).await,
        Some(acceptor) => serve(acceptor.accept(tcp).await?, &shared, number).await,
    }
}

async fn serve<W: Wire>(mut wire: W, shared: &Shared, number: usize) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    loop {
        let mut request = match request::read(&mut wire, &mut buffer).await {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let answer = format!("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n{error}\n");
                wire.write_all(answer.as_bytes()).await?;
                return wire.shutdown().await;
            }
            Err(error) => return Err(error),
        };
        request.connection = number;
        shared.record(&mut request);
        let reply = (shared.handler)(&request);
        match write::write(&mut wire, &request, reply).await? {
            After::KeepAlive => {}
            After::Close => return wire.shutdown().await,
            After::Drop => return Ok(()),
            After::Reset => return wire.tcp().set_zero_linger(),
        }
    }
}
