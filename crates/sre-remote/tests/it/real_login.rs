//! Logging in to a real OpenSSH server.

use std::time::Duration;

use sre_core::secret::Secret;
use sre_core::{Classify as _, ErrorClass, RetryHint};
use sre_remote::ssh::{KeyFile, PhaseLimits, SshTransport};
use sre_remote::ssh_config::{Disk, Local, Scope, SshConfig};
use sre_remote::{Command, ErrorKind, Phase};
use sre_testkit::ssh_agent::{SilentAgent, SshAgent};
use sre_testkit::sshd::{KeySpec, Sshd};

use crate::ssh_client::{PATIENCE, local, options, run, sh, transport};

#[tokio::test]
async fn keys_of_every_type_and_format_are_accepted() {
    let sshd = Sshd::start().await;
    let known_hosts = sshd.known_hosts_file(&["127.0.0.1"]);
    let open = [KeySpec::ed25519(), KeySpec::ecdsa(), KeySpec::ecdsa().pem(), KeySpec::rsa(), KeySpec::rsa().pem()];
    let locked = [KeySpec::ed25519(), KeySpec::ecdsa().pem(), KeySpec::rsa(), KeySpec::rsa().pem()];
    let locked = locked.map(|spec| spec.passphrase("open sesame"));
    for (nth, spec) in open.iter().chain(&locked).enumerate() {
        let key = sshd.client_key(spec);
        let mut file = KeyFile::new(key.path());
        if nth >= open.len() {
            file = file.with_passphrase(Secret::new("open sesame".to_owned()));
        }
        let transport = transport(options(&known_hosts).with_key(file));
        let outcome = sh(&transport, &local(sshd.port()), "echo hello").await;
        outcome.assert_said("hello\n");
        assert_eq!(outcome.peer.unwrap().user, Some(sshd.user()), "{spec:?}");
    }
    assert_eq!(sshd.connections(), 9, "one connection each");
}

#[tokio::test]
async fn an_encrypted_key_without_its_passphrase_is_named() {
    let sshd = Sshd::start().await;
    let known_hosts = sshd.known_hosts_file(&["127.0.0.1"]);
    for spec in [KeySpec::ed25519().passphrase("open sesame"), KeySpec::rsa().pem().passphrase("open sesame")] {
        let key = sshd.client_key(&spec);
        for passphrase in [None, Some("guess")] {
            let mut file = KeyFile::new(key.path());
            file.passphrase = passphrase.map(|word| Secret::new(word.to_owned()));
            let error = SshTransport::new(options(&known_hosts).with_key(file)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NoCredentials, "{error}");
            assert!(error.to_string().contains("passphrase"), "{error}");
            assert!(!format!("{error:?}").contains("guess"), "{error:?}");
        }
    }
    assert_eq!(sshd.connections(), 0, "nobody was asked");
}

#[tokio::test]
async fn a_password_is_accepted_and_a_wrong_one_is_an_auth_failure() {
    let sshd = Sshd::builder().password_user("s3cret words").start().await;
    let host = local(sshd.port()).with_user(sshd.password_users()[0].name());
    let with = |password: &str| {
        let options = options(&sshd.known_hosts_file(&["127.0.0.1"]));
        transport(options.with_password(Secret::new(password.to_owned())))
    };
    sh(&with("s3cret words"), &host, "id -un").await.assert_said(&format!("{}\n", host.user().unwrap()));
    let outcome = sh(&with("wrong words"), &host, "true").await;
    outcome.assert_failed(ErrorKind::AuthRefused, Phase::Auth);
    let error = outcome.error();
    assert_eq!((error.class(), error.retry_hint()), (ErrorClass::Auth, RetryHint::Never));
    assert!(!format!("{error} {error:?}").contains("wrong words"));
}

#[tokio::test]
async fn the_configured_order_of_methods_is_kept() {
    for (order, keys_tried) in [("password,publickey", 0), ("publickey,password", 1)] {
        let sshd = Sshd::builder().password_user("s3cret words").start().await;
        let host = local(sshd.port()).with_user(sshd.password_users()[0].name());
        let (text, key) = (format!("PreferredAuthentications {order}"), sshd.stranger_key(&KeySpec::ed25519()));
        let here = Local::new("/", "nobody");
        let file = sshd.dir().join("ssh_config");
        std::fs::write(&file, text).unwrap();
        let config = SshConfig::load(&file, Scope::User, &here, &Disk).unwrap();
        let options = options(&sshd.known_hosts_file(&["127.0.0.1"])).with_config(config);
        let options = options.with_key(KeyFile::new(key.path())).with_password(Secret::new("s3cret words".to_owned()));
        sh(&transport(options), &host, "echo hello").await.assert_said("hello\n");
        assert_eq!(sshd.log().matches("Failed publickey").count(), keys_tried, "{order}: {}", sshd.log());
    }
}

