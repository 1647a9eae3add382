//! Ending early: the deadline, and Ctrl-C in the middle of a run.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sre_testkit::kubernetes::{KubeApi, Kubeconfig};
use sre_testkit::scripted::Reply;
use tokio::time::Instant;

use crate::rig::{Outcome, Rig, source};

#[tokio::test(flavor = "multi_thread")]
async fn at_the_deadline_the_report_says_who_was_late() {
    let slow = KubeApi::builder().fault(|_, _| Some(Reply::hang())).start().await;
    let fine = KubeApi::builder().start().await;
    let rig = Rig::new();
    rig.kubeconfig(&Kubeconfig::new().api("slow", &slow).api("fine", &fine));
    let args = ["-c", "slow", "-c", "fine", "--timeout", "30s", "--deadline", "1s", "--no-state"];
    let run = rig.run(args.into_iter().chain(["-o", "json"])).await;
    let report = run.json();
    assert_eq!((run.code, &report["verdict"]["sources_answered"]), (Some(2), &1.into()), "{run:?}");
    let late = source(&report, "kubernetes", "slow");
    assert!(late["state"] == "late" || late["state"] == "failed", "{late}");
    assert_eq!(late["error"]["class"], "connection");
    assert_eq!(source(&report, "kubernetes", "fine")["state"], "answered");
    assert!(run.took < Duration::from_secs(2), "{:?}", run.took);

    let text = rig.run(args).await.stdout;
    let said = text.lines().find(|line| line.contains("slow")).unwrap_or_else(|| panic!("{text}"));
    assert!(text.contains("1 of 2 sources answered"), "{said}\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_run_and_the_plugin_with_it() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let api = KubeApi::builder().start().await;
        let rig = Rig::new();
        let pids = rig.home().join("pids");
        // The plugin and a child of its own; neither ends by itself.
        let script = format!("echo $$ > {0}.new; sleep 600 & echo $! >> {0}.new; mv {0}.new {0}; wait", pids.display());
        rig.kubeconfig(&Kubeconfig::new().exec("prod", &api, "sh", &["-c", &script]));
        let child = rig.command(["-c", "prod", "--no-state"]).spawn().unwrap();
        let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap());
        eventually("the plugin runs", || pids.exists()).await;
        let started = Instant::now();
        kill(pid, signal).unwrap();
        let run = Outcome::of(child, started).await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{run:?}");
        assert!(run.took < Duration::from_secs(1), "{:?}", run.took);
        for plugin in std::fs::read_to_string(&pids).unwrap().lines() {
            eventually("the plugin is gone", || !runs(plugin)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_hangs_does_not_outlive_the_run() {
    let api = KubeApi::builder().start().await;
    let rig = Rig::new();
    let pids = rig.home().join("pids");
    let script = format!("echo $$ > {0}; sleep 600 & echo $! >> {0}; wait", pids.display());
    rig.kubeconfig(&Kubeconfig::new().exec("prod", &api, "sh", &["-c", &script]));
    let run = rig.run(["-c", "prod", "--timeout", "1s", "--deadline", "2s", "--no-state"]).await;
    assert_eq!(run.code, Some(3), "nobody let us in: {run:?}");
    for plugin in std::fs::read_to_string(&pids).unwrap().lines() {
        eventually("the plugin is gone", || !runs(plugin)).await;
    }
}

/// Whether the process is there and not merely waiting to be reaped.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(10), "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
