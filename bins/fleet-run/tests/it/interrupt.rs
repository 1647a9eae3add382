//! Signals in the middle of a run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::Instant;

use crate::rig::{Outcome, Rig, eventually};

/// A command that says that it runs, and does not end by itself.
fn sleeper(rig: &Rig) -> (String, PathBuf) {
    let pids = rig.home().join("pids");
    (format!("echo started; echo $$ >> {}; exec sleep 600", pids.display()), pids)
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_signal_kills_what_runs_and_all_results_are_told() {
    let (rig, fleet) = Rig::with_fleet().await;
    let (command, pids) = sleeper(&rig);
    let args = fleet.args(&[&command, "-w", "127.0.9.[1-4]", "--workers", "2", "-o", "json"]);
    let child = rig.command(&args).spawn().unwrap();
    let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap());
    eventually("two commands run", || lines(&pids) == 2).await;
    kill(pid, Signal::SIGINT).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(lines(&pids), 2, "nothing further is started, and nothing is killed");
    let started = Instant::now();
    kill(pid, Signal::SIGINT).unwrap();
    let run = Outcome::of(child, started).await;
    assert!(run.took < Duration::from_secs(8), "{:?}", run.took);
    assert_eq!(run.code, Some(130), "{run:?}");
    let document = run.json();
    let words: Vec<_> = document["results"].as_array().unwrap().iter().map(|r| r["status"].as_str().unwrap()).collect();
    assert_eq!(words, ["interrupted", "interrupted", "skipped", "skipped"]);
    assert_eq!((&document["stopped"], &document["results"][0]["stdout"]), (&"interrupted".into(), &"started\n".into()));
    assert!(run.stderr.contains("2 still running: 127.0.9.[1-2]"), "{}", run.stderr);
    eventually("nothing runs on the hosts", || fleet.sshd.remote_processes().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisors_signal_kills_at_once() {
    let (rig, fleet) = Rig::with_fleet().await;
    let (command, pids) = sleeper(&rig);
    let child = rig.command(fleet.args(&[&command, "-w", "127.0.9.1"])).spawn().unwrap();
    let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap());
    eventually("the command runs", || lines(&pids) == 1).await;
    let started = Instant::now();
    kill(pid, Signal::SIGTERM).unwrap();
    let run = Outcome::of(child, started).await;
    assert!(run.code == Some(143) && run.took < Duration::from_secs(8), "{run:?}");
    eventually("nothing runs on the hosts", || fleet.sshd.remote_processes().is_empty()).await;
}
