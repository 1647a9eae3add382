//! Hosts and places for results that fail.

use std::fs::OpenOptions;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use crate::rig::{Outcome, Rig};

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_host_costs_the_others_nothing() {
    let (rig, fleet) = Rig::with_fleet().await;
    let nobody = sre_testkit::refused_url();
    let port = nobody.rsplit_once(':').unwrap().1;
    // 192.0.2.1 is for documentation: nobody answers there, or nobody lets us try.
    let hosts = format!("127.0.9.[1-2],127.0.9.3:{port},192.0.2.1");
    let args = ["echo fine", "-w", &hosts, "--connect-timeout", "1s", "--retries", "1", "-o", "json"];
    let run = rig.run(fleet.args(&args)).await;
    let document = run.json();
    let results = document["results"].as_array().unwrap();
    assert_eq!((run.code, document["ok"].as_u64()), (Some(2), Some(2)), "{run:?}");
    assert_eq!((&results[2]["status"], &results[2]["phase"]), (&"unreachable".into(), &"connect".into()));
    assert_eq!(results[3]["phase"], "connect", "{:?}", results[3]);
    assert_eq!((&results[2]["reason"], &results[2]["class"]), (&"unreachable".into(), &"connection".into()));
    // Readers of JSON take the last of two keys, or none.
    assert_eq!(run.stdout.matches(r#""class":"#).count(), results.len(), "{run:?}");
    assert!(run.took < Duration::from_secs(4), "{:?}", run.took);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_key_and_a_timeout_have_their_names() {
    let (rig, fleet) = Rig::with_fleet().await;
    let unknown = rig.run(fleet.args(&["true", "-w", "127.0.8.8", "-o", "json"])).await;
    assert_eq!((unknown.code, &unknown.json()["results"][0]["status"]), (Some(2), &"host-key".into()), "{unknown:?}");
    let accepted = rig.run(fleet.args(&["true", "-w", "127.0.8.8", "--host-key", "accept-new"])).await;
    assert_eq!(accepted.code, Some(0), "{accepted:?}");
    let args = ["echo before; sleep 60", "-w", "127.0.9.1", "--timeout", "2s", "-o", "json"];
    let slow = rig.run(fleet.args(&args)).await;
    let result = slow.json()["results"][0].clone();
    assert_eq!((&result["status"], &result["phase"]), (&"timeout".into(), &"exec".into()));
    assert_eq!(result["stdout"], "before\n");
    assert!(slow.code == Some(2) && slow.took < Duration::from_secs(6), "{slow:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_failures_end_with_3() {
    let (rig, fleet) = Rig::with_fleet().await;
    let args = ["false", "-w", "127.0.9.[1-9]", "--workers", "1", "--fail-fast", "-o", "json"];
    let run = rig.run(fleet.args(&args)).await;
    let document = run.json();
    assert_eq!((run.code, &document["stopped"]), (Some(3), &"max-fail".into()));
    assert_eq!(document["counts"]["skipped"], 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_take_no_results() {
    let (rig, fleet) = Rig::with_fleet().await;
    let full = Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
    let args = fleet.args(&["echo hello", "-w", "127.0.9.[1-2]", "--output-file", "r.json"]);
    let child = rig.command(&args).stdout(full).spawn().unwrap();
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(73) && said.contains("cannot write to stdout"), "{output:?}");
    assert!(rig.read("r.json").contains("hello"), "the file has its results all the same");

    let nowhere = rig.run(fleet.args(&["true", "-w", "127.0.9.1", "--output-file", "no/such/r.json"])).await;
    assert!(nowhere.code == Some(73) && fleet.sshd.connections() == 2, "before anything runs: {nowhere:?}");
    let mut child = rig.command(fleet.args(&["true", "-w", "127.0.9.1"])).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).await.unwrap();
    assert_eq!((child.wait().await.unwrap().code(), err.as_str()), (Some(0), ""), "who reads no more had enough");
}

/// A pager that is left alone takes no more than a pipe holds. That must not look like nine hosts that do not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_pauses_costs_no_host_its_deadline() {
    let (rig, fleet) = Rig::with_fleet().await;
    let talk = "head -c 200000 /dev/zero | tr '\\0' x";
    let args = ["--workers", "2", "--timeout", "4s", "-w", "127.0.9.[1-9]", talk];
    let started = Instant::now();
    let child = rig.command(fleet.args(&args)).spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(7)).await;
    let run = Outcome::of(child, started).await;
    assert!(run.code == Some(0) && run.stdout.ends_with('\n'), "{:?} {}", run.code, run.stderr);
    assert!(run.stdout.contains("9/9 ok") && run.stdout.len() > 9 * 200_000, "{}", run.stdout.len());
}

#[tokio::test]
async fn a_host_may_be_this_machine() {
    let rig = Rig::new();
    rig.file("servers.txt", "here transport=local\n");
    let run = rig.run(["echo $((6 * 7))", "--servers", "servers.txt", "--ssh-config", "none"]).await;
    assert!(run.code == Some(0) && run.stdout.contains("42"), "{run:?}");
}
