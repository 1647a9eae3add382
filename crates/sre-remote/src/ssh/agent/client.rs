//! Asking an agent, which may be slow, ask its user, or hang.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::Semaphore;

use super::protocol;

/// A person may have to touch a token.
const SIGN_LIMIT: Duration = Duration::from_secs(20);
const LIST_LIMIT: Duration = Duration::from_secs(5);
/// Agents answer one at a time; a queue of ours is kinder than one in their socket.
const AT_ONCE: usize = 4;

/// The socket in `SSH_AUTH_SOCK`, or any agent's.
#[derive(Debug, Clone)]
pub(in crate::ssh) struct Agent {
    path: PathBuf,
    at_once: Arc<Semaphore>,
}

// === impl Agent ===

impl Agent {
    pub(in crate::ssh) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), at_once: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The keys that live there.
    pub(in crate::ssh) async fn identities(&self) -> io::Result<Vec<(Vec<u8>, String)>> {
        let answer = within(LIST_LIMIT, self.ask(&[protocol::REQUEST_IDENTITIES])).await?;
        protocol::identities(&answer)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its answer makes no sense"))
    }

    /// The value of a signature by the key `blob`, by an algorithm of SSH's name.
    pub(in crate::ssh) async fn sign(&self, blob: &[u8], algorithm: &str, data: &[u8]) -> io::Result<Vec<u8>> {
        let request = protocol::sign_request(blob, data, algorithm);
        let answer = {
            let _turn = self.at_once.acquire().await.map_err(io::Error::other)?;
            within(SIGN_LIMIT, self.ask(&request)).await?
        };
        let refused = || io::Error::new(io::ErrorKind::PermissionDenied, "it refused to sign");
        let (name, value) = protocol::signature(&answer).ok_or_else(refused)?;
        // An agent that does not know SHA-2 signs by SHA-1 (RFC 8332, section 2), which the server would not take.
        if name != algorithm.as_bytes() {
            let words = format!("it signed by {} instead of {algorithm}", String::from_utf8_lossy(name));
            return Err(io::Error::new(io::ErrorKind::Unsupported, words));
        }
        Ok(value.to_vec())
    }

    async fn ask(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        let mut socket = UnixStream::connect(&self.path).await?;
        protocol::write(&mut socket, message).await?;
        protocol::read(&mut socket).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
