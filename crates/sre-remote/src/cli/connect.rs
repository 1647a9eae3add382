//! How hosts are reached.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use sre_core::{Secret, duration};

use super::error::Error;
use crate::command::Sudo;
use crate::local::LocalTransport;
use crate::openssh::{OpenSshOptions, OpenSshTransport};
use crate::ssh::{HostKeyPolicy, KeyFile, PhaseLimits, SshOptions, SshTransport};
use crate::ssh_config::{Disk, Local, SshConfig};
use crate::transport::SharedTransport;

/// How hosts are reached, for all that the inventory and `~/.ssh/config` leave open.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
#[non_exhaustive]
pub struct ConnectArgs {
    /// Login name [default: your own, or what ~/.ssh/config says]
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Port of the SSH server [default: 22]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Private key, tried before all others; may be repeated
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,
    /// File whose first line is the login password
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Hosts to go through: bastion, me@b1:2222,b2
    #[arg(long, value_name = "HOSTS")]
    pub jump: Option<String>,
    /// What carries the connection
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    pub transport: TransportKind,
    /// What to do about host keys: strict, accept-new or off [default: strict, or what ~/.ssh/config says]
    #[arg(long, value_name = "POLICY")]
    pub host_key: Option<HostKeyPolicy>,
    /// Time to connect, and then to exchange keys [default: 5s, then 10s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub connect_timeout: Option<Duration>,
    /// File whose first line is given to sudo when it asks
    #[arg(long, value_name = "FILE")]
    pub sudo_password_file: Option<PathBuf>,
    /// Read this instead of ~/.ssh/config and /etc/ssh/ssh_config; none reads neither
    #[arg(long, value_name = "FILE")]
    pub ssh_config: Option<PathBuf>,
}

/// What carries the connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum TransportKind {
    /// SSH, built in
    #[default]
    Ssh,
    /// The system's ssh, for what the built-in one cannot do
    Openssh,
    /// No connection: everything runs on this machine, whatever the hosts are called
    Local,
}

/// What the process was given, and libraries do not read by themselves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Surroundings {
    /// The home folder.
    pub home: PathBuf,
    /// The login name on this machine.
    pub user: String,
    /// The socket of the user's agent (`SSH_AUTH_SOCK`).
    pub agent: Option<PathBuf>,
}

/// What `ssh` tries when nothing else is said, in its order.
const DEFAULT_KEYS: [&str; 3] = ["id_rsa", "id_ecdsa", "id_ed25519"];

/// What `ssh` reads after the user's (ssh_config(5), `GlobalKnownHostsFile`).
const SYSTEM_KNOWN_HOSTS: [&str; 2] = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

// === impl Surroundings ===

impl Surroundings {
    /// From the environment's variables.
    pub fn new(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let user = set("USER").or_else(|| set("LOGNAME")).unwrap_or_else(|| "root".to_owned());
        let home = set("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        Self { home, user, agent: set("SSH_AUTH_SOCK").map(PathBuf::from) }
    }
}

// === impl ConnectArgs ===

impl ConnectArgs {
    /// The transport that these flags ask for. Keys and `~/.ssh/config` are read now.
    ///
    /// # Errors
    /// A file that cannot be read or has mistakes; a key that cannot be used.
    pub fn transport(&self, surroundings: &Surroundings) -> Result<SharedTransport, Error> {
        match self.transport {
            TransportKind::Ssh => self.ssh(surroundings),
            TransportKind::Openssh => self.openssh(surroundings),
            TransportKind::Local => Ok(Arc::new(LocalTransport::new())),
        }
    }

    /// How commands become root.
    ///
    /// # Errors
    /// A password file that cannot be read.
    pub fn sudo(&self) -> Result<Sudo, Error> {
        let sudo = Sudo::root();
        match &self.sudo_password_file {
            Some(path) => Ok(sudo.with_password(password("--sudo-password-file", path)?)),
            None => Ok(sudo),
        }
    }

    fn ssh(&self, surroundings: &Surroundings) -> Result<SharedTransport, Error> {
        let folder = surroundings.home.join(".ssh");
        let system = SYSTEM_KNOWN_HOSTS.map(PathBuf::from);
        let mut options = SshOptions::new()
            .with_config(self.config(surroundings)?)
            .with_known_hosts([folder.join("known_hosts"), folder.join("known_hosts2")].into_iter().chain(system))
            .with_default_keys(DEFAULT_KEYS.map(|name| folder.join(name)));
        if let Some(user) = &self.username {
            options = options.with_user(user);
        }
        if let Some(port) = self.port {
            options = options.with_port(port);
        }
        for key in &self.key {
            options = options.with_key(KeyFile::new(key));
        }
        if let Some(path) = &self.password_file {
            options = options.with_password(password("--password-file", path)?);
        }
        if let Some(agent) = &surroundings.agent {
            options = options.with_agent(agent);
        }
        if let Some(policy) = self.host_key {
            options = options.with_host_keys(policy);
        }
        if let Some(jump) = &self.jump {
            options = options.with_jump(jump);
        }
        if let Some(limit) = self.connect_timeout {
            // A host that takes the connection and is silent shall cost no more than one that does not answer at all:
            // OpenSSH's ConnectTimeout covers the key exchange, too.
            options = options.with_limits(PhaseLimits::default().with_connect(limit).with_handshake(limit));
        }
        let transport = SshTransport::new(options).map_err(|e| Error::new(e.to_string()))?;
        Ok(Arc::new(transport))
    }

    fn openssh(&self, surroundings: &Surroundings) -> Result<SharedTransport, Error> {
        if self.password_file.is_some() {
            return Err(Error::new(
                "--password-file works with --transport ssh only: the system's ssh takes no password",
            ));
        }
        let mut options = OpenSshOptions::new();
        if let Some(user) = &self.username {
            options = options.with_user(user);
        }
        if let Some(port) = self.port {
            options = options.with_port(port);
        }
        for key in &self.key {
            options = options.with_key(key);
        }
        if let Some(agent) = &surroundings.agent {
            options = options.with_agent(agent);
        }
        if let Some(policy) = self.host_key {
            options = options.with_host_keys(policy);
        }
        if let Some(jump) = &self.jump {
            options = options.with_jump(jump);
        }
        if let Some(limit) = self.connect_timeout {
            options = options.with_connect(limit);
        }
        if let Some(file) = &self.ssh_config {
            // `ssh -F none` reads nothing, too.
            options = options.with_config_file(file);
        }
        let transport = OpenSshTransport::new(options).map_err(|e| Error::new(e.to_string()))?;
        Ok(Arc::new(transport))
    }

    fn config(&self, surroundings: &Surroundings) -> Result<SshConfig, Error> {
        let local = Local::new(&surroundings.home, &surroundings.user);
        let read = match &self.ssh_config {
            Some(none) if none.as_os_str() == "none" => return Ok(SshConfig::empty(&local)),
            Some(path) => SshConfig::load(path, crate::ssh_config::Scope::User, &local, &Disk),
            None => SshConfig::load_default(&local, &Disk),
        };
        read.map_err(|e| Error::new(e.to_string()))
    }
}

/// The first line of a file, at most 4 KiB of it.
fn password(flag: &str, path: &Path) -> Result<Secret, Error> {
    use std::io::Read as _;
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|e| Error::file(flag, path, &e))?;
    file.take(4096).read_to_string(&mut text).map_err(|e| Error::file(flag, path, &e))?;
    match text.lines().next().filter(|line| !line.is_empty()) {
        Some(line) => Ok(Secret::new(line)),
        None => Err(Error::new(format!("{} is empty ({flag})", path.display()))),
    }
}
