//! Transfers with this machine as the host: what arrives, what stays, what is refused.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use sre_remote::transfer::{Change, Download, Method, Receipt, Upload, Verified, download, upload};
use sre_remote::{Deadline, Error, ErrorKind, ExecContext, Interrupt};
use tempfile::TempDir;

use crate::shell_session::{ShellSession, programs};

/// What the scripts need beside the shell's own commands.
const TOOLS: [&str; 14] =
    ["sh", "cat", "wc", "mv", "rm", "chmod", "chown", "mkdir", "stat", "uname", "find", "head", "cut", "id"];

fn context() -> ExecContext {
    ExecContext::until(Deadline::after(Duration::from_secs(20)))
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn file(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// All names below a folder, hidden ones included.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

async fn send(session: &mut ShellSession, what: &Upload) -> Result<Receipt, Error> {
    upload(session, what, &context()).await
}

async fn fetch(session: &mut ShellSession, what: &Download) -> Result<Receipt, Error> {
    download(session, what, &context()).await
}

#[tokio::test]
async fn a_file_arrives_once() {
    let (here, there) = (folder(), folder());
    let local = file(here.path(), "nginx.conf", vec![b'x'; 300_000]);
    let what = Upload::new(&local, format!("{}/", text(there.path()))).with_mode(0o640);
    let mut session = ShellSession::default();
    let receipt = send(&mut session, &what).await.unwrap();
    assert_eq!((receipt.change, receipt.bytes, receipt.files, receipt.changed), (Change::Changed, 300_000, 1, 1));
    assert_eq!((receipt.verified, receipt.method), (Verified::Checksum, Method::Shell));
    assert_eq!(session.commands, 2, "one round trip to look, one to write");
    let target = there.path().join("nginx.conf");
    assert_eq!(fs::read(&target).unwrap(), fs::read(&local).unwrap());
    assert_eq!(mode(&target), 0o640);
    assert_eq!(names(there.path()), ["nginx.conf"]);

    let inode = fs::metadata(&target).unwrap().ino();
    let receipt = send(&mut session, &what).await.unwrap();
    assert_eq!((receipt.change, receipt.bytes, receipt.files, receipt.changed), (Change::Unchanged, 0, 1, 0));
    assert_eq!((session.commands, fs::metadata(&target).unwrap().ino()), (3, inode));

    // Only the mode differs: no content travels.
    let receipt = send(&mut session, &what.clone().with_mode(0o600)).await.unwrap();
    assert_eq!((receipt.change, receipt.bytes, mode(&target)), (Change::Changed, 0, 0o600));
}

#[tokio::test]
async fn mode_and_owner_of_what_is_replaced_are_kept() {
    let (here, there) = (folder(), folder());
    let local = file(here.path(), "run.sh", "new");
    fs::set_permissions(&local, fs::Permissions::from_mode(0o775)).unwrap();
    let old = file(there.path(), "run.sh", "old");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o4711)).unwrap();
    let mut session = ShellSession::default();
    send(&mut session, &Upload::new(&local, text(&old))).await.unwrap();
    assert_eq!((fs::read(&old).unwrap(), mode(&old)), (b"new".to_vec(), 0o4711));
    // A new one is not writable for others, whatever it is here.
    let new = there.path().join("new");
    send(&mut session, &Upload::new(&local, text(&new))).await.unwrap();
    assert_eq!(mode(&new), 0o755);
}

