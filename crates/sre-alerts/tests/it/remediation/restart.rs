//! What a rule did before a restart counts after it, whoever killed the process in between.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sre_alerts::remediation::{Driver, Engine, ExecuteFuture, Executor, Output, Rule, RunFile, Step};
use sre_alerts::{Alert, HostName};
use sre_core::clock::FixedClock;

use super::books::Books;
use super::{alert, config, rule};

const NOW: &str = "2026-03-23T07:00:00Z";

/// Does everything at once, and the checks fail.
#[derive(Debug, Default)]
struct Hands {
    restarts: Mutex<usize>,
    helps: bool,
}

impl Executor for Hands {
    fn execute<'a>(&'a self, _: &'a HostName, step: &'a Step) -> ExecuteFuture<'a> {
        Box::pin(async move {
            let Step::Command { argv, .. } = step else { return Err("not here".to_owned()) };
            *self.restarts.lock().unwrap() += usize::from(argv[0] == "restart");
            Ok(Output::new(argv[0] == "restart" || self.helps, ""))
        })
    }
}

/// One process, so many minutes after the first: hears of these hosts; how often it restarted something.
async fn process(log: &Path, minutes: i64, rule: Rule, helps: bool, hosts: &[&str]) -> (usize, Vec<Alert>) {
    let hands = Arc::new(Hands { helps, ..Hands::default() });
    let now: Timestamp = NOW.parse().unwrap();
    let clock = Arc::new(FixedClock::at(now + SignedDuration::from_mins(minutes)));
    let log = Arc::new(RunFile::open(log).unwrap());
    let engine = Engine::new(config(rule, 40)).unwrap();
    let books = Arc::new(Books::default());
    let (remediator, driver) = Driver::new(engine, hands.clone(), log, books.clone(), clock, 1).unwrap();
    for host in hosts {
        assert!(remediator.offer(alert(host)));
    }
    drop(remediator);
    driver.run().await;
    let restarts = *hands.restarts.lock().unwrap();
    (restarts, std::mem::take(&mut *books.alerts.lock().unwrap()))
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_and_a_budget_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("runs.jsonl");
    assert_eq!(process(&log, 0, rule(), true, &["web-0"]).await.0, 1);
    assert_eq!(process(&log, 14, rule(), true, &["web-0"]).await.0, 0, "15 minutes are not over");
    assert_eq!(process(&log, 16, rule(), true, &["web-0"]).await.0, 1);
    // Five an hour, and a tenth of forty hosts: two and three more.
    assert_eq!(process(&log, 40, rule(), true, &["web-0", "web-1", "web-2", "web-3"]).await.0, 3);
    assert_eq!(process(&log, 59, rule(), true, &["web-4", "web-0"]).await.0, 0, "the budget of the hour");
    assert_eq!(process(&log, 61, rule(), true, &["web-0"]).await.0, 1, "the first is an hour ago");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_and_what_is_unsolved_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("runs.jsonl");
    for (minutes, host) in [(0, "web-0"), (1, "web-1")] {
        let (restarts, alerts) = process(&log, minutes, rule(), false, &[host]).await;
        assert_eq!((restarts, alerts.len()), (1, 1));
    }
    assert_eq!(process(&log, 59, rule(), true, &["web-2"]).await.0, 0, "it is open");
    let (restarts, alerts) = process(&log, 62, rule(), true, &["web-0"]).await;
    assert!(restarts == 1 && alerts[0].is_resolved(), "the escalation of another process is over: {alerts:?}");
}

/// The process died in the middle of a run; of a record it wrote a half.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_cut_off_counts() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("runs.jsonl");
    let begun = |at: &str, host| json!({ "at": at, "rule": "restart", "host": host, "stage": "begun" }).to_string();
    let lines = [begun("2026-03-23T06:50:00Z", "web-0"), "{\"at\": \"2026-03".to_owned()];
    std::fs::write(&log, lines.join("\n")).unwrap();
    assert_eq!(process(&log, 0, rule(), false, &["web-0"]).await.0, 0, "the cooldown");
    assert_eq!(process(&log, 1, rule(), false, &["web-1"]).await.0, 1);
    assert_eq!(process(&log, 2, rule(), true, &["web-2"]).await.0, 0, "two in a row did not help");
    // The clock was set back: what lies ahead counts as now.
    let mut long = rule();
    long.breaker.failures = 9;
    long.cooldown = Duration::from_secs(3600);
    assert_eq!(process(&log, -30, long, true, &["web-1"]).await.0, 0);
}

#[tokio::test(start_paused = true)]
async fn without_its_memory_it_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("runs.jsonl");
    let file = Arc::new(RunFile::open(&log).unwrap());
    std::fs::remove_file(&log).unwrap();
    let hands = Arc::new(Hands::default());
    let engine = Engine::new(config(rule(), 40)).unwrap();
    let clock = Arc::new(FixedClock::at(NOW.parse().unwrap()));
    assert!(Driver::new(engine, hands, file, Arc::new(Books::default()), clock, 1).is_err());
}
