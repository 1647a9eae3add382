//! The real OpenSSH server does what the builder says, tried with the real `ssh`.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use sre_testkit::ssh_agent::{SilentAgent, SshAgent};
use sre_testkit::sshd::{KeySpec, KeyType, Sshd};

fn ssh(sshd: &Sshd, key: Option<&Path>, host: &str) -> Command {
    let mut ssh = Command::new("ssh");
    let known_hosts = sshd.known_hosts_file(&[host]);
    ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]);
    ssh.arg("-o").arg(format!("UserKnownHostsFile={}", known_hosts.display()));
    ssh.args(["-o", "GlobalKnownHostsFile=/dev/null", "-o", "KexAlgorithms=curve25519-sha256"]);
    if let Some(key) = key {
        ssh.args(["-o", "IdentitiesOnly=yes", "-i"]).arg(key);
    }
    ssh.args(["-p", &sshd.port().to_string(), "-l", &sshd.user(), host]).stdin(Stdio::null()).env_clear();
    ssh
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn run(command: &mut Command) -> Output {
    tokio::process::Command::from(std::mem::replace(command, Command::new("true"))).output().await.unwrap()
}

#[tokio::test]
async fn keys_of_every_type_and_format_log_in_on_every_address() {
    let sshd = Sshd::builder()
        .any_loopback_address()
        .host_key_types(&[KeyType::Ed25519, KeyType::Ecdsa, KeyType::Rsa])
        .start()
        .await;
    assert_eq!(sshd.host_keys().len(), 3);
    let specs = [KeySpec::ed25519(), KeySpec::ecdsa(), KeySpec::ecdsa().pem(), KeySpec::rsa(), KeySpec::rsa().pem()];
    for (nth, spec) in specs.iter().enumerate() {
        let key = sshd.client_key(spec);
        let output = run(ssh(&sshd, Some(key.path()), &format!("127.0.7.{}", nth + 1)).arg("echo $HOME; exit 7")).await;
        assert_eq!(output.status.code(), Some(7), "{spec:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout).trim(), sshd.home().display().to_string());
    }
    let stranger = sshd.stranger_key(&KeySpec::ed25519());
    let output = run(ssh(&sshd, Some(stranger.path()), "127.0.0.1").arg("true")).await;
    assert!(text(&output.stderr).contains("Permission denied"), "{output:?}");
    assert_eq!(sshd.connections(), 6);
}

#[tokio::test]
async fn an_encrypted_key_opens_with_its_passphrase_only() {
    let sshd = Sshd::start().await;
    let key = sshd.client_key(&KeySpec::ed25519().passphrase("open sesame"));
    let public = |passphrase: &str| {
        Command::new("ssh-keygen").args(["-y", "-P", passphrase, "-f"]).arg(key.path()).output().unwrap()
    };
    assert!(text(&public("open sesame").stdout).starts_with(key.public()));
    assert!(!public("wrong").status.success());
}

#[tokio::test]
async fn an_agent_offers_its_keys_and_a_silent_one_nothing() {
    let sshd = Sshd::start().await;
    let keys = [
        sshd.stranger_key(&KeySpec::ed25519()),
        sshd.stranger_key(&KeySpec::ecdsa()),
        sshd.client_key(&KeySpec::rsa()),
    ];
    let agent = SshAgent::start(&[keys[0].path(), keys[1].path(), keys[2].path()]).await;
    let mut command = ssh(&sshd, None, "127.0.0.1");
    let output = run(command.arg("true").env("SSH_AUTH_SOCK", agent.socket())).await;
    assert!(output.status.success(), "{output:?}");
    let listed =
        Command::new("ssh-add").arg("-L").env_clear().env("SSH_AUTH_SOCK", agent.socket()).output().unwrap().stdout;
    let listed: Vec<String> = text(&listed).lines().map(str::to_owned).collect();
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().zip(&keys).all(|(line, key)| line.starts_with(key.public())));
    let silent = SilentAgent::start();
    assert!(std::os::unix::net::UnixStream::connect(silent.socket()).is_ok());
}

