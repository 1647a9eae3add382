//! Wanted states on a real filesystem, as root and as anybody else.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use sre_core::Effects;
use sre_core::ensure::{Attributes, Change, Directory, FileContent, LineInFile, Symlink};
use sre_core::path_error::PathErrorKind;

/// A uid that no account has.
const STRANGER: &str = "54321";

#[test]
fn giving_a_file_away_works_for_root_and_is_explained_to_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let file = FileContent::new(&path, "x").mode(0o4750).owner(STRANGER).group(STRANGER);
    if rustix::process::geteuid().is_root() {
        let change = file.ensure(&Effects::real()).unwrap();
        assert!(change.diff().unwrap().ends_with("+mode 4750\n+owner 54321\n+group 54321\n"), "{change}");
        let meta = path.metadata().unwrap();
        assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (54321, 54321, 0o4750));
        assert_eq!(file.ensure(&Effects::real()).unwrap(), Change::Unchanged);
        // New content keeps the owner.
        FileContent::new(&path, "y").ensure(&Effects::real()).unwrap();
        let meta = path.metadata().unwrap();
        assert_eq!((meta.uid(), meta.mode() & 0o7777), (54321, 0o4750));
    } else {
        let e = file.ensure(&Effects::real()).unwrap_err();
        assert_eq!(e.kind(), PathErrorKind::PermissionDenied);
        assert!(e.to_string().contains("only root may give it away"), "{e}");
        let e = FileContent::new("/etc/sre-core-test", "x").ensure(&Effects::real()).unwrap_err();
        assert!(e.to_string().contains("run as a user that may write to /etc"), "{e}");
    }
}

/// An installation as a setup tool does it: dry, for real, and again.
#[test]
fn a_whole_setup_is_idempotent_and_its_dry_run_tells_the_truth() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("fstab"), "/dev/sda1 / ext4\n").unwrap();
    let setup = |effects: &Effects| -> Vec<Change> {
        vec![
            Directory::new(at("app")).mode(0o755).ensure(effects).unwrap(),
            FileContent::new(at("app/config"), "port: 80\n").mode(0o640).ensure(effects).unwrap(),
            LineInFile::present(at("fstab"), "tmpfs /tmp tmpfs").ensure(effects).unwrap(),
            Symlink::new(at("app/current"), "config").ensure(effects).unwrap(),
            Attributes::new(at("fstab")).mode(0o600).ensure(effects).unwrap(),
        ]
    };
    let (dry, real, again) = (Effects::dry_run(), Effects::real(), Effects::real());
    let would = setup(&dry);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "a dry run makes nothing");
    let did = setup(&real);
    assert_eq!(would.iter().map(Change::diff).collect::<Vec<_>>(), did.iter().map(Change::diff).collect::<Vec<_>>());
    let what = |e: &Effects| e.records().into_iter().map(|r| r.what).collect::<Vec<_>>();
    assert_eq!(what(&dry), what(&real));
    assert!(setup(&again).iter().all(|c| *c == Change::Unchanged) && again.records().is_empty());
}

#[test]
fn two_at_once_end_in_one_of_the_two_states() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::thread::scope(|scope| {
        for letter in ["a", "b"] {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..20 {
                    let content = letter.repeat(100_000);
                    // The other one may have won between the writing and the looking; that is said and not hidden.
                    match FileContent::new(path, content).ensure(&Effects::real()) {
                        Ok(_) => {}
                        Err(e) => assert_eq!(e.kind(), PathErrorKind::NotKept, "{e}"),
                    }
                }
            });
        }
    });
    let content = fs::read(&path).unwrap();
    assert_eq!(content.len(), 100_000);
    assert!(content.iter().all(|b| *b == content[0]));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn an_unreadable_file_is_an_error_and_not_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let result = FileContent::new(&path, "y").ensure(&Effects::real());
    match rustix::process::geteuid().is_root() {
        true => assert!(result.unwrap().is_needed()),
        false => assert_eq!(result.unwrap_err().kind(), PathErrorKind::PermissionDenied),
    }
}
