//! A lock against real processes.

use std::time::Duration;

use sre_core::SystemClock;
use sre_core::lock::{FileLock, LockErrorKind};

use crate::process;

/// The child's part: takes the lock and keeps it until it is killed.
#[test]
#[ignore = "runs as a child process of the other tests"]
fn child_that_holds() {
    let Some(path) = process::argument() else { return };
    let _held = FileLock::try_lock(path, &SystemClock).unwrap();
    println!("\nready");
    loop {
        std::thread::park();
    }
}

#[test]
fn another_process_is_named_and_its_crash_frees_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l");
    let mut child = process::spawn("lock::child_that_holds", &path);
    let e = FileLock::try_lock(&path, &SystemClock).unwrap_err();
    assert_eq!(e.kind(), LockErrorKind::Held);
    assert_eq!(e.holder().unwrap().pid(), child.pid());
    let said = format!("the lock {} is held by pid {} since 20", path.display(), child.pid());
    assert!(e.to_string().starts_with(&said), "{e}");

    child.kill();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("pid "), "the crash leaves its note behind");
    FileLock::try_lock(&path, &SystemClock).unwrap();
}

#[tokio::test]
async fn waiting_gets_the_lock_of_a_process_that_dies() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l");
    let mut child = process::spawn("lock::child_that_holds", &path);
    let e = FileLock::lock_wait(&path, Duration::from_millis(150), &SystemClock).await.unwrap_err();
    assert_eq!((e.kind(), e.holder().map(|h| h.pid())), (LockErrorKind::Held, Some(child.pid())));
    let (got, ()) = tokio::join!(FileLock::lock_wait(&path, Duration::from_secs(10), &SystemClock), async {
        tokio::task::yield_now().await;
        child.kill();
    });
    got.unwrap();
}

#[test]
fn a_child_of_the_holder_does_not_inherit_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l");
    let held = FileLock::try_lock(&path, &SystemClock).unwrap();
    let mut sleeper = std::process::Command::new("sleep").arg("30").spawn().unwrap();
    drop(held);
    let again = FileLock::try_lock(&path, &SystemClock);
    let _ = sleeper.kill();
    let _ = sleeper.wait();
    again.unwrap();
}