#[tokio::test]
async fn a_banner_a_noisy_shell_and_a_slow_login_are_seen() {
    let delay = Duration::from_millis(400);
    let sshd = Sshd::builder().banner("Keep out\n").noisy_shell().login_delay(delay).start().await;
    let key = sshd.client_key(&KeySpec::ed25519());
    let start = tokio::time::Instant::now();
    let output = run(ssh(&sshd, Some(key.path()), "127.0.0.1").arg("echo 'it''s' done")).await;
    assert!(start.elapsed() >= delay);
    assert_eq!(text(&output.stdout), "Welcome to this host\nits done\n");
    assert_eq!(text(&output.stderr), "Keep out\nWelcome to this host\n");
}

#[tokio::test]
async fn a_message_of_the_day_is_for_terminals_and_a_forced_command_for_all() {
    let sshd = Sshd::builder().motd("Hello there").start().await;
    let key = sshd.client_key(&KeySpec::ed25519());
    let quiet = run(ssh(&sshd, Some(key.path()), "127.0.0.1").arg("echo done")).await;
    assert_eq!(text(&quiet.stdout), "done\n");
    let mut with_terminal = ssh(&sshd, Some(key.path()), "127.0.0.1");
    let greeted = run(with_terminal.args(["-tt", "echo done"]).env("TERM", "dumb")).await;
    assert_eq!(text(&greeted.stdout), "Hello there\r\ndone\r\n");

    let forced = Sshd::builder().force_command("echo \"not $SSH_ORIGINAL_COMMAND\"").no_sftp().start().await;
    let key = forced.client_key(&KeySpec::ed25519());
    let output = run(ssh(&forced, Some(key.path()), "127.0.0.1").arg("uptime")).await;
    assert_eq!(text(&output.stdout), "not uptime\n");
}

#[tokio::test]
async fn a_throw_away_account_has_a_password_and_disappears() {
    let sshd = Sshd::builder().password_user("s3cret words").start().await;
    let user = &sshd.password_users()[0];
    let name = user.name().to_owned();
    let passwd = || std::fs::read_to_string("/etc/passwd").unwrap();
    assert!(passwd().contains(&format!("{name}:")));
    let askpass = sshd.dir().join("askpass");
    std::fs::write(&askpass, format!("#!/bin/sh\necho '{}'\n", user.password())).unwrap();
    Command::new("chmod").arg("755").arg(&askpass).status().unwrap();
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "none", "-o", "StrictHostKeyChecking=yes", "-o", "PubkeyAuthentication=no", "-o"]);
    ssh.arg(format!("UserKnownHostsFile={}", sshd.known_hosts_file(&["127.0.0.1"]).display()));
    ssh.env_clear().env("SSH_ASKPASS", &askpass).env("SSH_ASKPASS_REQUIRE", "force").stdin(Stdio::null());
    ssh.args(["-p", &sshd.port().to_string(), &format!("{name}@127.0.0.1"), "id -un; echo $HOME; pwd"]);
    let output = run(&mut ssh).await;
    let home = user.home().display();
    assert_eq!(text(&output.stdout), format!("{name}\n{home}\n{home}\n"), "{output:?}\n{}", sshd.log());
    drop(sshd);
    assert!(!passwd().contains(&format!("{name}:")));
}

#[tokio::test]
async fn stopping_ends_every_remote_process_and_a_restart_keeps_the_port() {
    let mut sshd = Sshd::start().await;
    let key = sshd.client_key(&KeySpec::ed25519());
    let command = "setsid sleep 600 >/dev/null 2>&1 </dev/null & sleep 600";
    let mut client = ssh(&sshd, Some(key.path()), "127.0.0.1").arg(command).spawn().unwrap();
    let sleeping = async {
        while sshd.remote_processes().len() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), sleeping).await.expect("a shell and two that sleep");
    assert_eq!(sshd.open_connections(), 1);
    let (port, before) = (sshd.port(), sshd.connections());
    sshd.stop();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!client.wait().unwrap().success());
    let gone = async {
        while !sshd.remote_processes().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("all are gone");
    sshd.restart().await;
    assert_eq!(sshd.port(), port);
    assert!(run(ssh(&sshd, Some(key.path()), "127.0.0.1").arg("true")).await.status.success());
    sshd.change_host_keys().await;
    assert!(run(ssh(&sshd, Some(key.path()), "127.0.0.1").arg("true")).await.status.success());
    assert_eq!(sshd.connections(), before + 2);
}
