//! The socket that libssh2 asks, and the thread behind it.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::super::keys::SigningKey;
use super::protocol;
use super::upstream::Upstream;

/// One key that can be offered to a server.
#[derive(Debug, Clone)]
pub(in crate::ssh) struct Identity {
    /// The public half as SSH writes it.
    pub(in crate::ssh) blob: Arc<[u8]>,
    /// For people.
    pub(in crate::ssh) comment: Arc<str>,
    /// Whether signing may take long: it happens in the user's agent.
    pub(in crate::ssh) is_slow: bool,
    key: Option<Arc<SigningKey>>,
}

/// The agent of one run. Its socket is in a private folder and answers this process only; both go when it is dropped.
#[derive(Debug)]
pub(in crate::ssh) struct OwnAgent {
    shared: Arc<Shared>,
    socket: PathBuf,
    upstream_keys: OnceCell<Result<Vec<Identity>, String>>,
    stop: CancellationToken,
    _folder: TempDir,
}

#[derive(Debug)]
struct Shared {
    identities: RwLock<Vec<Identity>>,
    upstream: Option<Upstream>,
}

// === impl OwnAgent ===

impl OwnAgent {
    /// Starts it; `upstream` is the socket of the user's agent.
    ///
    /// # Errors
    /// When no private folder or thread can be made.
    pub(in crate::ssh) fn start(upstream: Option<&Path>) -> io::Result<Self> {
        let folder = private_folder()?;
        let socket = folder.path().join("agent");
        let listener = std::os::unix::net::UnixListener::bind(&socket)?;
        listener.set_nonblocking(true)?;
        let identities = RwLock::new(Vec::new());
        let shared = Arc::new(Shared { identities, upstream: upstream.map(Upstream::new) });
        let stop = CancellationToken::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (served, stopped) = (Arc::clone(&shared), stop.clone());
        // A thread of its own: libssh2 blocks its caller until the answer is there.
        std::thread::Builder::new().name("ssh-agent".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, served) => {}
                    () = stopped.cancelled() => {}
                }
            });
        })?;
        Ok(Self { shared, socket, upstream_keys: OnceCell::new(), stop, _folder: folder })
    }

    /// Where libssh2 finds it.
    pub(in crate::ssh) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Adds a key from a file; the same key twice is one identity.
    pub(in crate::ssh) fn add(&self, key: SigningKey) -> Identity {
        let identity = Identity {
            blob: key.blob().into(),
            comment: key.comment().into(),
            is_slow: false,
            key: Some(Arc::new(key)),
        };
        let mut all = self.shared.identities.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A key that is in a file as well is quicker from there.
        all.retain(|known| known.blob != identity.blob);
        all.push(identity.clone());
        identity
    }

    /// The keys of the user's agent, asked for once.
    ///
    /// # Errors
    /// Why it does not answer, in words.
    pub(in crate::ssh) async fn upstream_identities(&self) -> Result<&[Identity], &str> {
        let asked = self.upstream_keys.get_or_init(|| async {
            let Some(upstream) = &self.shared.upstream else { return Ok(Vec::new()) };
            let keys = upstream.identities().await.map_err(|e| e.to_string())?;
            let mut all = self.shared.identities.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            let slow = keys.into_iter().map(|(blob, comment)| Identity {
                blob: blob.into(),
                comment: comment.into(),
                is_slow: true,
                key: None,
            });
            let slow = slow.filter(|new| all.iter().all(|known| known.blob != new.blob)).collect::<Vec<_>>();
            all.extend(slow.iter().cloned());
            Ok(slow)
        });
        asked.await.as_deref().map_err(String::as_str)
    }
}

impl Drop for OwnAgent {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A socket's path has 108 bytes at most, so a long `TMPDIR` is passed over.
fn private_folder() -> io::Result<TempDir> {
    let make = |parent: &Path| tempfile::Builder::new().prefix("sre-ssh-").tempdir_in(parent);
    let usual = std::env::temp_dir();
    let folder = if usual.as_os_str().len() < 70 { make(&usual) } else { make(Path::new("/tmp")) }?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700))?;
    Ok(folder)
}

async fn serve(listener: std::os::unix::net::UnixListener, shared: Arc<Shared>) {
    let Ok(listener) = UnixListener::from_std(listener) else { return };
    loop {
        match listener.accept().await {
            Ok((socket, _)) if is_ours(&socket) => {
                tokio::spawn(answer(socket, Arc::clone(&shared)));
            }
            Ok(_) => tracing::warn!("another process knocked at our key agent: refused"),
            // Out of file descriptors, most likely: others will be closed soon.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
}

fn is_ours(socket: &UnixStream) -> bool {
    getsockopt(socket, PeerCredentials).is_ok_and(|peer| u32::try_from(peer.pid()) == Ok(std::process::id()))
}

async fn answer(mut socket: UnixStream, shared: Arc<Shared>) {
    while let Ok(Some(message)) = protocol::read(&mut socket).await {
        let reply = shared.reply(&message).await.unwrap_or_else(|| vec![protocol::FAILURE]);
        if protocol::write(&mut socket, &reply).await.is_err() {
            return;
        }
    }
}

// === impl Shared ===

impl Shared {
    async fn reply(&self, message: &[u8]) -> Option<Vec<u8>> {
        if message.first() == Some(&protocol::REQUEST_IDENTITIES) {
            let all = self.identities.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            return Some(protocol::identities_answer(all.iter().map(|i| (&*i.blob, &*i.comment))));
        }
        let request = protocol::sign_request(message)?;
        let known = {
            let all = self.identities.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            all.iter().find(|i| *i.blob == *request.blob)?.clone()
        };
        match known.key {
            Some(key) => Some(protocol::sign_response(&key.sign(request.data, request.flags)?)),
            None => self.upstream.as_ref()?.sign(message).await.ok(),
        }
    }
}