#[tokio::test]
async fn keyboard_interactive_asks_for_the_password() {
    let builder = Sshd::builder().option("PasswordAuthentication", "no").option("UsePAM", "yes");
    let sshd = builder.option("KbdInteractiveAuthentication", "yes").password_user("s3cret words").start().await;
    let host = local(sshd.port()).with_user(sshd.password_users()[0].name());
    let options = options(&sshd.known_hosts_file(&["127.0.0.1"])).with_password(Secret::new("s3cret words".to_owned()));
    sh(&transport(options), &host, "echo hello").await.assert_said("hello\n");
}

#[tokio::test]
async fn a_key_that_the_server_does_not_know_is_an_auth_failure_at_once() {
    let sshd = Sshd::start().await;
    let key = sshd.stranger_key(&KeySpec::ed25519());
    let transport = transport(options(&sshd.known_hosts_file(&["127.0.0.1"])).with_key(KeyFile::new(key.path())));
    let outcome = sh(&transport, &local(sshd.port()), "true").await;
    outcome.assert_failed(ErrorKind::AuthRefused, Phase::Auth);
    let error = outcome.error();
    assert_eq!((error.class(), error.retry_hint()), (ErrorClass::Auth, RetryHint::Never), "{error}");
    assert!(error.to_string().contains("publickey"), "it says what the server takes: {error}");
    assert_eq!(sshd.connections(), 1);
}

#[tokio::test]
async fn without_any_credential_it_says_so() {
    let sshd = Sshd::start().await;
    let transport = transport(options(&sshd.known_hosts_file(&["127.0.0.1"])));
    sh(&transport, &local(sshd.port()), "true").await.assert_failed(ErrorKind::NoCredentials, Phase::Auth);
}

#[tokio::test]
async fn every_identity_of_the_agent_is_tried() {
    let sshd = Sshd::start().await;
    let strangers = [KeySpec::ed25519(), KeySpec::ecdsa(), KeySpec::rsa()].map(|spec| sshd.stranger_key(&spec));
    let ours = sshd.client_key(&KeySpec::rsa());
    let paths = strangers.iter().map(|key| key.path()).chain([ours.path()]).collect::<Vec<_>>();
    let agent = SshAgent::start(&paths).await;
    let transport = transport(options(&sshd.known_hosts_file(&["127.0.0.1"])).with_agent(agent.socket()));
    sh(&transport, &local(sshd.port()), "echo hello").await.assert_said("hello\n");
}

#[tokio::test]
async fn a_named_key_comes_before_an_agent_full_of_others() {
    let sshd = Sshd::start().await;
    let strangers = (0..7).map(|_| sshd.stranger_key(&KeySpec::ed25519())).collect::<Vec<_>>();
    let agent = SshAgent::start(&strangers.iter().map(|key| key.path()).collect::<Vec<_>>()).await;
    let ours = sshd.client_key(&KeySpec::ed25519());
    let options = options(&sshd.known_hosts_file(&["127.0.0.1"])).with_agent(agent.socket());
    let outcome = sh(&transport(options.clone()), &local(sshd.port()), "true").await;
    outcome.assert_failed(ErrorKind::AuthRefused, Phase::Auth);
    let with_key = transport(options.with_key(KeyFile::new(ours.path())));
    sh(&with_key, &local(sshd.port()), "echo hello").await.assert_said("hello\n");
}

#[tokio::test]
async fn an_agent_that_hangs_costs_a_deadline_and_no_more() {
    let sshd = Sshd::start().await;
    let (agent, limit) = (SilentAgent::start(), Duration::from_millis(1500));
    let options = options(&sshd.known_hosts_file(&["127.0.0.1"])).with_agent(agent.socket());
    let limits = PhaseLimits::default().with_auth(limit);
    let outcome =
        run(&transport(options.clone().with_limits(limits)), &local(sshd.port()), &Command::shell("true"), PATIENCE)
            .await;
    assert_eq!(outcome.error().phase(), Phase::Auth, "{}", outcome.error());
    assert!(outcome.took < limit * 2, "{:?}", outcome.took);
    let key = sshd.client_key(&KeySpec::ed25519());
    let with_key = transport(options.with_key(KeyFile::new(key.path())));
    sh(&with_key, &local(sshd.port()), "echo hello").await.assert_said("hello\n");
}
