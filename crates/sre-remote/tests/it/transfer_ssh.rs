//! Transfers over a real server: with everything, without SFTP, without a shell, with trouble in the middle.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sre_remote::ssh::{KeyFile, SshOptions, SshTransport};
use sre_remote::transfer::{Change, Download, Method, Receipt, Upload, Verified, download, upload};
use sre_remote::{Deadline, Error, ErrorKind, ExecContext, Host, Interrupt, Session, Transport};
use sre_testkit::sshd::{KeySpec, Sshd};

const LIMIT: Duration = Duration::from_secs(60);

fn context() -> ExecContext {
    ExecContext::until(Deadline::after(LIMIT))
}

async fn connect(sshd: &Sshd) -> Box<dyn Session> {
    let key = sshd.client_key(&KeySpec::ed25519());
    let options = SshOptions::new()
        .with_user(sshd.user())
        .with_port(sshd.port())
        .with_key(KeyFile::new(key.path()))
        .with_known_hosts([sshd.known_hosts_file(&["127.0.0.1"])]);
    let ssh = SshTransport::new(options).unwrap();
    ssh.connect(&Host::new("127.0.0.1"), Deadline::after(LIMIT)).await.unwrap()
}

async fn send(sshd: &Sshd, what: &Upload) -> Result<Receipt, Error> {
    upload(&mut *connect(sshd).await, what, &context()).await
}

