//! Which server it is: known, unknown, changed and revoked host keys.

use std::fs;

use sre_core::{Classify as _, ErrorClass, RetryHint};
use sre_remote::ssh::{HostKeyPolicy, KeyFile, SshOptions};
use sre_remote::{ErrorKind, Phase};
use sre_testkit::sshd::{KeySpec, KeyType, Sshd};

use crate::ssh_client::{local, options_for, sh, transport};

const POLICIES: [HostKeyPolicy; 3] = [HostKeyPolicy::Strict, HostKeyPolicy::AcceptNew, HostKeyPolicy::Off];

#[tokio::test]
async fn an_unknown_host_is_refused_believed_once_or_let_through() {
    let sshd = Sshd::start().await;
    let key = sshd.client_key(&KeySpec::ed25519());
    let known_hosts = sshd.dir().join("known_hosts");
    let options = |policy| {
        let options = SshOptions::new().with_user(sshd.user()).with_known_hosts([&known_hosts]);
        transport(options.with_key(KeyFile::new(key.path())).with_host_keys(policy))
    };
    let host = local(sshd.port());

    let outcome = sh(&options(HostKeyPolicy::Strict), &host, "true").await;
    outcome.assert_failed(ErrorKind::HostKeyUnknown, Phase::HostKey);
    assert_eq!((outcome.error().class(), outcome.error().retry_hint()), (ErrorClass::Auth, RetryHint::Never));
    sh(&options(HostKeyPolicy::Off), &host, "echo hello").await.assert_said("hello\n");
    assert!(!known_hosts.exists(), "nothing is added in silence");

    sh(&options(HostKeyPolicy::AcceptNew), &host, "echo hello").await.assert_said("hello\n");
    assert_eq!(fs::read_to_string(&known_hosts).unwrap().trim(), sshd.known_hosts_line("127.0.0.1").trim());
    sh(&options(HostKeyPolicy::Strict), &host, "echo hello").await.assert_said("hello\n");
}

#[tokio::test]
async fn a_changed_host_key_is_refused_before_the_login() {
    let mut sshd = Sshd::start().await;
    let options = options_for(&sshd, &["127.0.0.1"]);
    let host = local(sshd.port());
    sh(&transport(options.clone()), &host, "echo hello").await.assert_said("hello\n");
    sshd.change_host_keys().await;
    for policy in POLICIES {
        let outcome = sh(&transport(options.clone().with_host_keys(policy)), &host, "echo hello").await;
        if policy == HostKeyPolicy::Off {
            outcome.assert_said("hello\n");
        } else {
            outcome.assert_failed(ErrorKind::HostKeyChanged, Phase::HostKey);
            let (error, remove) = (outcome.error().to_string(), format!("ssh-keygen -R '[127.0.0.1]:{}'", sshd.port()));
            assert!(error.contains(&remove), "{error}");
        }
    }
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 2, "no credential was shown to a stranger");
}

#[tokio::test]
async fn a_revoked_host_key_is_refused_under_every_policy() {
    let sshd = Sshd::start().await;
    let options = options_for(&sshd, &["127.0.0.1"]);
    let known_hosts = sshd.dir().join("with_revoked");
    let text = format!("{}@revoked * {}\n", sshd.known_hosts_line("127.0.0.1"), sshd.host_keys()[0].public());
    fs::write(&known_hosts, text).unwrap();
    for policy in POLICIES {
        let options = options.clone().with_known_hosts([&known_hosts]).with_host_keys(policy);
        let outcome = sh(&transport(options), &local(sshd.port()), "true").await;
        outcome.assert_failed(ErrorKind::HostKeyRevoked, Phase::HostKey);
    }
}

#[tokio::test]
async fn of_several_host_keys_the_known_one_is_asked_for() {
    let types = [KeyType::Ed25519, KeyType::Ecdsa, KeyType::Rsa];
    let sshd = Sshd::builder().host_key_types(&types).start().await;
    let options = options_for(&sshd, &["127.0.0.1"]);
    for key in sshd.host_keys() {
        let known_hosts = sshd.dir().join("only_one");
        fs::write(&known_hosts, key.known_hosts_line("127.0.0.1", sshd.port())).unwrap();
        let transport = transport(options.clone().with_known_hosts([&known_hosts]));
        sh(&transport, &local(sshd.port()), "echo hello").await.assert_said("hello\n");
    }
}

#[tokio::test]
async fn a_known_host_may_have_a_hashed_name() {
    let sshd = Sshd::start().await;
    let options = options_for(&sshd, &["127.0.0.1"]);
    let known_hosts = sshd.known_hosts_file(&["127.0.0.1"]);
    let mut hash = std::process::Command::new("ssh-keygen");
    assert!(hash.arg("-H").arg("-f").arg(&known_hosts).output().unwrap().status.success());
    assert!(fs::read_to_string(&known_hosts).unwrap().starts_with("|1|"));
    let transport = transport(options.with_known_hosts([&known_hosts]));
    sh(&transport, &local(sshd.port()), "echo hello").await.assert_said("hello\n");
}
