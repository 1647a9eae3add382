//! Hundreds of hosts: one sshd that listens on all of 127.0.0.0/8, and a few addresses that never answer.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use nix::unistd::{User, getuid};

use super::super::{
    processes::{Process, free_port},
    sample::scripts,
};
use crate::{place, step};

/// Hosts that never answer.
pub(super) const HOLES: usize = 5;

/// The servers and what their clients are given.
#[derive(Debug)]
pub(super) struct Fleet {
    /// Keys, `known_hosts`, `ssh_config`, lists of hosts.
    pub(super) dir: PathBuf,
    pub(super) port: u16,
    pub(super) user: String,
    hole_port: u16,
    _sshd: Process,
    _holes: Process,
}

// === impl Fleet ===

impl Fleet {
    /// Starts the servers, for up to `most` hosts.
    pub(super) fn start(dir: &Path, most: usize) -> Result<Self> {
        let user = User::from_uid(getuid())?.context("we have no user name")?.name;
        let (port, hole_port) = (free_port()?, free_port()?);
        for key in ["host", "id"] {
            let mut keygen = Command::new("ssh-keygen");
            step::run(key, keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f"]).arg(dir.join(key)))?;
        }
        fs::write(dir.join("sshd_config"), sshd_config(dir, port))?;
        let public = fs::read_to_string(dir.join("host.pub"))?;
        let public: Vec<&str> = public.split(' ').take(2).collect();
        let mut known = String::new();
        for (host, port) in hosts(most).map(|host| (host, port)).chain(holes().map(|host| (host, hole_port))) {
            let _ = writeln!(known, "[{host}]:{port} {}", public.join(" "));
        }
        fs::write(dir.join("known_hosts"), &known)?;
        // Where who takes no such option looks: this is everybody's home.
        fs::create_dir_all(dir.join(".ssh"))?;
        // bash reads the login's ~/.bashrc for sshd's commands: the caller's own may cost more than all the rest.
        fs::create_dir_all(dir.join("home"))?;
        fs::write(dir.join(".ssh/known_hosts"), known)?;
        fs::write(dir.join("ssh_config"), ssh_config(dir, port, hole_port, &user))?;
        // OpenSSH wants its empty folder, which Debian makes when its service starts.
        let _ = fs::create_dir("/run/sshd");
        let sshd = place::program("sshd").context("no sshd: run `cargo xtask peers`")?;
        let log = dir.join("sshd.log");
        let mut sshd = Process::start(Command::new(sshd).args(["-D", "-e", "-f"]).arg(dir.join("sshd_config")), &log)?;
        sshd.wait_for_port(port, &log)?;
        let mut black = Command::new("python3");
        black.arg("-I").arg(scripts().join("black_holes.py")).arg(hole_port.to_string()).args(holes());
        let holes = Process::start_until_ready(&mut black)?;
        Ok(Self { dir: dir.to_owned(), port, user, hole_port, _sshd: sshd, _holes: holes })
    }

    /// A file with that many hosts, one a line; black holes are spread among them if wanted.
    pub(super) fn hosts(&self, count: usize, with_holes: bool) -> Result<PathBuf> {
        let path = self.dir.join(format!("hosts-{count}{}", if with_holes { "-holes" } else { "" }));
        let lines = self.names(count, with_holes);
        fs::write(&path, lines.into_iter().map(|(host, own)| format!("{host}{own}\n")).collect::<String>())?;
        Ok(path)
    }

    /// The same without ports, for tools that take them from `ssh_config`.
    pub(super) fn bare_hosts(&self, count: usize, with_holes: bool) -> Result<PathBuf> {
        let path = self.hosts(count, with_holes)?.with_extension("bare");
        let lines = self.names(count, with_holes);
        fs::write(&path, lines.into_iter().map(|(host, _)| format!("{host}\n")).collect::<String>())?;
        Ok(path)
    }

    /// Ansible's inventory of the same.
    pub(super) fn inventory(&self, count: usize, with_holes: bool) -> Result<PathBuf> {
        let path = self.hosts(count, with_holes)?.with_extension("ini");
        let python = "ansible_python_interpreter=/usr/bin/python3";
        let mut text = "[all]\n".to_owned();
        for (host, own) in self.names(count, with_holes) {
            let port = own.strip_prefix(':').map_or_else(|| self.port.to_string(), str::to_owned);
            let _ = writeln!(text, "{host} ansible_port={port} ansible_user={} {python}", self.user);
        }
        fs::write(&path, text)?;
        Ok(path)
    }

    /// Addresses, with their own port where it is not sshd's.
    fn names(&self, count: usize, with_holes: bool) -> Vec<(String, String)> {
        let good = if with_holes { count - HOLES } else { count };
        let mut names: Vec<(String, String)> = hosts(good).map(|host| (host, String::new())).collect();
        if with_holes {
            for (i, hole) in holes().enumerate() {
                names.insert(i * good / HOLES + HOLES, (hole, format!(":{}", self.hole_port)));
            }
        }
        names
    }
}

fn hosts(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|i| format!("127.1.{}.{}", 1 + i / 250, 1 + i % 250))
}

fn holes() -> impl Iterator<Item = String> {
    (1..=HOLES).map(|i| format!("127.2.1.{i}"))
}

fn sshd_config(dir: &Path, port: u16) -> String {
    let dir = dir.display();
    format!(
        "Port {port}\nListenAddress 0.0.0.0\nHostKey {dir}/host\nPidFile none\nAuthorizedKeysFile {dir}/id.pub\n\
         StrictModes no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         UsePAM no\nUseDNS no\nMaxStartups 2000\nMaxSessions 1000\nLogLevel ERROR\nPrintMotd no\nPrintLastLog no\n\
         X11Forwarding no\nSubsystem sftp internal-sftp\nSetEnv HOME={dir}/home\n"
    )
}

fn ssh_config(dir: &Path, port: u16, hole_port: u16, user: &str) -> String {
    let dir = dir.display();
    format!(
        "Host 127.2.*\n  Port {hole_port}\nHost *\n  Port {port}\n  User {user}\n  IdentityFile {dir}/id\n  \
         IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile {dir}/known_hosts\n  \
         GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  UpdateHostKeys no\n  BatchMode yes\n  \
         ControlMaster no\n  LogLevel ERROR\n"
    )
}
