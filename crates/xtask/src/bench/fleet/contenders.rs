//! Who runs: a name, a command, and how its answer is counted.

use std::{fs, path::Path};

use anyhow::Result;

use super::super::sample::scripts;
use super::servers::Fleet;
use crate::{peers::Venv, place};

/// Who is compared with, where Debian does not have it.
pub(super) const PYTHON: Venv = Venv::new(
    "bench-fleet-venv",
    &["ClusterShell==1.10.1", "parallel-ssh==2.16.0.post1", "asyncssh==2.24.1", "ansible-core==2.19.14"],
);

/// The same for all: enough to keep this machine busy.
pub(super) const FANOUT: usize = 64;
/// Seconds until a host that does not answer is given up, where there are such hosts.
pub(super) const CONNECT_TIMEOUT: u32 = 5;
/// Where there are none: a busy server is slow, and nobody shall lose a host to that.
const LONG_TIMEOUT: u32 = 60;

/// The state in our lines of JSON.
pub(super) const FLEET_RUN: Count = Count::Contains(r#""status":"ok""#);

const CURVE25519: &str = "KexAlgorithms=curve25519-sha256";

/// What all contenders of a scenario do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) hosts: usize,
    pub(super) with_holes: bool,
    pub(super) command: &'a str,
    /// Bytes of output that each host must have sent.
    pub(super) output: usize,
}

/// One way to do the work.
#[derive(Debug)]
pub(super) struct Contender {
    pub(super) name: &'static str,
    pub(super) command: Vec<String>,
    pub(super) count: Count,
    /// Whether it is held against ours: the floors with another key exchange are.
    pub(super) role: Role,
}

/// What a row is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Ours,
    Peer,
}

