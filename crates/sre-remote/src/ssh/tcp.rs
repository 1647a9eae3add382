//! The TCP connection underneath.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use sre_core::RetryHint;
use tokio::net::TcpStream;

use super::link::Socket;
use super::refusal::timed_out;
use crate::deadline::{Deadline, Elapsed};
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::phase::Phase;

/// An address that does not answer may not use up the time of those after it.
const SHORTEST_TRY: Duration = Duration::from_millis(250);
/// How long sent data may stay unacknowledged: libssh2 does not count the answers to its keepalives, so the kernel
/// finds out who is gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// When the kernel asks a silent peer whether it is still there, and after how many questions it gives up
/// (`ServerAliveInterval` and `ServerAliveCountMax`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alive {
    pub(super) interval: Duration,
    pub(super) count: u32,
}

/// A connected socket, ready for libssh2.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) socket: Socket,
    pub(super) address: SocketAddr,
}

/// The addresses of a name, in the resolver's order.
pub(super) async fn resolve(host: &Host, name: &str, port: u16, deadline: Deadline) -> Result<Vec<SocketAddr>, Error> {
    let literal = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
    if let Ok(address) = literal.parse() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = deadline.limit(tokio::net::lookup_host((literal, port))).await;
    let found = found.map_err(|Elapsed| timed_out(Phase::Resolve, host))?;
    let found = found.map_err(|e| {
        let again = e.to_string().contains("Temporary failure");
        let error = Error::new(ErrorKind::Resolve, Phase::Resolve, host).with_detail(format!("`{name}`: {e}"));
        if again { error.with_hint(RetryHint::Backoff) } else { error }
    })?;
    let addresses = found.collect::<Vec<_>>();
    if addresses.is_empty() {
        return Err(
            Error::new(ErrorKind::Resolve, Phase::Resolve, host).with_detail(format!("`{name}` has no address"))
        );
    }
    Ok(addresses)
}

/// Connects to the first address that answers.
pub(super) async fn connect(
    host: &Host,
    addresses: &[SocketAddr],
    alive: Option<Alive>,
    deadline: Deadline,
) -> Result<Connected, Error> {
    let mut last = None;
    for (i, address) in addresses.iter().enumerate() {
        let share = deadline.remaining() / u32::try_from(addresses.len() - i).unwrap_or(1);
        let attempt = deadline.within(share.max(SHORTEST_TRY)).limit(TcpStream::connect(*address)).await;
        match attempt {
            Ok(Ok(stream)) => return prepared(stream, *address, alive).map_err(|e| refused(host, *address, &e)),
            Ok(Err(e)) => last = Some(refused(host, *address, &e)),
            Err(Elapsed) => {
                last = Some(timed_out(Phase::Connect, host).with_detail(format!("no answer from {address}")))
            }
        }
    }
    Err(last.unwrap_or_else(|| timed_out(Phase::Connect, host)))
}

fn prepared(stream: TcpStream, address: SocketAddr, alive: Option<Alive>) -> std::io::Result<Connected> {
    // Nagle and delayed acknowledgements together cost 40 ms a round trip.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    match alive {
        Some(Alive { interval, count }) => {
            let probes = TcpKeepalive::new().with_time(interval).with_interval(interval).with_retries(count.max(1));
            socket.set_tcp_keepalive(&probes)?;
            socket.set_tcp_user_timeout(Some(interval * count.max(1)))?;
        }
        None => {
            socket.set_keepalive(true)?;
            socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
        }
    }
    Ok(Connected { socket: Socket::Tcp(stream), address })
}

fn refused(host: &Host, address: SocketAddr, e: &std::io::Error) -> Error {
    let advice = match e.kind() {
        std::io::ErrorKind::ConnectionRefused => "; is its SSH server running, and on this port?",
        std::io::ErrorKind::HostUnreachable | std::io::ErrorKind::NetworkUnreachable => {
            "; is there a way to it from here, or only by a jump host?"
        }
        _ => "",
    };
    // A host that reboots refuses for a while; a name that points nowhere does so for ever, and cheaply.
    Error::new(ErrorKind::Unreachable, Phase::Connect, host)
        .with_detail(format!("{address}: {e}{advice}"))
        .with_hint(RetryHint::Backoff)
}
