//! One libssh2 session on one socket: waiting for readiness, deadlines, and a way to end it at once.

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use socket2::SockRef;
use ssh2::{BlockDirections, ErrorCode, Session};
use tokio::io::{Interest, Ready};
use tokio::net::{TcpStream, UnixStream};

use crate::deadline::{Deadline, Elapsed};

/// `LIBSSH2_ERROR_EAGAIN`.
const EAGAIN: i32 = -37;

/// A session with its socket. Dropping it shuts the socket down first, since libssh2 would otherwise try to say
/// good-bye over it.
pub(super) struct Link {
    session: Session,
    socket: Arc<Socket>,
    had_channel: AtomicBool,
}

/// What a session runs over. libssh2 reads and writes the descriptor itself; tokio only watches it.
#[derive(Debug)]
pub(super) enum Socket {
    /// The network.
    Tcp(TcpStream),
    /// A jump host's channel.
    Pair(UnixStream),
}

/// Why a step of libssh2 did not come to its end.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The deadline passed.
    Elapsed,
    /// libssh2 says so.
    Refused(ssh2::Error),
}

// === impl Link ===

impl Link {
    /// A session over a connected socket.
    ///
    /// # Errors
    /// When libssh2 has no memory.
    pub(super) fn new(socket: Socket) -> Result<Self, ssh2::Error> {
        let socket = Arc::new(socket);
        let mut session = Session::new()?;
        session.set_tcp_stream(Descriptor(Arc::clone(&socket)));
        session.set_blocking(false);
        Ok(Self { session, socket, had_channel: AtomicBool::new(false) })
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Whether a channel was open on it before.
    pub(super) fn had_channel(&self) -> bool {
        self.had_channel.load(Ordering::Relaxed)
    }

    /// Remembers that one was.
    pub(super) fn note_channel(&self) {
        self.had_channel.store(true, Ordering::Relaxed);
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Repeats a step of libssh2 whenever the socket is ready, until it is done or the deadline passes.
    pub(super) async fn drive<T>(
        &self,
        deadline: Deadline,
        mut step: impl FnMut(&Session) -> Result<T, ssh2::Error>,
    ) -> Result<T, Stopped> {
        let waiting = async {
            loop {
                match step(&self.session) {
                    Err(e) if would_block(&e) => {}
                    done => return done,
                }
                if self.wait().await.is_err() {
                    // The socket cannot be watched any more: libssh2 finds out by itself.
                    return step(&self.session);
                }
            }
        };
        deadline.limit(waiting).await.map_err(|Elapsed| Stopped::Elapsed)?.map_err(Stopped::Refused)
    }

    /// Does a step that sends several packets, and has them travel together: each on its own would cost the server a
    /// wake-up and both sides a few microseconds.
    pub(super) fn gathered<T>(&self, step: impl FnOnce(&Session) -> T) -> T {
        self.socket.cork(true);
        let done = step(&self.session);
        self.socket.cork(false);
        done
    }

    /// Waits until the socket may be ready for what libssh2 waits for. The caller then tries everything again: readiness
    /// is forgotten here, and news since then wake the next wait.
    ///
    /// Reading is always waited for, too: a server that cannot get rid of its output takes no input.
    ///
    /// # Cancel safety
    /// Safe.
    pub(super) async fn wait(&self) -> io::Result<()> {
        let interest =
            if self.is_send_blocked() { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        let ready = self.socket.ready(interest).await?;
        self.socket.forget(ready);
        Ok(())
    }

    /// Whether the last operation left a packet half sent. libssh2 then wants the same operation again before any other.
    pub(super) fn is_send_blocked(&self) -> bool {
        matches!(self.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both)
    }

    /// Whether the other side has closed or reset the connection, and all it said was read.
    pub(super) fn is_gone(&self) -> bool {
        let peeked = recv(self.descriptor(), &mut [0], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT);
        !matches!(peeked, Ok(1..) | Err(Errno::EAGAIN))
    }

    /// Ends the connection at once: whatever libssh2 still wants to say then fails instead of waiting.
    pub(super) fn shut_down(&self) {
        let _ = match &*self.socket {
            Socket::Tcp(stream) => SockRef::from(stream).shutdown(Shutdown::Both),
            Socket::Pair(stream) => SockRef::from(stream).shutdown(Shutdown::Both),
        };
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("socket", &self.socket).finish_non_exhaustive()
    }
}

// === impl Socket ===

impl Socket {
    /// Waits until there is something to read, without reading it.
    pub(super) async fn heard(&self) {
        // What cannot be watched, reading finds out.
        let _ = self.ready(Interest::READABLE).await;
    }

    async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match self {
            Self::Tcp(stream) => stream.ready(interest).await,
            Self::Pair(stream) => stream.ready(interest).await,
        }
    }

    /// Holds back what is sent until it is let go: `TCP_CORK`, which wins over `TCP_NODELAY`. Where it is refused, packets
    /// just travel alone.
    fn cork(&self, cork: bool) {
        if let Self::Tcp(stream) = self {
            let _ = SockRef::from(stream).set_tcp_cork(cork);
        }
    }

    /// Makes the next wait look at news only. tokio forgets readiness when an operation says that it would block.
    fn forget(&self, ready: Ready) {
        let would_block = || io::Result::<()>::Err(io::ErrorKind::WouldBlock.into());
        for (is_ready, interest) in
            [(ready.is_readable(), Interest::READABLE), (ready.is_writable(), Interest::WRITABLE)]
        {
            if is_ready {
                let _ = match self {
                    Self::Tcp(stream) => stream.try_io(interest, would_block),
                    Self::Pair(stream) => stream.try_io(interest, would_block),
                };
            }
        }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Pair(stream) => stream.as_raw_fd(),
        }
    }
}

/// The libssh2 session's share of the socket.
struct Descriptor(Arc<Socket>);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Whether libssh2 only waits for the socket.
pub(super) fn would_block(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(EAGAIN)
}