/// How the hosts that succeeded are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Lines of standard output that begin with this.
    Prefix(&'static str),
    /// Lines of standard output that contain this.
    Contains(&'static str),
    /// All hosts but those that standard error complains about with this.
    Complaints(&'static str),
}

/// Everybody who can do the job.
pub(super) fn all(job: Job<'_>) -> Result<Vec<Contender>> {
    let mut all = vec![fleet_run(job)?, asyncssh(job)?];
    all.push(parallel_ssh_library(job)?);
    all.push(xargs(job, true)?);
    all.push(xargs(job, false)?);
    all.push(clush(job)?);
    all.push(parallel_ssh(job)?);
    all.push(ansible(job)?);
    Ok(all)
}

/// The binary as it is shipped.
pub(super) fn fleet_run(job: Job<'_>) -> Result<Contender> {
    let mut command =
        fleet_run_command(job.fleet, &job.fleet.hosts(job.hosts, job.with_holes)?, timeout(job.with_holes))?;
    command.extend(words(&["-o", "jsonl", job.command]));
    Ok(Contender { name: "fleet-run", command, count: FLEET_RUN, role: Role::Ours })
}

/// `fleet-run` with all that does not depend on what it shall do.
pub(super) fn fleet_run_command(fleet: &Fleet, hosts: &Path, timeout: u32) -> Result<Vec<String>> {
    let mut command = vec![text(&place::shipped("fleet-run")?), "--servers".to_owned(), text(hosts)];
    command.extend(words(&["--workers", &FANOUT.to_string(), "--port", &fleet.port.to_string()]));
    command.extend(words(&["--username", &fleet.user, "--key", &text(&fleet.dir.join("id")), "--host-key", "strict"]));
    command.extend(words(&["--connect-timeout", &format!("{timeout}s"), "--retries", "0"]));
    command.extend(words(&["--no-audit", "--yes"]));
    Ok(command)
}

fn asyncssh(job: Job<'_>) -> Result<Contender> {
    let command = python(job, "fleet_asyncssh.py", &["run", job.command])?;
    Ok(Contender { name: "asyncssh", command, count: Count::Prefix("OK "), role: Role::Peer })
}

fn parallel_ssh_library(job: Job<'_>) -> Result<Contender> {
    let command = python(job, "fleet_parallel_ssh.py", &[job.command])?;
    Ok(Contender { name: "parallel-ssh (Python, libssh2)", command, count: Count::Prefix("OK "), role: Role::Peer })
}

/// A script of ours with the arguments that both take.
fn python(job: Job<'_>, script: &str, args: &[&str]) -> Result<Vec<String>> {
    let mut command = vec![text(&PYTHON.program("python")?), text(&scripts().join(script))];
    command.extend([text(&job.fleet.dir), text(&job.fleet.hosts(job.hosts, job.with_holes)?)]);
    command.extend(words(&[&job.fleet.port.to_string(), &job.fleet.user, &FANOUT.to_string()]));
    command.push(timeout(job.with_holes).to_string());
    command.extend(words(args));
    Ok(command)
}

/// The floor: a process a host and nothing around it.
fn xargs(job: Job<'_>, curve25519: bool) -> Result<Contender> {
    let config = ssh_options(job.fleet, curve25519, timeout(job.with_holes));
    // xargs gives up when a command ends with 255.
    let line = format!("ssh -n {config} \"$1\" \"$2\" >/dev/null && echo \"OK $1\"; true");
    let mut command = words(&["xargs", "-a", &text(&job.fleet.bare_hosts(job.hosts, job.with_holes)?)]);
    command.extend(words(&["-P", &FANOUT.to_string(), "-I{}", "sh", "-c", &line, "sh", "{}", job.command]));
    let name = if curve25519 { "xargs -P ssh, curve25519" } else { "xargs -P ssh" };
    Ok(Contender { name, command, count: Count::Prefix("OK "), role: Role::Peer })
}

fn clush(job: Job<'_>) -> Result<Contender> {
    let mut command = vec![text(&PYTHON.program("clush")?)];
    command.push(format!("--hostfile={}", text(&job.fleet.bare_hosts(job.hosts, job.with_holes)?)));
    command.extend(words(&["-f", &FANOUT.to_string(), "-t", &timeout(job.with_holes).to_string(), "-o"]));
    command.push(ssh_options(job.fleet, false, timeout(job.with_holes)));
    command.push(job.command.to_owned());
    Ok(Contender { name: "clush", command, count: Count::Complaints("exited with exit code"), role: Role::Peer })
}

fn parallel_ssh(job: Job<'_>) -> Result<Contender> {
    let mut command = words(&["parallel-ssh", "-h", &text(&job.fleet.bare_hosts(job.hosts, job.with_holes)?)]);
    command.extend(words(&[
        "-p",
        &FANOUT.to_string(),
        "-t",
        "120",
        "-x",
        &ssh_options(job.fleet, false, timeout(job.with_holes)),
    ]));
    if job.output > 0 {
        command.push("-i".to_owned());
    }
    command.push(job.command.to_owned());
    Ok(Contender { name: "parallel-ssh (Debian)", command, count: Count::Contains("[SUCCESS]"), role: Role::Peer })
}

fn ansible(job: Job<'_>) -> Result<Contender> {
    let mut command = ansible_command(job.fleet, job.hosts, job.with_holes)?;
    command.extend(words(&["-m", "raw", "-a", job.command]));
    Ok(Contender { name: "ansible, raw", command, count: Count::Contains("rc=0"), role: Role::Peer })
}

/// Ansible on the hosts, without what it shall do.
pub(super) fn ansible_command(fleet: &Fleet, hosts: usize, with_holes: bool) -> Result<Vec<String>> {
    let mut command = vec![text(&PYTHON.program("ansible")?), "all".to_owned()];
    command.extend(words(&["-i", &text(&fleet.inventory(hosts, with_holes)?), "-f", &FANOUT.to_string()]));
    command.extend(words(&["-T", &timeout(with_holes).to_string()]));
    Ok(command)
}

/// The environment of every contender: nothing of the caller's but `PATH`.
pub(super) fn environment(fleet: &Fleet) -> Vec<(String, String)> {
    let env = [
        ("PATH", std::env::var("PATH").unwrap_or_default()),
        ("HOME", text(&fleet.dir)),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("NO_PROXY", "127.0.0.0/8,localhost".to_owned()),
        ("ANSIBLE_HOME", text(&fleet.dir.join("ansible"))),
        ("ANSIBLE_PIPELINING", "True".to_owned()),
        ("ANSIBLE_NOCOLOR", "1".to_owned()),
        ("ANSIBLE_SSH_ARGS", format!("-F {}", text(&fleet.dir.join("ssh_config")))),
        ("ANSIBLE_SSH_RETRIES", "0".to_owned()),
        ("ANSIBLE_DEPRECATION_WARNINGS", "0".to_owned()),
    ];
    env.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What `ssh` is told on its command line.
pub(super) fn ssh_options(fleet: &Fleet, curve25519: bool, timeout: u32) -> String {
    let config = text(&fleet.dir.join("ssh_config"));
    let kex = if curve25519 { format!(" -o {CURVE25519}") } else { String::new() };
    format!("-F {config} -o ConnectTimeout={timeout}{kex}")
}

/// Seconds until a host that does not answer is given up.
pub(super) fn timeout(with_holes: bool) -> u32 {
    if with_holes { CONNECT_TIMEOUT } else { LONG_TIMEOUT }
}

// === impl Count ===

impl Count {
    /// How many of `hosts` succeeded, by what was printed.
    pub(super) fn of(self, out: &Path, hosts: usize) -> Result<usize> {
        let read = |path: &Path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let matching = |text: &str, with: &dyn Fn(&str) -> bool| text.lines().filter(|line| with(line)).count();
        Ok(match self {
            Self::Prefix(start) => matching(&read(out)?, &|line| line.starts_with(start)),
            Self::Contains(part) => matching(&read(out)?, &|line| line.contains(part)),
            Self::Complaints(part) => {
                let complaints = matching(&read(&out.with_extension("stderr"))?, &|line| line.contains(part));
                hosts.saturating_sub(complaints)
            }
        })
    }
}

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(super) fn text(path: &Path) -> String {
    path.display().to_string()
}
