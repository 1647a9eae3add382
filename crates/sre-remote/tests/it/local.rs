//! Commands on this machine.

use std::fs;
use std::path::Path;
use std::time::Duration;

use sre_remote::local::LocalTransport;
use sre_remote::{
    Captured, Command, Deadline, ErrorKind, ExecContext, Exit, Host, Interrupt, Phase, Session, Stdin, Transport,
};

async fn session(folder: &Path) -> Box<dyn Session> {
    let transport = LocalTransport::new().in_folder(folder);
    transport.connect(&Host::new("here"), Deadline::after(Duration::from_secs(5))).await.unwrap()
}

fn context(limit: Duration) -> ExecContext {
    ExecContext::until(Deadline::after(limit))
}

async fn exec(session: &mut dyn Session, command: Command) -> (Result<Exit, sre_remote::Error>, Captured) {
    let mut output = Captured::with_cap(1 << 20);
    let done = session.exec(&command, &context(Duration::from_secs(10)), &mut output).await;
    (done, output)
}

/// Whether the process that a file names is gone; the dead that nobody has waited for count as gone.
async fn is_gone(file: &Path) -> bool {
    let id = fs::read_to_string(file).unwrap();
    for _ in 0..500 {
        match fs::read_to_string(format!("/proc/{}/stat", id.trim())) {
            Ok(stat) if !stat.contains(") Z ") => tokio::time::sleep(Duration::from_millis(10)).await,
            _ => return true,
        }
    }
    false
}

async fn appears(file: &Path) {
    for _ in 0..1000 {
        if fs::read_to_string(file).is_ok_and(|text| text.ends_with('\n')) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} did not appear", file.display());
}

#[tokio::test]
async fn commands_run_as_on_a_host() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = session(dir.path()).await;
    let (exit, output) = exec(&mut *here, Command::shell("pwd; echo err >&2; exit 3")).await;
    assert_eq!(exit.unwrap(), Exit::Code(3));
    assert_eq!(output.stdout, format!("{}\n", dir.path().canonicalize().unwrap().display()).into_bytes());
    assert_eq!(output.stderr, b"err\n");
    let script = Command::script("echo $1 $A; cat", ["it's"]).with_env("A", "b").with_stdin(Stdin::Bytes("in".into()));
    let (exit, output) = exec(&mut *here, script).await;
    assert_eq!((exit.unwrap(), output.stdout.as_slice()), (Exit::Code(0), &b"it's b\nin"[..]));
    let (exit, _) = exec(&mut *here, Command::shell("kill -KILL $$")).await;
    assert_eq!(exit.unwrap(), Exit::Signal("KILL".to_owned()));
    let (exit, _) = exec(&mut *here, Command::shell("true").with_pty(true)).await;
    assert_eq!(exit.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn much_output_on_both_streams_and_much_input() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = session(dir.path()).await;
    let input = dir.path().join("input");
    fs::write(&input, vec![b'x'; 3_000_000]).unwrap();
    let command = Command::shell("yes e | head -c 3000000 >&2; cat; yes o | head -c 3000000");
    let (exit, output) = exec(&mut *here, command.with_stdin(Stdin::File(input))).await;
    assert_eq!(exit.unwrap(), Exit::Code(0));
    assert_eq!((output.stdout_bytes, output.stderr_bytes), (6_000_000, 3_000_000));
    // Nobody reads the input, and the command ends all the same.
    let command = Command::shell("exit 4").with_stdin(Stdin::Bytes(vec![b'x'; 1_000_000].into()));
    assert_eq!(exec(&mut *here, command).await.0.unwrap(), Exit::Code(4));
}

#[tokio::test]
async fn a_daemon_that_keeps_the_output_open_does_not_keep_us() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = session(dir.path()).await;
    let started = tokio::time::Instant::now();
    let (exit, output) = exec(&mut *here, Command::shell("sleep 30 & echo $! > id; echo started")).await;
    assert_eq!((exit.unwrap(), output.stdout.as_slice()), (Exit::Code(0), &b"started\n"[..]));
    assert!(started.elapsed() < Duration::from_secs(8));
    let id = fs::read_to_string(dir.path().join("id")).unwrap().trim().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn a_late_command_is_killed_with_all_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = session(dir.path()).await;
    let command = Command::shell("trap '' TERM; sleep 60 & echo $! > id; echo begun; wait; sleep 60");
    let mut output = Captured::with_cap(1 << 10);
    let error = here.exec(&command, &context(Duration::from_millis(500)), &mut output).await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, Phase::Exec));
    assert_eq!(output.stdout, b"begun\n", "what came before is not lost");
    assert!(is_gone(&dir.path().join("id")).await, "{error}");
}

#[tokio::test]
async fn an_interrupted_or_dropped_command_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = session(dir.path()).await;
    let command = Command::shell("sleep 60 & echo $! > id; wait");
    let id = dir.path().join("id");
    let interrupt = Interrupt::new();
    let interrupted = context(Duration::from_secs(20)).with_interrupt(interrupt.clone());
    let mut output = Captured::default();
    let stop = async {
        appears(&id).await;
        interrupt.trigger();
    };
    let (done, ()) = tokio::join!(here.exec(&command, &interrupted, &mut output), stop);
    assert_eq!(done.unwrap_err().kind(), ErrorKind::Interrupted);
    assert!(is_gone(&id).await);
    fs::remove_file(&id).unwrap();
    let long = context(Duration::from_secs(20));
    tokio::select! {
        _ = here.exec(&command, &long, &mut output) => panic!("it ended"),
        () = appears(&id) => {}
    }
    assert!(is_gone(&id).await, "dropping the future must kill");
}

#[tokio::test]
async fn files_are_copied_and_renamed() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = session(dir.path()).await;
    let limit = context(Duration::from_secs(5));
    let source = dir.path().join("source");
    fs::write(&source, "content").unwrap();
    assert_eq!(here.write_file(&source, "new", 0o640, &limit).await.unwrap(), 7);
    here.rename_file("new", "newer", &limit).await.unwrap();
    assert_eq!(here.read_file("newer", &dir.path().join("back"), &limit).await.unwrap(), 7);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(dir.path().join("newer")).unwrap().permissions());
    assert_eq!((fs::read_to_string(dir.path().join("back")).unwrap().as_str(), mode & 0o777), ("content", 0o640));
    here.remove_file("newer", &limit).await.unwrap();
    assert!(!dir.path().join("newer").exists());
    let error = here.read_file("no-such", &dir.path().join("x"), &limit).await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Transfer, Phase::Transfer));
}
