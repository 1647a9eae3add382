//! A TCP proxy in front of a real server that harms what the server says, at any byte.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::server::Counts;

/// What happens to a connection; bytes are counted from the server's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// Nothing.
    None,
    /// After so many bytes of the server, both sides are closed.
    CutAfter(u64),
    /// After so many bytes of the server, both sides are reset.
    ResetAfter(u64),
    /// After so many bytes of the server, nothing passes in either direction, and nothing is closed.
    StallAfter(u64),
    /// After so many bytes of the server, each further one comes alone, after that much time.
    DripAfter(u64, Duration),
}

/// A proxy on a free port of 127.0.0.1, stopped when dropped.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

// === impl Proxy ===

impl Proxy {
    /// Starts it in front of `server`.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start(server: SocketAddr, mishap: Mishap) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind a free port");
        let addr = listener.local_addr().expect("the address that was bound");
        let counts = Arc::new(Counts::default());
        let accepting = tokio::spawn(accept(listener, server, mishap, counts.clone()));
        Self { addr, counts, accepting }
    }

    /// Where it listens. Its `known_hosts` line is the server's key under this port.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections it has taken.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.counts.accepted()
    }

    /// How many of them the client has not closed yet.
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

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, mishap: Mishap, counts: Arc<Counts>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let open = counts.enter();
        connections.spawn(async move {
            relay(client, server, mishap).await.ok();
            drop(open);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn relay(client: TcpStream, server: SocketAddr, mishap: Mishap) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut client_reader, client_writer) = client.into_split();
    let (server_reader, mut server_writer) = server.into_split();
    let harmed = {
        let up = tokio::io::copy(&mut client_reader, &mut server_writer);
        let down = harm(server_reader, client_writer, mishap);
        tokio::pin!(up, down);
        tokio::select! {
            // The client has closed, or broken off.
            _ = &mut up => return Ok(()),
            harmed = &mut down => harmed?,
        }
    };
    if let Some(_kept_open) = harmed {
        // Stalled: what the client sends goes nowhere, until it closes.
        let mut nowhere = tokio::io::sink();
        tokio::io::copy(&mut client_reader, &mut nowhere).await?;
    }
    Ok(())
}

/// Passes on what the server says; returns the ends to be kept open when it stalls.
async fn harm(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mishap: Mishap,
) -> io::Result<Option<(OwnedReadHalf, OwnedWriteHalf)>> {
    let whole = match mishap {
        Mishap::None => u64::MAX,
        Mishap::CutAfter(bytes)
        | Mishap::ResetAfter(bytes)
        | Mishap::StallAfter(bytes)
        | Mishap::DripAfter(bytes, _) => bytes,
    };
    let mut buffer = vec![0; 64 * 1024];
    let mut passed = 0;
    while passed < whole {
        let room = usize::try_from(whole - passed).unwrap_or(usize::MAX).min(buffer.len());
        let len = from.read(&mut buffer[..room]).await?;
        if len == 0 {
            return Ok(None);
        }
        to.write_all(&buffer[..len]).await?;
        passed += len as u64;
    }
    match mishap {
        Mishap::StallAfter(_) => return Ok(Some((from, to))),
        Mishap::ResetAfter(_) => to.as_ref().set_zero_linger()?,
        Mishap::DripAfter(_, every) => loop {
            let mut byte = [0];
            if from.read(&mut byte).await? == 0 {
                break;
            }
            tokio::time::sleep(every).await;
            to.write_all(&byte).await?;
        },
        Mishap::None | Mishap::CutAfter(_) => {}
    }
    Ok(None)
}
