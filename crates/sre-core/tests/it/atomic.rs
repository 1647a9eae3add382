//! Atomic writes against a process that is killed in the middle of them.

use sre_core::atomic;

use crate::process;

const SIZE: usize = 300_000;

/// The child's part: writes all-a and all-b in turn until it is killed.
#[test]
#[ignore = "runs as a child process of the other tests"]
fn child_that_writes() {
    let Some(path) = process::argument() else { return };
    atomic::write(&path, &[b'a'; SIZE]).unwrap();
    println!("\nready");
    for letter in [b'b', b'a'].into_iter().cycle() {
        atomic::write(&path, &[letter; SIZE]).unwrap();
    }
}

#[test]
fn a_killed_writer_never_leaves_half_a_file() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let path = dir.path().join(format!("f{round}"));
        let mut child = process::spawn("atomic::child_that_writes", &path);
        for _ in 0..20 * round {
            whole(&path);
        }
        child.kill();
        whole(&path);
    }
}

fn whole(path: &std::path::Path) {
    let content = std::fs::read(path).unwrap();
    assert_eq!(content.len(), SIZE);
    assert!(content.iter().all(|b| *b == content[0]), "a mix of two writes");
}

/// The child's part: one write that the system refuses half-way.
#[test]
#[ignore = "runs as a child process of the other tests"]
fn child_that_may_not_write_so_much() {
    let Some(path) = process::argument() else { return };
    let e = atomic::write(&path, &[b'x'; SIZE]).unwrap_err();
    println!("\n{:?}: {e}", e.kind());
}

/// A file size limit refuses the write in its middle, as a full disk does, and needs no special rights.
#[test]
fn a_write_that_is_refused_half_way_leaves_the_old_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, "old").unwrap();
    let out = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" --exact --ignored --nocapture \"$1\""])
        .arg(std::env::current_exe().unwrap())
        .arg("atomic::child_that_may_not_write_so_much")
        .env(process::ARGUMENT, &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(said.contains(&format!("TooLarge: cannot write {}: file too large", path.display())), "{said}");
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
}