#[tokio::test]
async fn an_owner_is_set_and_not_set_again() {
    let (here, there) = (folder(), folder());
    let local = file(here.path(), "x", "content");
    let target = there.path().join("x");
    let about = fs::metadata(&local).unwrap();
    // Our own: nobody but root may give files away.
    let owner = format!("{}:{}", about.uid(), about.gid());
    let what = Upload::new(&local, text(&target)).with_owner(owner);
    let mut session = ShellSession::default();
    assert_eq!(send(&mut session, &what).await.unwrap().change, Change::Changed);
    assert_eq!(send(&mut session, &what).await.unwrap().change, Change::Unchanged);
    let error = send(&mut session, &what.clone().with_owner("no-such-user-here")).await.unwrap_err();
    assert!(error.to_string().contains("its owner cannot be set"), "{error}");
    let error = send(&mut session, &what.with_owner("--reference=/etc/shadow")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    fs::remove_file(&target).unwrap();
    let error =
        send(&mut session, &Upload::new(&local, text(&target)).with_owner("no-such-user-here")).await.unwrap_err();
    assert!(error.to_string().contains("its owner cannot be set"), "{error}");
    assert!(names(there.path()).is_empty(), "a file with the wrong owner is no file");
}

#[tokio::test]
async fn what_stands_in_the_way_is_not_touched() {
    let (here, there) = (folder(), folder());
    let local = file(here.path(), "x", "content");
    let mut session = ShellSession::default();
    fs::create_dir(there.path().join("folder")).unwrap();
    symlink("folder", there.path().join("link-to-folder")).unwrap();
    for (target, part) in [
        ("folder", "it is a folder"),
        ("link-to-folder", "it is a folder"),
        ("no/x", "the folder above it does not exist"),
    ] {
        let error = send(&mut session, &Upload::new(&local, text(&there.path().join(target)))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transfer);
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = send(&mut session, &Upload::new(&local, "/dev/null")).await.unwrap_err();
    assert!(error.to_string().contains("neither a file nor a folder"), "{error}");
    assert_eq!(names(there.path()), ["folder", "link-to-folder"]);
    send(&mut session, &Upload::new(&local, text(&there.path().join("no/x"))).with_parents(true)).await.unwrap();

    // A link to a file is replaced, what it points to is not written through.
    let secret = file(there.path(), "secret", "secret");
    symlink("secret", there.path().join("link")).unwrap();
    send(&mut session, &Upload::new(&local, text(&there.path().join("link")))).await.unwrap();
    assert_eq!(fs::read(secret).unwrap(), b"secret");
    assert!(!there.path().join("link").is_symlink());
}

#[tokio::test]
async fn half_a_file_never_has_the_final_name() {
    let (here, there) = (folder(), folder());
    let local = file(here.path(), "x", vec![7; 200_000]);
    let target = file(there.path(), "x", "old");
    let what = Upload::new(&local, text(&target));
    let mut session = ShellSession { stdin_cap: Some(100_000), ..ShellSession::default() };
    let error = send(&mut session, &what).await.unwrap_err();
    assert!(error.to_string().contains("only 100000 bytes arrived"), "{error}");
    assert_eq!((fs::read(&target).unwrap(), names(there.path())), (b"old".to_vec(), vec!["x".to_owned()]));

    // The local file changes after it was summed up.
    let what = Upload::new(&local, text(&target));
    send(&mut ShellSession::default(), &what).await.unwrap();
    fs::write(&target, "old").unwrap();
    fs::write(&local, vec![8; 200_000]).unwrap();
    let error = send(&mut ShellSession::default(), &what).await.unwrap_err();
    assert!(error.to_string().contains("another checksum"), "{error}");
    assert_eq!((fs::read(&target).unwrap(), names(there.path())), (b"old".to_vec(), vec!["x".to_owned()]));
}

#[tokio::test]
async fn a_killed_upload_leaves_the_old_file_and_the_next_one_tidies_up() {
    let (here, there) = (folder(), folder());
    // Nobody writes to it: the upload hangs in its middle, on the host.
    let fifo = here.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let local = file(here.path(), "x", "content");
    let target = file(there.path(), "x", "old");
    let what = Upload::new(&local, text(&target));
    // Sums it up now, as for the first host of many.
    let absent = there.path().join("no/such");
    send(&mut ShellSession::default(), &Upload::new(&local, text(&absent))).await.unwrap_err();
    send(&mut ShellSession { no_exec: true, ..ShellSession::default() }, &what).await.unwrap_err();
    let hold = fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    fs::rename(&fifo, &local).unwrap();
    let context = ExecContext::until(Deadline::after(Duration::from_millis(500)));
    let mut session = ShellSession::default();
    let error = upload(&mut session, &what, &context).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    drop(hold);
    assert_eq!(fs::read(&target).unwrap(), b"old");
    let left: Vec<String> = names(there.path()).into_iter().filter(|name| name.starts_with(".sre-upload.")).collect();
    assert_eq!(left.len(), 1, "killed by SIGKILL, it could not tidy up itself");

    fs::remove_file(&local).unwrap();
    let other = file(here.path(), "other", "other");
    // One that is still at work is left alone.
    let node = left[0].trim_start_matches(".sre-upload.").split('.').next().unwrap().to_owned();
    let alive = format!(".sre-upload.{node}.{}.0", std::process::id());
    file(there.path(), &alive, "");
    send(&mut ShellSession::default(), &Upload::new(&other, text(&there.path().join("y")))).await.unwrap();
    assert_eq!(names(there.path()), [alive, "x".to_owned(), "y".to_owned()]);
}

#[tokio::test]
async fn an_interrupt_stops_an_upload() {
    let (here, there) = (folder(), folder());
    let local = file(here.path(), "x", "content");
    let interrupt = Interrupt::new();
    interrupt.trigger();
    let context = context().with_interrupt(interrupt);
    let what = Upload::new(&local, text(&there.path().join("x")));
    let error = upload(&mut ShellSession::default(), &what, &context).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(names(there.path()).is_empty());
}

#[tokio::test]
async fn noise_of_login_scripts_is_no_answer() {
    let (here, there) = (folder(), folder());
    let local = file(here.path(), "x", "content");
    let mut session = ShellSession { noise: "Welcome!\nfile 7 644 0 0 -\n", ..ShellSession::default() };
    send(&mut session, &Upload::new(&local, text(&there.path().join("x")))).await.unwrap();
    let back = here.path().join("back");
    let receipt = fetch(&mut session, &Download::new(text(&there.path().join("x")), &back)).await.unwrap();
    assert_eq!((fs::read(back).unwrap(), receipt.verified), (b"content".to_vec(), Verified::Checksum));
    fetch(&mut session, &Download::new(text(there.path()), here.path().join("all")).recursive(true)).await.unwrap();
    assert_eq!(names(&here.path().join("all")), ["x"]);
}

#[tokio::test]
async fn busybox_is_enough() {
    let (here, there) = (folder(), folder());
    let mut applets = TOOLS.to_vec();
    applets.push("sha256sum");
    let bin = programs(there.path(), &applets, |_| PathBuf::from("/bin/busybox"));
    round_trip(&mut ShellSession::with_path(&bin), here.path(), &there.path().join("data"), Verified::Checksum).await;
}

#[tokio::test]
async fn openssl_sums_up_where_there_is_no_sha256sum() {
    let (here, there) = (folder(), folder());
    let mut tools = TOOLS.to_vec();
    tools.push("openssl");
    let bin = programs(there.path(), &tools, |name| PathBuf::from("/usr/bin").join(name));
    round_trip(&mut ShellSession::with_path(&bin), here.path(), &there.path().join("data"), Verified::Checksum).await;
}

#[tokio::test]
async fn a_large_file_is_summed_up_whatever_openssl_is_there() {
    for openssl in ["exec /usr/bin/openssl \"$@\"", "exit 1", "echo something else"] {
        let (here, there) = (folder(), folder());
        let mut tools = TOOLS.to_vec();
        tools.push("sha256sum");
        let bin = programs(there.path(), &tools, |name| PathBuf::from("/usr/bin").join(name));
        let program = file(&bin, "openssl", format!("#!/bin/sh\n{openssl}\n"));
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
        let what = Upload::new(file(here.path(), "large", vec![7; 5_000_000]), format!("{}/", text(there.path())));
        let mut session = ShellSession::with_path(&bin);
        what.prepare(&context()).await;
        let receipt = send(&mut session, &what).await.unwrap();
        assert_eq!((receipt.change, receipt.verified), (Change::Changed, Verified::Checksum), "{openssl}");
        assert_eq!(send(&mut session, &what).await.unwrap().change, Change::Unchanged, "{openssl}");
    }
}

#[tokio::test]
async fn without_any_checksum_sizes_are_compared_and_it_is_said() {
    let (here, there) = (folder(), folder());
    let bin = programs(there.path(), &TOOLS, |name| PathBuf::from("/usr/bin").join(name));
    round_trip(&mut ShellSession::with_path(&bin), here.path(), &there.path().join("data"), Verified::Size).await;
}

/// A folder goes there, comes back, and nothing moves the second time (where content can be compared).
async fn round_trip(session: &mut ShellSession, here: &Path, there: &Path, verified: Verified) {
    let source = here.join("source");
    file(&source, "a", "a");
    file(&source, "b/c d'e\"f\ng/-h", vec![3; 70_000]);
    file(&source, "b/empty", "");
    fs::create_dir_all(source.join("nothing/in/it")).unwrap();
    let what = Upload::new(&source, text(there)).recursive(true);
    let receipt = send(session, &what).await.unwrap();
    assert_eq!((receipt.change, receipt.files, receipt.changed, receipt.bytes), (Change::Changed, 3, 3, 70_001));
    assert_eq!(receipt.verified, verified);
    let back = here.join("back");
    let what_back = Download::new(text(there), &back).recursive(true);
    let receipt = fetch(session, &what_back).await.unwrap();
    assert_eq!((receipt.change, receipt.files, receipt.changed, receipt.bytes), (Change::Changed, 3, 3, 70_001));
    assert_eq!(receipt.verified, verified);
    assert_eq!(fs::read(back.join("b/c d'e\"f\ng/-h")).unwrap(), vec![3; 70_000]);
    assert!(back.join("nothing/in/it").is_dir());
    let second = if verified == Verified::Size { Change::Changed } else { Change::Unchanged };
    assert_eq!(send(session, &what).await.unwrap().change, second);
    assert_eq!(fetch(session, &what_back).await.unwrap().change, second);
}

#[tokio::test]
async fn links_are_followed_to_files_only() {
    let (here, there) = (folder(), folder());
    let source = here.path().join("source");
    file(&source, "a", "a");
    symlink("a", source.join("b")).unwrap();
    let target = there.path().join("t");
    let what = Upload::new(&source, text(&target)).recursive(true);
    send(&mut ShellSession::default(), &what).await.unwrap();
    assert!(!target.join("b").is_symlink());
    assert_eq!(fs::read(target.join("b")).unwrap(), b"a");

    symlink("/etc/passwd", target.join("passwd")).unwrap();
    symlink("/etc", target.join("etc")).unwrap();
    let back = here.path().join("back");
    let receipt =
        fetch(&mut ShellSession::default(), &Download::new(text(&target), &back).recursive(true)).await.unwrap();
    assert_eq!((receipt.files, receipt.skipped, names(&back)), (2, 2, vec!["a".to_owned(), "b".to_owned()]));

    symlink(".", source.join("loop")).unwrap();
    let error = send(&mut ShellSession::default(), &what.recursive(true)).await.unwrap_err();
    assert!(error.to_string().contains("a link to a folder"), "{error}");
}

#[tokio::test]
async fn a_download_never_leaves_its_folder() {
    let (here, there) = (folder(), folder());
    file(there.path(), "sub/x", "from the host");
    let outside = folder();
    let back = here.path().join("back");
    fs::create_dir(&back).unwrap();
    symlink(outside.path(), back.join("sub")).unwrap();
    let error = fetch(&mut ShellSession::default(), &Download::new(text(there.path()), &back).recursive(true))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("it is a link"), "{error}");
    assert!(names(outside.path()).is_empty());
}

#[tokio::test]
async fn downloads_have_a_cap() {
    let (here, there) = (folder(), folder());
    let remote = file(there.path(), "big", vec![1; 5_000]);
    let back = here.path().join("back");
    let what = Download::new(text(&remote), &back);
    let error = fetch(&mut ShellSession::default(), &what.clone().with_max_bytes(4_999)).await.unwrap_err();
    assert!(error.to_string().contains("5000 bytes, at most 4999 are allowed"), "{error}");
    assert!(names(here.path()).is_empty());
    let receipt = fetch(&mut ShellSession::default(), &what.clone().with_max_bytes(5_000)).await.unwrap();
    assert_eq!((receipt.bytes, mode(&back)), (5_000, mode(&remote) & 0o755));
    let receipt = fetch(&mut ShellSession::default(), &what.with_mode(0o600)).await.unwrap();
    assert_eq!((receipt.change, receipt.bytes, mode(&back)), (Change::Changed, 0, 0o600));
    for (missing, part) in
        [("/no/such", "there is no such file"), ("/dev/null", "neither a file"), ("/etc", "not recursive")]
    {
        let error = fetch(&mut ShellSession::default(), &Download::new(missing, &back)).await.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_host_without_a_shell_gets_files_over_sftp() {
    for session in [
        ShellSession { no_exec: true, sftp: true, ..ShellSession::default() },
        ShellSession {
            forced: Some("This service allows sftp connections only.\n"),
            sftp: true,
            ..ShellSession::default()
        },
    ] {
        let (here, there, mut session) = (folder(), folder(), session);
        let local = file(here.path(), "x", vec![9; 10_000]);
        let target = there.path().join("x");
        let what = Upload::new(&local, text(&target));
        let receipt = send(&mut session, &what).await.unwrap();
        assert_eq!(
            (receipt.change, receipt.method, receipt.verified),
            (Change::Changed, Method::Sftp, Verified::ReadBack)
        );
        assert_eq!(
            (send(&mut session, &what).await.unwrap().change, names(there.path())),
            (Change::Unchanged, vec!["x".to_owned()])
        );
        let back = here.path().join("back");
        let receipt = fetch(&mut session, &Download::new(text(&target), &back)).await.unwrap();
        assert_eq!((receipt.change, receipt.method, receipt.verified), (Change::Changed, Method::Sftp, Verified::Size));
        assert_eq!(fs::read(back).unwrap(), vec![9; 10_000]);
        let error = send(&mut session, &Upload::new(here.path(), text(&target)).recursive(true)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let error = send(&mut session, &what.clone().with_owner("root")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        session.sftp = false;
        let error = send(&mut session, &what).await.unwrap_err();
        assert!(error.to_string().contains("no SFTP, and "), "{error}");
    }
}

#[tokio::test]
async fn names_that_are_not_utf8_are_refused() {
    use std::os::unix::ffi::OsStrExt;
    let (here, there) = (folder(), folder());
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9");
    fs::write(here.path().join(odd), "x").unwrap();
    let error = send(&mut ShellSession::default(), &Upload::new(here.path(), text(there.path())).recursive(true))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
    let back = there.path().join("back");
    let error =
        fetch(&mut ShellSession::default(), &Download::new(text(here.path()), back).recursive(true)).await.unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

#[tokio::test]
async fn a_full_disk_leaves_nothing() {
    let (here, there) = (folder(), folder());
    let local = file(here.path(), "x", vec![1; 100_000]);
    // `cat` on this host fails as on a full disk.
    let bin = programs(there.path(), &TOOLS, |name| PathBuf::from("/usr/bin").join(name));
    fs::remove_file(bin.join("cat")).unwrap();
    fs::write(bin.join("cat"), "#!/bin/sh\n/usr/bin/head -c 1000\n/usr/bin/cat >/dev/full\n").unwrap();
    fs::set_permissions(bin.join("cat"), fs::Permissions::from_mode(0o755)).unwrap();
    let target = there.path().join("data");
    fs::create_dir(&target).unwrap();
    let mut session = ShellSession::with_path(&bin);
    let error = send(&mut session, &Upload::new(&local, text(&target.join("x")))).await.unwrap_err();
    assert!(
        error.to_string().contains("it cannot be written: ") && error.to_string().contains("No space left"),
        "{error}"
    );
    assert!(names(&target).is_empty());
}

#[test]
fn a_transfer_may_move_between_threads() {
    fn sendable<T: Send>(_: T) {}
    let (what, context) = (Upload::new("a", "b"), context());
    let mut session = ShellSession::default();
    sendable(upload(&mut session, &what, &context));
    let what = Download::new("a", "b");
    sendable(download(&mut session, &what, &context));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_name_is_data(name in "[^/\0]{1,40}") {
        prop_assume!(name != "." && name != "..");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (here, there) = (folder(), folder());
            let local = file(here.path(), "x", "content");
            let target = there.path().join(&name);
            let mut session = ShellSession::default();
            send(&mut session, &Upload::new(&local, text(&target))).await.unwrap();
            assert_eq!(names(there.path()), [name.as_str()]);
            let back = here.path().join("back");
            fetch(&mut session, &Download::new(text(there.path()), &back).recursive(true)).await.unwrap();
            assert_eq!(fs::read(back.join(&name)).unwrap(), b"content");
        });
    }
}
