//! What a caller may set.

use std::path::PathBuf;
use std::time::Duration;

use crate::ssh::HostKeyPolicy;

/// Settings of an [`OpenSshTransport`](super::OpenSshTransport). What is not set is left to `ssh` and its configuration.
///
/// ```
/// use sre_remote::openssh::OpenSshOptions;
/// use sre_remote::ssh::HostKeyPolicy;
/// let options = OpenSshOptions::new().with_user("sre").with_jump("bastion").with_host_keys(HostKeyPolicy::Strict);
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenSshOptions {
    pub(super) program: PathBuf,
    pub(super) config_file: Option<PathBuf>,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) keys: Vec<PathBuf>,
    pub(super) agent: Option<PathBuf>,
    pub(super) known_hosts: Vec<PathBuf>,
    pub(super) host_keys: Option<HostKeyPolicy>,
    pub(super) jump: Option<String>,
    pub(super) connect: Duration,
    pub(super) login: Duration,
    pub(super) sockets: PathBuf,
}

// === impl OpenSshOptions ===

impl Default for OpenSshOptions {
    fn default() -> Self {
        Self {
            program: "ssh".into(),
            config_file: None,
            user: None,
            port: None,
            keys: Vec::new(),
            agent: None,
            known_hosts: Vec::new(),
            host_keys: None,
            jump: None,
            connect: Duration::from_secs(5),
            login: Duration::from_secs(40),
            sockets: "/tmp".into(),
        }
    }
}

impl OpenSshOptions {
    /// The `ssh` of the search path with its own configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another `ssh`.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// A configuration file in the place of the user's and the system's (`ssh -F`).
    #[must_use]
    pub fn with_config_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.config_file = Some(file.into());
        self
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

    /// A key file to log in with, besides those of the configuration. An encrypted one needs an agent: nothing is asked.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<PathBuf>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// The agent's socket, when it is not the one of `SSH_AUTH_SOCK`.
    #[must_use]
    pub fn with_agent(mut self, socket: impl Into<PathBuf>) -> Self {
        self.agent = Some(socket.into());
        self
    }

    /// The files with known host keys in the place of the configuration's; the first of them takes new ones.
    #[must_use]
    pub fn with_known_hosts<P: Into<PathBuf>>(mut self, files: impl IntoIterator<Item = P>) -> Self {
        self.known_hosts = files.into_iter().map(Into::into).collect();
        self
    }

    /// What to do about host keys. Not set: what the configuration says, and what it would ask about is refused.
    #[must_use]
    pub fn with_host_keys(mut self, policy: HostKeyPolicy) -> Self {
        self.host_keys = Some(policy);
        self
    }

    /// Hosts to go through, as `ssh -J` takes them, where the inventory names none; wins over the configuration's.
    #[must_use]
    pub fn with_jump(mut self, jump: impl Into<String>) -> Self {
        self.jump = Some(jump.into());
        self
    }

    /// For connecting, in whole seconds, at least one (`ConnectTimeout`); 5 s. It includes the wait for the server's
    /// version; through jump hosts each has it anew.
    #[must_use]
    pub fn with_connect(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }

    /// For everything up to the login, jump hosts included; 40 s.
    #[must_use]
    pub fn with_login(mut self, limit: Duration) -> Self {
        self.login = limit;
        self
    }

    /// Where the private folder for sockets is made; `/tmp`. A short path: a socket's has at most 107 bytes, and `ssh`
    /// needs some of them.
    #[must_use]
    pub fn with_socket_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.sockets = folder.into();
        self
    }
}
