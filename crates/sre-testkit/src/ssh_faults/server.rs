//! The scripted server: accepts, counts, and stops when dropped.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::connection::{Shared, serve};
use super::fault::Fault;
use super::kex::public_key;

/// An SSH server on a free port of 127.0.0.1 that misbehaves as it is told; every connection meets the same fault.
///
/// It is run by the tokio runtime it was started in: a test that blocks its thread needs
/// `#[tokio::test(flavor = "multi_thread")]`.
#[derive(Debug)]
pub struct FaultServer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
    dir: TempDir,
}

/// Connections, then and now.
#[derive(Debug, Default)]
pub(super) struct Counts {
    accepted: AtomicUsize,
    open: AtomicUsize,
}

/// Counts a connection as open for as long as it lives.
#[derive(Debug)]
pub(super) struct Open(Arc<Counts>);

// === impl FaultServer ===

impl FaultServer {
    /// Starts it.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start(fault: Fault) -> Self {
        let dir = TempDir::with_prefix("sre-fault-").expect("a folder for the server");
        let host_key = Ed25519KeyPair::generate().expect("a host key");
        let shared = Arc::new(Shared { fault, host_key, home: dir.path().into() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind a free port");
        let addr = listener.local_addr().expect("the address that was bound");
        let counts = Arc::new(Counts::default());
        let accepting = tokio::spawn(accept(listener, shared.clone(), counts.clone()));
        Self { addr, shared, counts, accepting, dir }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// The line of `known_hosts` for it under that name or address.
    #[must_use]
    pub fn known_hosts_line(&self, host: &str) -> String {
        format!("[{host}]:{} ssh-ed25519 {}\n", self.port(), STANDARD.encode(public_key(&self.shared.host_key)))
    }

    /// Writes a `known_hosts` that has it under those names or addresses.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn known_hosts_file(&self, hosts: &[&str]) -> PathBuf {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let path = self.dir.path().join(format!("known_hosts_{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let lines: String = hosts.iter().map(|host| self.known_hosts_line(host)).collect();
        fs::write(&path, lines).expect("write known_hosts");
        path
    }

    /// How many connections it has taken.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.counts.accepted()
    }

    /// How many connections are open now: one that the client has closed is not, as soon as that was noticed.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.counts.open()
    }

    /// Waits until no connection is open.
    ///
    /// # Panics
    /// When there is still one after `patience`: the client has leaked it.
    pub async fn wait_until_idle(&self, patience: Duration) {
        self.counts.wait_until_idle(patience).await;
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

// === impl Counts ===

impl Counts {
    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Counts one more.
    pub(super) fn enter(self: &Arc<Self>) -> Open {
        self.accepted.fetch_add(1, Ordering::SeqCst);
        self.open.fetch_add(1, Ordering::SeqCst);
        Open(self.clone())
    }

    pub(super) async fn wait_until_idle(&self, patience: Duration) {
        let idle = async {
            while self.open() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let idle = tokio::time::timeout(patience, idle).await;
        assert!(idle.is_ok(), "{} connections are still open after {patience:?}", self.open());
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, counts: Arc<Counts>) {
    // Dropped, and so ended, with this task.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, open) = (shared.clone(), counts.enter());
        connections.spawn(async move {
            serve(stream, shared).await;
            drop(open);
        });
        while connections.try_join_next().is_some() {}
    }
}