/// Two folders of the server's own: here and there.
fn folders(sshd: &Sshd) -> (PathBuf, PathBuf) {
    let (here, there) = (sshd.dir().join("here"), sshd.dir().join("there"));
    fs::create_dir(&here).unwrap();
    fs::create_dir(&there).unwrap();
    (here, there)
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A command that every login gets instead of its own: the same, but programs of a folder come first.
fn with_programs(folder: &Path, name: &str, script: &str) -> String {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    format!("PATH={}:$PATH exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"", text(folder))
}

#[tokio::test]
async fn files_and_folders_travel_both_ways() {
    // No SFTP at all: nothing needs it.
    let sshd = Sshd::builder().no_sftp().noisy_shell().start().await;
    let (here, there) = folders(&sshd);
    fs::create_dir(here.join("a b'")).unwrap();
    let content: Vec<u8> = (0..9_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(here.join("a b'/large"), &content).unwrap();
    fs::write(here.join("empty"), "").unwrap();
    let mut session = connect(&sshd).await;
    let target = there.join("-t");
    let what = Upload::new(&here, text(&target)).recursive(true).with_mode(0o600);
    let receipt = upload(&mut *session, &what, &context()).await.unwrap();
    assert_eq!((receipt.change, receipt.files, receipt.bytes), (Change::Changed, 2, 9_000_000));
    assert_eq!((receipt.method, receipt.verified), (Method::Shell, Verified::Checksum));
    assert!(fs::read(target.join("a b'/large")).unwrap() == content);
    assert_eq!(upload(&mut *session, &what, &context()).await.unwrap().change, Change::Unchanged);

    let back = sshd.dir().join("back");
    let what = Download::new(text(&target), &back).recursive(true);
    let receipt = download(&mut *session, &what, &context()).await.unwrap();
    assert_eq!((receipt.change, receipt.files, receipt.bytes), (Change::Changed, 2, 9_000_000));
    assert!(fs::read(back.join("a b'/large")).unwrap() == content);
    assert_eq!(download(&mut *session, &what, &context()).await.unwrap().change, Change::Unchanged);
}

#[tokio::test]
async fn a_server_that_allows_sftp_alone_gets_its_file() {
    let sshd = Sshd::builder().force_command("internal-sftp").start().await;
    let (here, there) = folders(&sshd);
    let (local, target) = (here.join("x"), there.join("x"));
    fs::write(&local, vec![5; 2_000_000]).unwrap();
    let what = Upload::new(&local, text(&target)).with_mode(0o666);
    let receipt = send(&sshd, &what).await.unwrap();
    assert_eq!((receipt.method, receipt.verified, receipt.bytes), (Method::Sftp, Verified::ReadBack, 2_000_000));
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o666);
    assert_eq!(send(&sshd, &Upload::new(&local, text(&target))).await.unwrap().change, Change::Unchanged);
    // Over a file that is there, and with a folder in the way.
    fs::write(&local, "new").unwrap();
    assert_eq!(send(&sshd, &Upload::new(&local, text(&target))).await.unwrap().change, Change::Changed);
    assert_eq!((fs::read(&target).unwrap(), names(&there)), (b"new".to_vec(), vec!["x".to_owned()]));
    fs::create_dir(there.join("folder")).unwrap();
    let error = send(&sshd, &Upload::new(&local, text(&there.join("folder")))).await.unwrap_err();
    assert_eq!((error.kind(), names(&there).len()), (ErrorKind::Transfer, 2), "{error}");

    let mut session = connect(&sshd).await;
    let what = Download::new(text(&target), here.join("back"));
    let receipt = download(&mut *session, &what, &context()).await.unwrap();
    assert_eq!((receipt.method, receipt.verified, receipt.bytes), (Method::Sftp, Verified::Size, 3));
}

#[tokio::test]
async fn without_shell_and_sftp_there_is_a_clear_error() {
    let sshd = Sshd::builder().no_sftp().force_command("echo go away >&2; exit 3").start().await;
    let (here, there) = folders(&sshd);
    fs::write(here.join("x"), "x").unwrap();
    let error = send(&sshd, &Upload::new(here.join("x"), text(&there))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("no SFTP, and a command of ours ended with exit 3 go away"), "{error}");
}

#[tokio::test]
async fn a_host_whose_disk_is_full_keeps_what_it_had() {
    // Files of a login cannot grow beyond 4 KiB, which ends the writer as a full disk does.
    let sshd = Sshd::builder().force_command("ulimit -f 8; exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"").start().await;
    let (here, there) = folders(&sshd);
    let (local, target) = (here.join("x"), there.join("x"));
    fs::write(&local, vec![1; 1_000_000]).unwrap();
    fs::write(&target, "old").unwrap();
    let error = send(&sshd, &Upload::new(&local, text(&target))).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Transfer && error.to_string().contains("it cannot be written"), "{error}");
    assert_eq!((fs::read(&target).unwrap(), names(&there)), (b"old".to_vec(), vec!["x".to_owned()]));
}

#[tokio::test]
async fn an_upload_that_is_stopped_leaves_the_old_file_alone() {
    for by_interrupt in [false, true] {
        let programs = tempfile::tempdir().unwrap();
        let slow = with_programs(programs.path(), "cat", "head -c 1000; exec sleep 600");
        let sshd = Sshd::builder().force_command(&slow).start().await;
        let (here, there) = folders(&sshd);
        let (local, target) = (here.join("x"), there.join("x"));
        fs::write(&local, vec![1; 100_000]).unwrap();
        fs::write(&target, "old").unwrap();
        let mut session = connect(&sshd).await;
        let interrupt = Interrupt::new();
        let limit = if by_interrupt { LIMIT } else { Duration::from_secs(2) };
        let context = ExecContext::until(Deadline::after(limit)).with_interrupt(interrupt.clone());
        let what = Upload::new(&local, text(&target));
        let begun = async {
            while names(&there).len() < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if by_interrupt {
                interrupt.trigger();
            }
            std::future::pending::<()>().await;
        };
        let error = tokio::select! {
            done = upload(&mut *session, &what, &context) => done.unwrap_err(),
            () = begun => panic!("it waits for ever"),
        };
        let expected = if by_interrupt { ErrorKind::Interrupted } else { ErrorKind::Timeout };
        assert_eq!(error.kind(), expected, "{error}");
        drop(session);
        let tidy = async {
            while names(&there).len() > 1 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, tidy).await.unwrap();
        assert_eq!((fs::read(&target).unwrap(), names(&there)), (b"old".to_vec(), vec!["x".to_owned()]));
    }
}
