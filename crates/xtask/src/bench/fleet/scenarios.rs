//! What is to be done in each table.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::super::sample::scripts;
use super::contenders::{
    CONNECT_TIMEOUT, Contender, Count, FANOUT, FLEET_RUN, Job, PYTHON, Role, all, ansible_command, fleet_run_command,
    ssh_options, text, timeout, words,
};
use super::servers::{Fleet, HOLES};

const MIB: usize = 1024 * 1024;
const MIB_OF_OUTPUT: &str = "head -c 1048576 /dev/zero | tr '\\0' x";

/// A table: the same work by several contenders.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) kind: Kind,
    pub(super) title: String,
    /// Hosts that all must be reached.
    pub(super) good: usize,
    pub(super) hosts: usize,
    pub(super) contenders: Vec<Contender>,
    /// A file that must be there afterwards, as large as the other one, and is removed before.
    pub(super) copy: Option<(PathBuf, PathBuf)>,
}

/// What a scenario is about; the goals ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    True,
    Output,
    BlackHoles,
    Upload,
}

/// `true` on that many hosts.
pub(super) fn nothing(fleet: &Fleet, hosts: usize) -> Result<Scenario> {
    let job = Job { fleet, hosts, with_holes: false, command: "true", output: 0 };
    let title = format!("`true` on {hosts} hosts");
    Ok(Scenario { kind: Kind::True, title, good: hosts, hosts, contenders: all(job)?, copy: None })
}

/// 1 MiB of output from 100 hosts.
pub(super) fn output(fleet: &Fleet) -> Result<Scenario> {
    let hosts = 100;
    let job = Job { fleet, hosts, with_holes: false, command: MIB_OF_OUTPUT, output: MIB };
    let title = format!("1 MiB of output from each of {hosts} hosts");
    Ok(Scenario { kind: Kind::Output, title, good: hosts, hosts, contenders: all(job)?, copy: None })
}

/// `true` on 100 hosts, some of which never answer.
pub(super) fn black_holes(fleet: &Fleet) -> Result<Scenario> {
    let hosts = 100;
    let job = Job { fleet, hosts, with_holes: true, command: "true", output: 0 };
    let title = format!("`true` on {hosts} hosts, {HOLES} of which never answer; connect timeout {CONNECT_TIMEOUT} s");
    Ok(Scenario { kind: Kind::BlackHoles, title, good: hosts - HOLES, hosts, contenders: all(job)?, copy: None })
}

/// 10 MiB to one host.
pub(super) fn upload(fleet: &Fleet) -> Result<Scenario> {
    let (local, remote) = (fleet.dir.join("ten-mib"), fleet.dir.join("uploaded"));
    // Not one byte over and over: the content shall not matter, but compression would.
    let mut state: u32 = 1;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    })
    .take(10 * MIB)
    .collect();
    std::fs::write(&local, bytes)?;
    let contenders = upload_contenders(fleet, &text(&local), &text(&remote))?;
    let title = "10 MiB to one host".to_owned();
    Ok(Scenario { kind: Kind::Upload, title, good: 1, hosts: 1, contenders, copy: Some((local, remote)) })
}

fn upload_contenders(fleet: &Fleet, local: &str, remote: &str) -> Result<Vec<Contender>> {
    let (hosts, bare) = (fleet.hosts(1, false)?, fleet.bare_hosts(1, false)?);
    let host = std::fs::read_to_string(&bare)?.trim().to_owned();
    let mut ours = fleet_run_command(fleet, &hosts, timeout(false))?;
    ours.extend(words(&["-o", "jsonl", "--upload", &format!("{local}:{remote}")]));
    let mut all = vec![Contender { name: "fleet-run", command: ours, count: FLEET_RUN, role: Role::Ours }];
    let peer = |name, command| Contender { name, command, count: Count::Complaints("FAILED"), role: Role::Peer };
    let mut asyncssh = vec![text(&PYTHON.program("python")?), text(&scripts().join("fleet_asyncssh.py"))];
    asyncssh.extend([text(&fleet.dir), text(&hosts), fleet.port.to_string(), fleet.user.clone()]);
    asyncssh.extend(words(&[&FANOUT.to_string(), &timeout(false).to_string(), "put", local, remote]));
    all.push(peer("asyncssh, sftp", asyncssh));
    for (name, curve25519) in [("scp, curve25519", true), ("scp", false)] {
        let line = format!("scp -q {} \"$1\" \"$2\"", ssh_options(fleet, curve25519, timeout(false)));
        all.push(peer(name, words(&["sh", "-c", &line, "sh", local, &format!("{host}:{remote}")])));
    }
    let line = format!("echo \"put $1 $2\" | sftp -q -b - {} \"$3\"", ssh_options(fleet, true, timeout(false)));
    all.push(peer("sftp, curve25519", words(&["sh", "-c", &line, "sh", local, remote, &host])));
    let mut pssh = words(&["parallel-scp", "-h", &text(&bare), "-x", &ssh_options(fleet, false, timeout(false))]);
    pssh.extend(words(&[local, remote]));
    all.push(peer("parallel-scp (Debian)", pssh));
    let mut ansible = ansible_command(fleet, 1, false)?;
    ansible.extend(words(&["-m", "copy", "-a", &format!("src={local} dest={remote}")]));
    all.push(peer("ansible, copy", ansible));
    Ok(all)
}

// === impl Scenario ===

impl Scenario {
    /// Makes a round like the first one.
    pub(super) fn prepare(&self) {
        if let Some((_, remote)) = &self.copy {
            // It is not there before the first round.
            let _ = std::fs::remove_file(remote);
        }
    }

    /// Whether the work was done.
    pub(super) fn check(&self, contender: &Contender, out: &Path) -> Result<usize> {
        if let Some((local, remote)) = &self.copy {
            let same = std::fs::read(local)? == std::fs::read(remote).unwrap_or_default();
            ensure!(same, "{}: what arrived is not what was sent", contender.name);
        }
        contender.count.of(out, self.hosts)
    }
}
