//! What kind of server a test wants.

use std::time::Duration;

use super::keys::KeyType;
use super::login::Login;
use super::server::Sshd;

/// Settings of a server that is not started yet; the defaults are a well-behaved server on 127.0.0.1 with an Ed25519
/// host key, SFTP, and limits too high to be met.
#[derive(Debug, Clone)]
pub struct Builder {
    pub(super) addresses: Vec<String>,
    pub(super) options: Vec<(String, String)>,
    pub(super) host_key_types: Vec<KeyType>,
    pub(super) sftp: bool,
    pub(super) banner: Option<String>,
    pub(super) login: Login,
    pub(super) passwords: Vec<String>,
}

// === impl Builder ===

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            addresses: vec!["127.0.0.1".to_owned()],
            options: Vec::new(),
            host_key_types: vec![KeyType::Ed25519],
            sftp: true,
            banner: None,
            login: Login::default(),
            passwords: Vec::new(),
        }
    }

    /// Any option of `sshd_config`, which wins over ours: `.option("MaxStartups", "2:100:2")`.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.options.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Listens on every address, so that 127.0.1.1, 127.0.1.2, … are as many hosts.
    #[must_use]
    pub fn any_loopback_address(self) -> Self {
        self.listen_on(&["0.0.0.0"])
    }

    /// Listens on these addresses only (OpenSSH takes at most 16), such as 127.0.7.1.
    #[must_use]
    pub fn listen_on(mut self, addresses: &[&str]) -> Self {
        self.addresses = addresses.iter().map(|&address| address.to_owned()).collect();
        self
    }

    /// At most so many channels in one connection (`MaxSessions`).
    #[must_use]
    pub fn max_sessions(self, sessions: usize) -> Self {
        self.option("MaxSessions", &sessions.to_string())
    }

    /// What is logged (`LogLevel`); [`Sshd::connections`] needs VERBOSE, the default, or more.
    #[must_use]
    pub fn log_level(self, level: &str) -> Self {
        self.option("LogLevel", level)
    }

    /// No SFTP subsystem.
    #[must_use]
    pub fn no_sftp(mut self) -> Self {
        self.sftp = false;
        self
    }

    /// Sends the text before authentication.
    #[must_use]
    pub fn banner(mut self, text: &str) -> Self {
        self.banner = Some(text.to_owned());
        self
    }

    /// Prints the text after a login that has a terminal or no command, as profile scripts do.
    ///
    /// OpenSSH itself prints `/etc/motd` only where there is no command, and no other file.
    #[must_use]
    pub fn motd(mut self, text: &str) -> Self {
        self.login.motd = Some(text.to_owned());
        self
    }

    /// Runs this instead of whatever the client asks for.
    #[must_use]
    pub fn force_command(mut self, command: &str) -> Self {
        self.login.force_command = Some(command.to_owned());
        self
    }

    /// Waits after the login, before the command or subsystem: a profile on a dead file server.
    #[must_use]
    pub fn login_delay(mut self, delay: Duration) -> Self {
        self.login.delay = Some(delay);
        self
    }

    /// Prints `Welcome to this host` on stdout and stderr before every command and subsystem, as a careless profile
    /// does.
    #[must_use]
    pub fn noisy_shell(mut self) -> Self {
        self.login.noise = Some("Welcome to this host".to_owned());
        self
    }

    /// The host keys that there are, made afresh.
    #[must_use]
    pub fn host_key_types(mut self, types: &[KeyType]) -> Self {
        self.host_key_types = types.to_vec();
        self
    }

    /// Adds a throw-away account that may log in with this password: see [`Sshd::password_users`].
    ///
    /// The server does not start unless the test runs as root.
    #[must_use]
    pub fn password_user(mut self, password: &str) -> Self {
        self.passwords.push(password.to_owned());
        self
    }

    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// When OpenSSH is not installed or the server does not start.
    pub async fn start(self) -> Sshd {
        Sshd::start_with(self).await
    }
}
