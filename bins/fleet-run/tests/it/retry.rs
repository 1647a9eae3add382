//! `--retry-failed`: the same again, only where it was not ok.

use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn the_last_run_again_where_it_failed() {
    let (rig, fleet) = Rig::with_fleet().await;
    let flag = rig.home().join("repaired");
    let command = format!("set -- $SSH_CONNECTION; case $3 in *.2) test -e {};; esac", flag.display());
    let first = rig.run(fleet.args(&[&command, "-w", "127.0.9.[1-3]"])).await;
    assert_eq!(first.code, Some(1), "{first:?}");
    assert!(first.stdout.contains("2/3 ok, 1 exit 1") && first.stdout.contains("--retry-failed last"), "{first:?}");

    let list = rig.run(["--retry-failed", "last", "--list"]).await;
    assert_eq!(list.stdout, "127.0.9.2\n", "{list:?}");
    let still = rig.run(["--retry-failed", "last"]).await;
    assert!(still.code == Some(1) && still.stdout.contains("0/1 ok"), "{still:?}");
    rig.file("repaired", "");
    let repaired = rig.run(["--retry-failed", "last", "--timeout", "20"]).await;
    assert!(repaired.code == Some(0) && repaired.stdout.contains("1/1 ok"), "{repaired:?}");
    let nothing = rig.run(["--retry-failed", "last"]).await;
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(0), "nothing to retry: all 1 hosts were ok\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_says_which_hosts() {
    let (rig, fleet) = Rig::with_fleet().await;
    let first = rig.run(fleet.args(&["exit 1", "-w", "127.0.9.[1-2]", "--output-file", "r.jsonl"])).await;
    assert_eq!(first.code, Some(1));
    let second = rig.run(fleet.args(&["true", "-w", "127.0.9.[1-4]", "--retry-failed", "r.jsonl"])).await;
    assert!(second.code == Some(0) && second.stdout.contains("2/2 ok"), "{second:?}");
    let bare = rig.run(["--retry-failed", "r.jsonl"]).await;
    assert!(bare.code == Some(64) && bare.stderr.contains("a report does not say what was run"), "{bare:?}");
}
