//! The facts script in the shells that hosts have, on this machine and through a real sshd.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use sre_remote::facts::{Facts, gather};
use sre_remote::ssh::{KeyFile, SshOptions, SshTransport};
use sre_remote::{Deadline, ErrorKind, ExecContext, Host, Phase, Transport};
use sre_testkit::peers;
use sre_testkit::sshd::{KeySpec, Sshd};

use crate::shell_session::ShellSession;

const LIMIT: Duration = Duration::from_secs(60);

async fn facts_of(session: &mut ShellSession) -> Facts {
    let facts = gather(session, &ExecContext::until(Deadline::after(LIMIT))).await.unwrap();
    assert_eq!(session.commands, 1, "one round trip");
    facts
}

/// What this machine says to anyone who looks.
fn assert_is_this_machine(facts: &Facts) {
    assert!(facts.missing().is_empty(), "{facts:?}");
    let read = |path: &str| fs::read_to_string(path).unwrap();
    assert_eq!(facts.hostname.as_deref(), Some(read("/proc/sys/kernel/hostname").trim()));
    assert!(facts.kernel.as_deref().unwrap().starts_with("Linux "));
    let total = facts.memory.unwrap().total_bytes / 1024;
    assert!(read("/proc/meminfo").contains(&format!("{total} kB")));
    let cpu = facts.cpu.unwrap();
    assert!((0.0..=100.0).contains(&cpu.busy_percent), "{cpu:?}");
    assert!(cpu.interval.unwrap() >= Duration::from_millis(500), "{cpu:?}");
    assert_eq!(facts.load.unwrap().cores as usize, std::thread::available_parallelism().unwrap().get());
    let root = facts.disks.iter().flatten().find(|disk| disk.mount == "/").unwrap();
    let stat = nix::sys::statvfs::statvfs("/").unwrap();
    assert_eq!(root.total_bytes, stat.blocks() * stat.fragment_size());
    assert!(root.used_percent > 0.0 && root.used_percent <= 100.0, "{root:?}");
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn the_usual_shell_tells_everything() {
    let facts = facts_of(&mut ShellSession::default()).await;
    assert_is_this_machine(&facts);
    assert!(facts.os.is_some() && facts.summary().starts_with("cpu "), "{facts:?}");
}

#[tokio::test]
async fn busybox_tells_everything() {
    let busybox = peers::program("busybox");
    let folder = tempfile::tempdir().unwrap();
    for applet in ["sh", "cat", "hostname", "uname", "sleep", "grep", "head", "sed", "stat", "df"] {
        symlink(&busybox, folder.path().join(applet)).unwrap();
    }
    assert_is_this_machine(&facts_of(&mut ShellSession::with_path(folder.path())).await);
    // Without `stat`, `df` knows the space.
    fs::remove_file(folder.path().join("stat")).unwrap();
    let facts = facts_of(&mut ShellSession::with_path(folder.path())).await;
    let root = facts.disks.iter().flatten().find(|disk| disk.mount == "/").unwrap();
    assert!(root.total_bytes > 0 && root.inodes.is_none(), "{root:?}");
}

#[tokio::test]
async fn a_host_with_a_shell_and_nothing_else_tells_little_and_no_lies() {
    let folder = tempfile::tempdir().unwrap();
    symlink("/bin/sh", folder.path().join("sh")).unwrap();
    let facts = facts_of(&mut ShellSession::with_path(folder.path())).await;
    // No `sleep`: the two looks are too near for a percentage.
    assert_eq!(facts.missing(), ["hostname", "uptime", "cpu", "memory", "swap", "load", "disks"]);
}

#[tokio::test]
async fn a_disk_that_never_answers_hides_only_the_disks() {
    let folder = tempfile::tempdir().unwrap();
    for program in ["sh", "cat", "sleep", "grep", "head"] {
        symlink(peers::program(program), folder.path().join(program)).unwrap();
    }
    executable(&folder.path().join("stat"), "#!/bin/sh\nexec sleep 600\n");
    let mut session = ShellSession::with_path(folder.path());
    let facts = gather(&mut session, &ExecContext::until(Deadline::after(Duration::from_secs(6)))).await.unwrap();
    assert_eq!(facts.missing(), ["disks"]);
}

#[tokio::test]
async fn what_is_no_shell_says_so() {
    let mut session = ShellSession { forced: Some("only backups here\n"), ..ShellSession::default() };
    let error = gather(&mut session, &ExecContext::until(Deadline::after(LIMIT))).await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::ExecRefused, Phase::Exec));
    assert_eq!(error.detail(), "exit 1: only backups here");
    let mut noisy = ShellSession { noise: "Welcome!\n", ..ShellSession::default() };
    assert_is_this_machine(&facts_of(&mut noisy).await);
}

#[tokio::test]
async fn a_real_server_tells_everything() {
    let sshd = Sshd::start().await;
    let key = sshd.client_key(&KeySpec::ed25519());
    let options = SshOptions::new()
        .with_user(sshd.user())
        .with_port(sshd.port())
        .with_key(KeyFile::new(key.path()))
        .with_known_hosts([sshd.known_hosts_file(&["127.0.0.1"])]);
    let ssh = SshTransport::new(options).unwrap();
    let deadline = Deadline::after(LIMIT);
    let mut session = ssh.connect(&Host::new("127.0.0.1"), deadline).await.unwrap();
    let facts = gather(&mut *session, &ExecContext::until(deadline)).await.unwrap();
    session.close().await;
    assert_is_this_machine(&facts);
}
