//! What is reported of hosts, in every format, over a real SSH server.

use insta::assert_snapshot;
use serde_json::Value;

use crate::rig::{Outcome, Rig};

/// One host answers otherwise, by the address that was dialled.
const BY_ADDRESS: &str =
    "set -- $SSH_CONNECTION; case $3 in *.3) echo 'no such unit' >&2; exit 3;; *) echo active;; esac";

fn statuses(run: &Outcome) -> Vec<String> {
    let results = run.json();
    let word = |result: &Value| result["status"].as_str().unwrap().to_owned();
    results["results"].as_array().unwrap().iter().map(word).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn text_table_gather_and_stream() {
    let (rig, fleet) = Rig::with_fleet().await;
    let run = async |more: &[&str]| {
        let args: Vec<&str> = [BY_ADDRESS, "-w", "127.0.9.[1-4]"].into_iter().chain(more.iter().copied()).collect();
        let run = rig.run(fleet.args(&args)).await;
        assert_eq!(run.code, Some(1), "{run:?}");
        run.timeless()
    };
    assert_snapshot!("text", run(&["--workers", "1"]).await);
    assert_snapshot!("text_quiet", run(&["--workers", "1", "--quiet"]).await);
    assert_snapshot!("table", run(&["-o", "table"]).await);
    assert_snapshot!("gather", run(&["-b"]).await);
    assert_snapshot!("gather_diff", run(&["-b", "--diff"]).await);
    let stream = run(&["--stream", "--workers", "1"]).await;
    assert!(stream.contains("127.0.9.1: active\n127.0.9.1: ✓ ok"), "{stream}");
}

#[tokio::test(flavor = "multi_thread")]
async fn formats_for_programs() {
    let (rig, fleet) = Rig::with_fleet().await;
    let args = fleet.args(&[BY_ADDRESS, "-w", "127.0.9.[1-3]", "-o"]);
    let run = async |format: &str| rig.run(args.iter().map(String::as_str).chain([format])).await;
    let json = run("json").await;
    assert_eq!(statuses(&json), ["ok", "ok", "exit"]);
    let document = json.json();
    let last = &document["results"][2];
    assert_eq!((&last["code"], &last["stderr"]), (&3.into(), &"no such unit\n".into()));
    assert_eq!(last["user"], fleet.sshd.user());
    assert_eq!(
        (&document["ok"], &document["counts"]["exit 3"], &document["exit_code"]),
        (&2.into(), &1.into(), &1.into())
    );
    let address = last["address"].as_str().unwrap();
    assert!(last["timings"]["auth"].as_f64().unwrap() > 0.0 && address.starts_with("127.0.9.3:"), "{last}");
    assert!(json.stderr.contains("2/3 ok, 1 exit 3"), "the summary is for people: {}", json.stderr);

    let lines = run("jsonl").await.stdout;
    assert!(lines.lines().count() == 3 && lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let csv = run("csv").await.stdout;
    assert!(csv.starts_with("host,status,exit_code") && csv.contains("\r\n127.0.9.3,exit,3,"), "{csv}");
    let junit = run("junit").await.stdout;
    assert!(junit.contains(r#"tests="3""#) && junit.contains(r#"failures="1""#), "{junit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_go_to_files_too() {
    let (rig, fleet) = Rig::with_fleet().await;
    let args = [BY_ADDRESS, "-w", "127.0.9.[1-3]", "--output-file", "results.json", "--output-dir", "out"];
    let run = rig.run(fleet.args(&args)).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    let document: Value = serde_json::from_str(&rig.read("results.json")).unwrap();
    assert_eq!(document["results"][0]["stdout"], "active\n");
    assert_eq!(
        (rig.read("out/127.0.9.1.out"), rig.read("out/127.0.9.3.err")),
        ("active\n".into(), "no such unit\n".into())
    );
    assert_eq!(rig.read("out/127.0.9.3.out"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_arrive_as_they_are_and_so_do_environment_and_input() {
    let (rig, fleet) = Rig::with_fleet().await;
    let words = ["-w", "127.0.9.1", "-o", "json", "--", "printf", "%s|", "a  b", "$HOME;", "it's"];
    let run = rig.run(fleet.args(&words)).await;
    assert_eq!(run.json()["results"][0]["stdout"], "a  b|$HOME;|it's|", "{run:?}");
    rig.file("input", "from a file\n");
    rig.file("fix.sh", "#!/bin/sh\ncat; echo \"$GREETING $1\"; pwd\n");
    let args = ["--script", "fix.sh", "you", "-w", "127.0.9.1", "--env", "GREETING=hello, it's", "--cwd", "/usr"];
    let run = rig.run(fleet.args(&[&args[..], &["--stdin", "input", "-o", "json"]].concat())).await;
    assert_eq!(run.json()["results"][0]["stdout"], "from a file\nhello, it's you\n/usr\n", "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_health() {
    let (rig, fleet) = Rig::with_fleet().await;
    rig.file("app.conf", "workers 5\n");
    let target = rig.home().join("deployed.conf");
    let pair = format!("app.conf:{}", target.display());
    let upload = async || rig.run(fleet.args(&["--upload", &pair, "-w", "127.0.9.1", "--mode", "640"])).await;
    let first = upload().await;
    assert!(first.code == Some(0) && first.stdout.contains("1 of 1 file changed"), "{first:?}");
    assert!(upload().await.stdout.contains("unchanged"));
    assert_eq!(rig.read("deployed.conf"), "workers 5\n");

    let pair = format!("{}:logs", target.display());
    let run = rig.run(fleet.args(&["--download", &pair, "-w", "127.0.9.[1-2]"])).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(rig.read("logs/127.0.9.2/deployed.conf"), "workers 5\n");

    let health = rig.run(fleet.args(&["--health", "-w", "127.0.9.1", "-o", "json"])).await;
    let facts = &health.json()["results"][0]["health"];
    assert!(facts["memory"]["total_bytes"].as_u64().unwrap() > 0, "{health:?}");
    let table = rig.run(fleet.args(&["--health", "-w", "127.0.9.1", "-o", "table"])).await;
    assert!(table.stdout.contains("FULLEST DISK"), "{table:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_audited_with_secrets_masked() {
    let (rig, fleet) = Rig::with_fleet().await;
    let command = "echo https://user:hunter2@example.com/x";
    let args = [command, "-w", "127.0.9.[1-2]", "--env", "TOKEN=s3cr3t"];
    assert_eq!(rig.run(fleet.args(&args)).await.code, Some(0));
    let quiet = rig.run(fleet.args(&["true", "-w", "127.0.9.1", "--no-audit"])).await;
    assert_eq!(quiet.code, Some(0), "{quiet:?}");
    let log = rig.read(".local/state/fleet-run/audit.jsonl");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["event"], &lines[1]["event"]), (2, &"begin".into(), &"end".into()), "{log}");
    assert_eq!((&lines[1]["where"], &lines[1]["counts"]["ok"]), (&"127.0.9.[1-2]".into(), &2.into()));
    assert!(!log.contains("hunter2") && !log.contains("s3cr3t"), "{log}");
}
