//! The running server.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::unistd::{Uid, User};
use tempfile::TempDir;

use super::builder::Builder;
use super::config::Config;
use super::descendants;
use super::keys::{KeyPair, KeySpec};
use super::users::PasswordUser;
use crate::peers::program;
use crate::process::{Process, free_port};

const PATIENCE: Duration = Duration::from_secs(30);
const TRIES: usize = 5;
const PORT_TAKEN: &str = "Address already in use";

/// A running `sshd`; stopped, with every process it started, when dropped.
#[derive(Debug)]
pub struct Sshd {
    // Dropped in this order: the accounts and the folder after the processes that use them.
    process: Option<Process>,
    users: Vec<PasswordUser>,
    host_keys: Vec<KeyPair>,
    builder: Builder,
    port: u16,
    marker: String,
    home: PathBuf,
    earlier_log: String,
    dir: TempDir,
}

// === impl Sshd ===

impl Sshd {
    /// A well-behaved server, on 127.0.0.1.
    ///
    /// # Panics
    /// When OpenSSH is not installed or the server does not start.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Settings for another one.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) async fn start_with(builder: Builder) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let dir = TempDir::with_prefix("sre-sshd-").expect("a folder for sshd");
        // Accounts have their homes below.
        open_to_all(dir.path());
        let home = dir.path().join("home");
        fs::create_dir(&home).expect("create a home");
        let users = builder.passwords.iter().map(|password| PasswordUser::create(dir.path(), password)).collect();
        let host_key = |spec: &KeySpec| {
            let name = format!("host_{}", spec.key_type().suffix());
            KeyPair::generate(dir.path(), &name, spec)
        };
        let host_keys = builder.host_key_types.iter().map(|&key_type| host_key(&KeySpec::new(key_type))).collect();
        let marker = format!("SRE_SSHD_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut server =
            Self { process: None, users, host_keys, builder, port: 0, marker, home, earlier_log: String::new(), dir };
        server.write_files();
        server.run_somewhere().await;
        server
    }

    /// Where it listens; with [`Builder::any_loopback_address`], any other address of 127.0.0.0/8 will do as well.
    ///
    /// # Panics
    /// When the builder was given what is no address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        let first = self.builder.addresses.first().map_or("127.0.0.1", String::as_str);
        let address = if first == "0.0.0.0" { "127.0.0.1" } else { first };
        SocketAddr::new(address.parse().expect("an address to listen on"), self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The user that keys log in: the one who runs the test.
    ///
    /// # Panics
    /// When that user has no name.
    #[must_use]
    pub fn user(&self) -> String {
        User::from_uid(Uid::effective()).ok().flatten().expect("the name of this user").name
    }

    /// Accounts with a password, in the order of [`Builder::password_user`].
    #[must_use]
    pub fn password_users(&self) -> &[PasswordUser] {
        &self.users
    }

    /// `$HOME` of the commands that keys log in for. They start in the user's real home nevertheless.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A temporary folder for the test's own files, which goes with the server.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A new private key that it accepts.
    ///
    /// # Panics
    /// When the key cannot be made.
    #[must_use]
    pub fn client_key(&self, spec: &KeySpec) -> KeyPair {
        let pair = self.stranger_key(spec);
        self.authorize(&pair);
        pair
    }

    /// A new private key that it does not accept.
    ///
    /// # Panics
    /// When the key cannot be made.
    #[must_use]
    pub fn stranger_key(&self, spec: &KeySpec) -> KeyPair {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        KeyPair::generate(self.dir.path(), &format!("id_{}", COUNT.fetch_add(1, Ordering::Relaxed)), spec)
    }

    /// Accepts a key from now on, for every user.
    ///
    /// # Panics
    /// When its file cannot be written.
    pub fn authorize(&self, key: &KeyPair) {
        let path = self.dir.path().join("authorized_keys");
        let keys = fs::read_to_string(&path).expect("read authorized_keys");
        fs::write(&path, format!("{keys}{}\n", key.public())).expect("write authorized_keys");
    }

    /// The host keys, in the order of [`Builder::host_key_types`].
    #[must_use]
    pub fn host_keys(&self) -> &[KeyPair] {
        &self.host_keys
    }

    /// The lines of `known_hosts` for it under that name or address, one a host key.
    #[must_use]
    pub fn known_hosts_line(&self, host: &str) -> String {
        self.host_keys.iter().map(|key| key.known_hosts_line(host, self.port) + "\n").collect()
    }

    /// Writes a `known_hosts` that has it under those names or addresses.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn known_hosts_file(&self, hosts: &[&str]) -> PathBuf {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let path = self.dir.path().join(format!("known_hosts_{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let lines: String = hosts.iter().map(|host| self.known_hosts_line(host)).collect();
        fs::write(&path, lines).expect("write known_hosts");
        path
    }

    /// What it has logged, also before a restart.
    #[must_use]
    pub fn log(&self) -> String {
        let now = self.process.as_ref().map(Process::output).unwrap_or_default();
        format!("{}{now}", self.earlier_log)
    }

