//! What a caller may set.

use std::path::PathBuf;
use std::time::Duration;

use sre_core::secret::Secret;

use super::host_key::HostKeyPolicy;
use crate::ssh_config::SshConfig;

/// Settings of an [`SshTransport`](super::SshTransport). Everything comes from here: the environment, the home folder and
/// `~/.ssh` are read by nobody else.
///
/// ```
/// use std::time::Duration;
/// use sre_remote::ssh::{HostKeyPolicy, KeyFile, PhaseLimits, SshOptions};
/// let options = SshOptions::new()
///     .with_user("sre")
///     .with_key(KeyFile::new("/home/me/.ssh/id_ed25519"))
///     .with_known_hosts(["/home/me/.ssh/known_hosts"])
///     .with_host_keys(HostKeyPolicy::Strict)
///     .with_limits(PhaseLimits::default().with_connect(Duration::from_secs(3)));
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SshOptions {
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) keys: Vec<KeyFile>,
    pub(super) default_keys: Vec<KeyFile>,
    pub(super) password: Option<Secret>,
    pub(super) agent: Option<PathBuf>,
    pub(super) known_hosts: Vec<PathBuf>,
    pub(super) host_keys: Option<HostKeyPolicy>,
    pub(super) hash_known_hosts: bool,
    pub(super) jump: Option<String>,
    pub(super) config: Option<SshConfig>,
    pub(super) limits: PhaseLimits,
}

/// A private key in a file.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KeyFile {
    /// Where it is.
    pub path: PathBuf,
    /// What opens it, when it is encrypted.
    pub passphrase: Option<Secret>,
}

/// How long each phase may take. The host's own deadline ends them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhaseLimits {
    /// Name resolution; 5 s.
    pub resolve: Duration,
    /// The TCP connection, over all addresses of the name; 5 s. `ConnectTimeout` of `~/.ssh/config` wins for its hosts.
    pub connect: Duration,
    /// Version banner and key exchange; 10 s.
    pub handshake: Duration,
    /// Login; 20 s, as a person may have to touch a token.
    pub auth: Duration,
    /// Opening a channel and having the command accepted; 10 s.
    pub exec: Duration,
}

// === impl SshOptions ===

impl SshOptions {
    /// No user, no key, no known host: what is not set is asked of the inventory and `~/.ssh/config`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The login name where the inventory names none.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The port where the inventory names none.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// A key to log in with, tried before all others. It must be there and open.
    #[must_use]
    pub fn with_key(mut self, key: KeyFile) -> Self {
        self.keys.push(key);
        self
    }

    /// Keys that are used when they exist and open without a question (`~/.ssh/id_ed25519` and so on).
    #[must_use]
    pub fn with_default_keys<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.default_keys.extend(paths.into_iter().map(KeyFile::new));
        self
    }

    /// A password, tried after all keys (`password` and `keyboard-interactive`).
    #[must_use]
    pub fn with_password(mut self, password: Secret) -> Self {
        self.password = Some(password);
        self
    }

    /// The socket of the user's agent (`SSH_AUTH_SOCK`).
    #[must_use]
    pub fn with_agent(mut self, socket: impl Into<PathBuf>) -> Self {
        self.agent = Some(socket.into());
        self
    }

    /// The files with known host keys, the first of which takes new ones.
    #[must_use]
    pub fn with_known_hosts<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.known_hosts = paths.into_iter().map(Into::into).collect();
        self
    }

    /// What to do about host keys; [`HostKeyPolicy::Strict`] when not set and `~/.ssh/config` does not say.
    #[must_use]
    pub fn with_host_keys(mut self, policy: HostKeyPolicy) -> Self {
        self.host_keys = Some(policy);
        self
    }

    /// Whether names are hashed in lines that are added (`HashKnownHosts`).
    #[must_use]
    pub fn with_hashed_known_hosts(mut self, hashed: bool) -> Self {
        self.hash_known_hosts = hashed;
        self
    }

    /// Hosts to go through, as `ProxyJump` writes them (`bastion`, `me@b1:2222,b2`), where neither inventory nor
    /// `~/.ssh/config` names any. `none` goes directly.
    #[must_use]
    pub fn with_jump(mut self, jump: impl Into<String>) -> Self {
        self.jump = Some(jump.into());
        self
    }

    /// What `~/.ssh/config` says.
    #[must_use]
    pub fn with_config(mut self, config: SshConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// The time limits.
    #[must_use]
    pub fn with_limits(mut self, limits: PhaseLimits) -> Self {
        self.limits = limits;
        self
    }
}

// === impl KeyFile ===

impl KeyFile {
    /// A key that is not encrypted.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), passphrase: None }
    }

    /// One that is.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: Secret) -> Self {
        self.passphrase = Some(passphrase);
        self
    }
}

// === impl PhaseLimits ===

impl Default for PhaseLimits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { resolve: seconds(5), connect: seconds(5), handshake: seconds(10), auth: seconds(20), exec: seconds(10) }
    }
}

impl PhaseLimits {
    /// For the TCP connection.
    #[must_use]
    pub fn with_connect(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }

    /// For name resolution.
    #[must_use]
    pub fn with_resolve(mut self, limit: Duration) -> Self {
        self.resolve = limit;
        self
    }

    /// For banner and key exchange.
    #[must_use]
    pub fn with_handshake(mut self, limit: Duration) -> Self {
        self.handshake = limit;
        self
    }

    /// For the login.
    #[must_use]
    pub fn with_auth(mut self, limit: Duration) -> Self {
        self.auth = limit;
        self
    }

    /// For opening a channel.
    #[must_use]
    pub fn with_exec(mut self, limit: Duration) -> Self {
        self.exec = limit;
        self
    }
}
