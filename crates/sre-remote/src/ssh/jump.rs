//! Connections through other hosts: libssh2 wants a real file descriptor, so each hop gets a socket pair and a task that
//! carries bytes between it and the hop's channel.

use std::io::{ErrorKind as IoKind, Read as _, Write as _};

use ssh2::Channel;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::link::{Link, Socket, Stopped};
use super::refusal::{from_stopped, timed_out};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::phase::Phase;

const AT_ONCE: usize = 32 * 1024;

/// A hop at work; dropping it ends its connection.
#[derive(Debug)]
pub(super) struct Pump {
    task: JoinHandle<()>,
}

/// Opens a way from a jump host to the next address, which the jump host resolves.
pub(super) async fn through(
    link: Link,
    host: &Host,
    jump: &str,
    to: (&str, u16),
    deadline: Deadline,
) -> Result<(Socket, Pump), Error> {
    let opened = link.drive(deadline, |session| session.channel_direct_tcpip(to.0, to.1, None)).await;
    let channel = opened.map_err(|stopped| match stopped {
        Stopped::Elapsed => {
            timed_out(Phase::Connect, host).with_detail(format!("{jump} did not reach {}:{} in time", to.0, to.1))
        }
        refused => {
            let error = from_stopped(refused, Phase::Connect, host);
            let detail = format!("{jump} cannot reach {}:{} ({})", to.0, to.1, error.detail());
            Error::new(ErrorKind::Unreachable, Phase::Connect, host).with_detail(detail)
        }
    })?;
    let broken = |e: std::io::Error| Error::new(ErrorKind::Broken, Phase::Connect, host).with_detail(e.to_string());
    let (ours, theirs) = UnixStream::pair().map_err(broken)?;
    let task = tokio::spawn(carry(link, channel, ours));
    Ok((Socket::Pair(theirs), Pump { task }))
}

// === impl Pump ===

impl Drop for Pump {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries bytes both ways until either side ends.
async fn carry(link: Link, channel: Channel, near: UnixStream) {
    let mut carrier = Carrier { link, channel, near, inbound: Buffer::new(), outbound: Buffer::new(), ended: false };
    let mut looked_again = false;
    while let Ok(progress) = carrier.round() {
        if carrier.ended && carrier.outbound.is_empty() {
            return;
        }
        // Writing, too, takes packets off the socket, which will not wake us for them again.
        let look_again = !progress && !looked_again && carrier.has_unread();
        looked_again = look_again;
        if progress || look_again {
            tokio::task::yield_now().await;
        } else if carrier.wait().await.is_err() {
            return;
        }
    }
}

/// The state of one hop. libssh2 wants an operation that left a packet half sent again before any other: reading can
/// do that (it widens the window) as well as writing, so whichever it was goes on first.
struct Carrier {
    link: Link,
    channel: Channel,
    near: UnixStream,
    inbound: Buffer,
    outbound: Buffer,
    ended: bool,
}

// === impl Carrier ===

impl Carrier {
    fn round(&mut self) -> std::io::Result<bool> {
        let mut progress = false;
        // A half-sent packet of ours: only writing it on is allowed.
        let writing_is_stuck = self.link.is_send_blocked() && !self.outbound.is_empty();
        if self.inbound.is_empty() && !writing_is_stuck {
            match self.channel.read(self.inbound.space()) {
                Ok(0) if self.channel.eof() => return Err(IoKind::UnexpectedEof.into()),
                Ok(n) => progress |= self.inbound.filled(n),
                Err(e) if e.kind() == IoKind::WouldBlock => {}
                Err(e) => return Err(e),
            }
            if self.link.is_send_blocked() {
                return Ok(progress);
            }
        }
        progress |= self.inbound.drain(|bytes| self.near.try_write(bytes))?;
        if self.outbound.is_empty() && !self.ended {
            match self.near.try_read(self.outbound.space()) {
                Ok(0) => self.ended = true,
                Ok(n) => progress |= self.outbound.filled(n),
                Err(e) if e.kind() == IoKind::WouldBlock => {}
                Err(e) => return Err(e),
            }
        }
        progress |= self.outbound.drain(|bytes| self.channel.write(bytes))?;
        Ok(progress)
    }

    fn has_unread(&self) -> bool {
        self.inbound.is_empty() && self.channel.read_window().available > 0
    }

    async fn wait(&self) -> std::io::Result<()> {
        let wanted = if self.inbound.is_empty() { Interest::READABLE } else { Interest::READABLE | Interest::WRITABLE };
        let far_only = self.ended || !self.outbound.is_empty() && self.inbound.is_empty();
        tokio::select! {
            far = self.link.wait() => far,
            near = self.near.ready(wanted), if !far_only => near.map(|_| ()),
        }
    }
}

/// Bytes on their way in one direction.
struct Buffer {
    bytes: Box<[u8]>,
    from: usize,
    to: usize,
}

// === impl Buffer ===

impl Buffer {
    fn new() -> Self {
        Self { bytes: vec![0; AT_ONCE].into_boxed_slice(), from: 0, to: 0 }
    }

    fn is_empty(&self) -> bool {
        self.from == self.to
    }

    fn space(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Notes what was read into [`space`](Self::space).
    fn filled(&mut self, count: usize) -> bool {
        (self.from, self.to) = (0, count);
        count > 0
    }

    /// Writes as much as is taken; whether anything was.
    fn drain(&mut self, mut write: impl FnMut(&[u8]) -> std::io::Result<usize>) -> std::io::Result<bool> {
        let mut moved = false;
        while !self.is_empty() {
            match write(&self.bytes[self.from..self.to]) {
                Ok(0) => return Ok(moved),
                Ok(n) => {
                    self.from += n;
                    moved = true;
                }
                Err(e) if e.kind() == IoKind::WouldBlock => return Ok(moved),
                Err(e) => return Err(e),
            }
        }
        Ok(moved)
    }
}