    /// How many connections it has taken; those refused by `MaxStartups` do not count.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.log().lines().filter(|line| line.starts_with("Connection from ")).count()
    }

    /// How many connections are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.process.as_ref().map_or(0, |process| descendants::children(process.pid()).len())
    }

    /// The processes that logins have started and that are still there, also those that their session left behind.
    #[must_use]
    pub fn remote_processes(&self) -> Vec<u32> {
        descendants::marked(&self.marker)
    }

    /// Stops listening and ends every connection; [`Sshd::restart`] brings it back on the same port.
    pub fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            descendants::kill_tree(process.pid(), &self.marker);
            self.earlier_log.push_str(&process.output());
        }
    }

    /// Stops it, with its connections, and starts it again on the same port.
    ///
    /// # Panics
    /// When it does not come back, for instance because somebody else took the port.
    pub async fn restart(&mut self) {
        self.stop();
        if let Err(error) = self.run().await {
            panic!("sshd did not come back: {error}");
        }
    }

    /// Gives it new host keys of the same types and restarts it: from now on it is another host.
    ///
    /// # Panics
    /// When it does not come back.
    pub async fn change_host_keys(&mut self) {
        for (key, &key_type) in self.host_keys.iter_mut().zip(&self.builder.host_key_types) {
            let name = key.path().file_name().and_then(|name| name.to_str()).expect("a file name").to_owned() + "_new";
            *key = KeyPair::generate(self.dir.path(), &name, &KeySpec::new(key_type));
        }
        self.restart().await;
    }

    fn write_files(&self) {
        let write = |name: &str, text: &str| {
            fs::write(self.dir.path().join(name), text).expect("write a file of sshd");
        };
        write("authorized_keys", "");
        if let Some(banner) = &self.builder.banner {
            write("banner", banner);
        }
        if let Some(script) = self.builder.login.wrapper() {
            write("login", &script);
            open_to_all(&self.dir.path().join("login"));
        }
        // Where privilege separation locks itself up; a freshly installed package has not made it yet.
        if Uid::effective().is_root() {
            fs::create_dir_all("/run/sshd").expect("create /run/sshd");
        }
    }

    async fn run_somewhere(&mut self) {
        let mut failure = String::new();
        for _ in 0..TRIES {
            self.port = free_port();
            match self.run().await {
                Ok(()) => return,
                Err(error) if error.contains(PORT_TAKEN) => failure = error,
                Err(error) => panic!("{error}"),
            }
        }
        panic!("no free port for sshd in {TRIES} tries: {failure}")
    }

    async fn run(&mut self) -> Result<(), String> {
        let config = self.dir.path().join("sshd_config");
        fs::write(&config, self.config()).expect("write sshd_config");
        let sshd = program("sshd");
        let mut command = Command::new(&sshd);
        command.args(["-D", "-e", "-f"]).arg(&config).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        if knows_penalties(&sshd, &config) {
            command.args(["-o", "PerSourcePenalties=no"]);
        }
        let mut process = Process::start("sshd", &mut command);
        // Not by its log, which may be turned off, and not by a connection, which would be counted.
        let (log, addresses, port) = (process.output_file(), self.builder.addresses.len(), self.port);
        let settled =
            async || listeners(port) >= addresses || fs::read_to_string(&log).unwrap_or_default().contains(PORT_TAKEN);
        process.wait_until_ready(PATIENCE, settled).await?;
        // One address that it could not bind is no reason for sshd to end, and who listens there may be somebody else.
        if process.output().contains(PORT_TAKEN) || process.exit_status().is_some() {
            return Err(format!("{}\n{PORT_TAKEN}, as it seems", process.output()));
        }
        self.process = Some(process);
        Ok(())
    }

    fn config(&self) -> String {
        let mut options = self.builder.options.clone();
        if self.builder.banner.is_some() {
            options.push(("Banner".to_owned(), self.dir.path().join("banner").display().to_string()));
        }
        let config = Config {
            dir: self.dir.path(),
            home: &self.home,
            marker: &self.marker,
            addresses: &self.builder.addresses,
            port: self.port,
            host_keys: self.host_keys.iter().map(KeyPair::path).collect(),
            options: &options,
            sftp: self.builder.sftp,
            login: &self.builder.login,
            users: &self.users,
        };
        config.render()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // The process stays in place: its own drop shows the log of a test that panics.
        if let Some(process) = &self.process {
            descendants::kill_tree(process.pid(), &self.marker);
        }
    }
}

/// How many sockets listen on that port, over IPv4 (`/proc/net/tcp`: local address, remote address, state 0A).
fn listeners(port: u16) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let listens = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(3) == Some(&"0A") && fields.get(1).is_some_and(|local| local.ends_with(&format!(":{port:04X}")))
    };
    table.lines().filter(listens).count()
}

fn open_to_all(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("set permissions");
}

/// OpenSSH 9.8 and later shuts out an address that fails often: all hosts of a test have one address in common.
fn knows_penalties(sshd: &Path, config: &Path) -> bool {
    let mut test = Command::new(sshd);
    test.args(["-t", "-o", "PerSourcePenalties=no", "-f"]).arg(config);
    test.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
