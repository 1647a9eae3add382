//! The command notifier with real programs.

use std::path::Path;
use std::time::Duration;

use sre_alerts::command::Command;
use sre_alerts::{Error, ErrorKind, Event, Notification, Notifier};
use sre_core::{Classify, Delivery, ErrorClass, RetryHint, Severity};

fn sh(script: &str) -> Command {
    Command::new("sh").args(["-c", script, "notify.sh"])
}

async fn run(command: &Command) -> Result<(), Error> {
    command.notify(&Notification::new(Severity::Error, "t")).await.map(|_| ())
}

fn alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let poll = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), poll).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn everything_arrives_as_data() {
    let dir = tempfile::tempdir().unwrap();
    let hostile = "$(touch canary) `touch canary`; touch canary\n'\"\\ \u{1b} ü";
    let n = Notification::new(Severity::Critical, hostile).key(format!("{hostile}\0")).text("x".repeat(1 << 20));
    let n = n.source(hostile).link(hostile).event(Event::Resolved).field(hostile, hostile);
    let script = r#"cat >stdin; env -0 >env; printf %s "$ALERT_TITLE" >title; printf %s "$*" >args"#;
    let command = sh(script).args([hostile]).env("EXTRA", "1").dir(dir.path());
    command.notify(&n).await.unwrap();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(serde_json::from_str::<Notification>(&read("stdin")).unwrap(), n);
    assert_eq!((read("title").as_str(), read("args").as_str()), (hostile, hostile));
    assert!(!dir.path().join("canary").exists());
    let env = read("env");
    let names: Vec<&str> = env.split_terminator('\0').map(|line| line.split('=').next().unwrap()).collect();
    let ours = ["ALERT_", "PATH", "EXTRA", "PWD", "SHLVL", "OLDPWD", "_"];
    assert!(names.iter().all(|name| ours.iter().any(|known| name.starts_with(known))), "{names:?}");
    assert!(env.contains("ALERT_EVENT=resolved\0") && env.contains("ALERT_SEVERITY=critical\0"));
}

#[tokio::test]
async fn each_ending_has_its_meaning() {
    let (never, backoff) = (RetryHint::Never, RetryHint::Backoff);
    for (script, kind, delivery, hint) in [
        ("exit 1", ErrorKind::Command, Delivery::MaybeSent, backoff),
        ("exit 75", ErrorKind::Command, Delivery::MaybeSent, backoff),
        ("kill -SEGV $$", ErrorKind::Command, Delivery::MaybeSent, backoff),
        ("exit 65", ErrorKind::Refused, Delivery::Answered, never),
        ("exit 78", ErrorKind::Refused, Delivery::Answered, never),
    ] {
        let e = run(&sh(script)).await.unwrap_err();
        assert_eq!((e.kind(), e.delivery(), e.retry_hint()), (kind, delivery, hint), "{script}");
        assert_eq!((e.class(), e.kind().is_permanent()), (ErrorClass::Application, hint == never), "{script}");
    }
    for program in ["/no/such/program", "/etc/passwd"] {
        let e = run(&Command::new(program)).await.unwrap_err();
        assert_eq!((e.kind(), e.delivery()), (ErrorKind::Config, Delivery::NotSent));
        assert!(e.to_string().contains(program), "{e}");
    }
    let e = run(&sh("seq 1 100000 >&2; echo at last >&2; exit 3")).await.unwrap_err();
    assert!(e.to_string().contains("exit status: 3") && e.detail().ends_with("at last"), "{e}");
    run(&sh("exec <&-; exit 0")).await.unwrap();
    assert_eq!(sh("exit 0").send_test().await.unwrap().parts, 1);
}

#[tokio::test]
async fn a_timeout_kills_the_whole_group() {
    let dir = tempfile::tempdir().unwrap();
    let slow = sh("sleep 600 & echo $! >pid; wait").dir(dir.path()).timeout(Duration::from_millis(500));
    let e = run(&slow).await.unwrap_err();
    assert_eq!((e.kind(), e.delivery(), e.class()), (ErrorKind::Timeout, Delivery::MaybeSent, ErrorClass::Connection));
    assert!(e.to_string().contains("killed, not done after 500ms"), "{e}");
    until("the sleeper lives on", || !alive(&pid(dir.path()))).await;
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let slow = sh("sleep 600 & echo $! >pid.new; mv pid.new pid; wait").dir(dir.path());
    let n = Notification::new(Severity::Info, "t");
    let started = async { until("no pid", || dir.path().join("pid").exists()).await };
    tokio::select! { _ = slow.notify(&n) => panic!("it ended"), () = started => {} }
    until("the sleeper lives on", || !alive(&pid(dir.path()))).await;
}

#[tokio::test]
async fn what_it_leaves_behind_does_not_hold_us_up() {
    let dir = tempfile::tempdir().unwrap();
    let started = std::time::Duration::from_secs(5);
    let daemon = sh("sleep 600 & echo $! >pid").dir(dir.path());
    tokio::time::timeout(started, run(&daemon)).await.unwrap().unwrap();
    let pid = pid(dir.path());
    assert!(alive(&pid), "a program may start a service");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.parse().unwrap()), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
}

fn pid(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("pid")).unwrap().trim().to_owned()
}
