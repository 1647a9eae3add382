//! What a configuration says about one host.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::jump::Jump;
use crate::problem::Place;

/// The settings of one host. `None` is what no line says; defaults are the transport's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostSettings {
    /// Where to connect: `HostName` with its tokens replaced, in lower case; the name itself when no line says
    /// otherwise.
    pub host_name: String,
    /// `User`
    pub user: Option<String>,
    /// `Port`
    pub port: Option<u16>,
    /// `IdentityFile`, in order, without repetitions. Empty after `IdentityFile none`: no key files at all.
    pub identity_files: Option<Vec<PathBuf>>,
    /// `IdentitiesOnly`: of the agent's keys only those in `identity_files`.
    pub identities_only: Option<bool>,
    /// `IdentityAgent`
    pub identity_agent: Option<IdentityAgent>,
    /// `ProxyJump`, the hop nearest to us first. Empty after `none`: directly. See also
    /// [`SshConfig::route`](super::SshConfig::route).
    pub proxy_jump: Option<Vec<Jump>>,
    /// `ConnectTimeout`; zero is no limit.
    pub connect_timeout: Option<Duration>,
    /// `StrictHostKeyChecking`
    pub strict_host_key_checking: Option<StrictHostKeyChecking>,
    /// `UserKnownHostsFile`; empty after `none`.
    pub user_known_hosts_files: Option<Vec<PathBuf>>,
    /// `GlobalKnownHostsFile`; empty after `none`.
    pub global_known_hosts_files: Option<Vec<PathBuf>>,
    /// `HostKeyAlias`: the name to look for in known_hosts, in lower case and without a port.
    pub host_key_alias: Option<String>,
    /// `HashKnownHosts`
    pub hash_known_hosts: Option<bool>,
    /// `ServerAliveInterval`; zero is never.
    pub server_alive_interval: Option<Duration>,
    /// `ServerAliveCountMax`
    pub server_alive_count_max: Option<u32>,
    /// `BatchMode`
    pub batch_mode: Option<bool>,
    /// `PreferredAuthentications`, as written
    pub preferred_authentications: Option<Vec<String>>,
    /// `PubkeyAuthentication`; its `unbound` and `host-bound` count as yes.
    pub pubkey_authentication: Option<bool>,
    /// `PasswordAuthentication`
    pub password_authentication: Option<bool>,
    /// `KbdInteractiveAuthentication`
    pub kbd_interactive_authentication: Option<bool>,
    /// Lines that are about this host and have no effect here. To be shown once a place, however many hosts they are
    /// about.
    pub unsupported: Vec<Unsupported>,
}

/// `IdentityAgent`: where the agent's socket is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityAgent {
    /// No agent is asked.
    None,
    /// The socket that this environment variable names.
    Environment(String),
    /// This socket.
    Socket(PathBuf),
}

/// `StrictHostKeyChecking`: what to do with a host whose key is not known. A changed key is refused by all but `No`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StrictHostKeyChecking {
    /// Refuse it.
    Yes,
    /// Add it.
    AcceptNew,
    /// Ask on the terminal; without one, refuse it.
    Ask,
    /// Add it, and let changed keys pass.
    No,
}

/// A line that changes how a host is reached or trusted, and that has no effect here. `Display` says so, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unsupported {
    place: Place,
    keyword: &'static str,
}

// === impl HostSettings ===

impl HostSettings {
    /// Whether a way to log in may be tried: `publickey`, `password` or `keyboard-interactive`, by its own switch and by
    /// `PreferredAuthentications`.
    #[must_use]
    pub fn allows(&self, method: &str) -> bool {
        let switch = match method {
            "publickey" => self.pubkey_authentication,
            "password" => self.password_authentication,
            "keyboard-interactive" => self.kbd_interactive_authentication,
            _ => None,
        };
        let listed = self.preferred_authentications.as_ref().is_none_or(|all| all.iter().any(|m| m == method));
        listed && switch != Some(false)
    }
}

// === impl Unsupported ===

impl Unsupported {
    pub(super) fn new(place: Place, keyword: &'static str) -> Self {
        Self { place, keyword }
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Which keyword.
    #[must_use]
    pub fn keyword(&self) -> &str {
        self.keyword
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} has no effect here; where it matters, use --transport openssh", self.place, self.keyword)
    }
}
