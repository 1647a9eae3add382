//! Addresses where nobody answers: one that refuses, one that swallows every connection attempt.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// A listener whose accept queue is full: the kernel drops every further SYN, so that a connect neither succeeds nor fails.
///
/// It stands for a blackholed network: what a firewall that drops packets looks like to a client.
#[derive(Debug)]
pub struct Blackhole {
    addr: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

// === impl Blackhole ===

impl Blackhole {
    /// Fills the accept queue of a fresh port and keeps it full until dropped.
    ///
    /// # Panics
    /// When the kernel still accepts connections after 16 of them.
    pub async fn start() -> Self {
        let socket = TcpSocket::new_v4().expect("make a socket");
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("bind a free port of 127.0.0.1");
        let listener = socket.listen(1).expect("listen");
        let addr = listener.local_addr().expect("the address that was bound");
        let mut queued = Vec::new();
        // Linux queues one connection more than the backlog says; other kernels round up.
        for _ in 0..16 {
            match tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(addr)).await {
                Ok(Ok(stream)) => queued.push(stream),
                Ok(Err(error)) => panic!("cannot fill the accept queue of {addr}: {error}"),
                Err(_) => return Self { addr, _listener: listener, _queued: queued },
            }
        }
        panic!("the accept queue of {addr} did not fill up")
    }

    /// Where connects hang.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The same as an `http://` URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

/// An `http://` URL of this host where nothing listens: a connect is refused at once.
///
/// # Panics
/// When no port can be bound.
#[must_use]
pub fn refused_url() -> String {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a free port of 127.0.0.1");
    let addr = listener.local_addr().expect("the address that was bound");
    drop(listener);
    format!("http://{addr}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn refused_refuses_and_the_blackhole_swallows() {
        let refused = refused_url();
        let error = TcpStream::connect(refused.trim_start_matches("http://")).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);

        let hole = Blackhole::start().await;
        let connect = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(hole.addr())).await;
        assert!(connect.is_err(), "{connect:?}");
    }
}
