//! The driver on a paused clock: checks, escalations, what is written down, how much at once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use sre_alerts::remediation::{Driver, Engine, ExecuteFuture, Executor, Output, Remediating, Remediator, Rule, Step};
use sre_alerts::{HostName, Intake};
use sre_core::{Severity, SystemClock};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::books::Books;
use super::{alert, config, rule};

/// Restarts take ten seconds; checks say what the script says, then "ok".
#[derive(Debug, Default)]
struct Hands {
    checks: Mutex<VecDeque<bool>>,
    done: Mutex<Vec<(String, Duration)>>,
    begun: Mutex<Option<Instant>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    hang: Mutex<bool>,
}

impl Executor for Hands {
    fn execute<'a>(&'a self, host: &'a HostName, step: &'a Step) -> ExecuteFuture<'a> {
        Box::pin(async move {
            let Step::Command { argv, .. } = step else { return Err("not here".to_owned()) };
            let begun = *self.begun.lock().unwrap().get_or_insert_with(Instant::now);
            self.done.lock().unwrap().push((format!("{} {host}", argv[0]), begun.elapsed()));
            if argv[0] == "check" {
                let ok = self.checks.lock().unwrap().pop_front().unwrap_or(true);
                return Ok(Output::new(ok, if ok { "load is 0.3" } else { "load is 9.7" }));
            }
            if *self.hang.lock().unwrap() {
                std::future::pending::<()>().await;
            }
            let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(10)).await;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            Ok(Output::new(true, "x".repeat(100_000)))
        })
    }
}

struct Works {
    hands: Arc<Hands>,
    books: Arc<Books>,
    remediator: Remediator,
    driver: JoinHandle<()>,
}

fn works(rule: Rule, hosts: usize, at_once: usize) -> Works {
    let (hands, books) = (Arc::new(Hands::default()), Arc::new(Books::default()));
    let engine = Engine::new(config(rule, hosts)).unwrap();
    let (remediator, driver) =
        Driver::new(engine, hands.clone(), books.clone(), books.clone(), SystemClock::shared(), at_once).unwrap();
    Works { hands, books, remediator, driver: tokio::spawn(driver.run()) }
}

impl Works {
    /// Lets every run end.
    async fn rest(&self) {
        tokio::time::sleep(Duration::from_secs(600)).await;
    }

    async fn close(self) -> (Arc<Hands>, Arc<Books>) {
        drop(self.remediator);
        self.driver.await.unwrap();
        (self.hands, self.books)
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_checked_and_written_down() {
    let works = works(rule(), 10, 2);
    works.hands.checks.lock().unwrap().extend([false, true]);
    assert!(works.remediator.offer(alert("web-0")));
    let (hands, books) = works.close().await;
    let done: Vec<_> = hands.done.lock().unwrap().iter().map(|(what, at)| format!("{what} {}", at.as_secs())).collect();
    assert_eq!(done, ["restart web-0 0", "check web-0 40", "check web-0 70"]);
    let runs = books.runs.lock().unwrap();
    assert_eq!((&runs[0]["stage"], &runs[0]["step"]["command"]["argv"]), (&json!("begun"), &json!(["restart", "api"])));
    let ended = &runs[1];
    assert_eq!(
        (&ended["stage"], &ended["result"], &ended["elapsed"]),
        (&json!("ended"), &json!("fixed"), &json!("1m10s"))
    );
    assert_eq!(ended["check_output"], "load is 0.3");
    assert_eq!(ended["output"].as_str().unwrap().chars().count(), 65_537, "cut, with a mark");
    assert!(books.alerts.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_help_is_escalated_and_resolved_later() {
    let works = works(rule(), 10, 2);
    works.hands.checks.lock().unwrap().extend([false, false]);
    works.remediator.offer(alert("web-0"));
    works.rest().await;
    let raised = works.books.alerts.lock().unwrap()[0].clone();
    assert_eq!(
        (raised.title.as_str(), raised.severity),
        ("remediation restart did not help on web-0", Severity::Critical)
    );
    assert!(
        raised.message.starts_with("not fixed: the check did not pass, tried 2 times\n\nload is 9.7"),
        "{}",
        raised.message
    );
    assert!(!raised.is_resolved());
    works.rest().await;
    works.remediator.offer(alert("web-0"));
    let (_, books) = works.close().await;
    let alerts = books.alerts.lock().unwrap();
    assert_eq!(alerts.len(), 2);
    assert!(alerts[1].is_resolved() && alerts[1].key() == raised.key());
}

#[tokio::test(start_paused = true)]
async fn an_escalation_says_that_the_rule_is_off() {
    let mut often = rule();
    often.cooldown = Duration::ZERO;
    let works = works(often, 10, 2);
    works.hands.checks.lock().unwrap().extend([false; 4]);
    for _ in 0..3 {
        works.remediator.offer(alert("web-0"));
        works.rest().await;
    }
    let (hands, books) = works.close().await;
    let alerts = books.alerts.lock().unwrap();
    let off: Vec<bool> = alerts.iter().map(|alert| alert.message.contains("The rule is off")).collect();
    assert_eq!(off, [false, true]);
    let restarts = hands.done.lock().unwrap().iter().filter(|(what, _)| what.starts_with("restart")).count();
    assert_eq!(restarts, 2, "the third alert found the breaker open");
}

#[tokio::test(start_paused = true)]
async fn no_more_at_once_than_allowed() {
    let mut wide = rule();
    (wide.hourly_budget, wide.fleet_share) = (100, 1.0);
    let works = works(wide, 50, 4);
    for n in 0..50 {
        works.remediator.offer(alert(&format!("web-{n}")));
    }
    let (hands, books) = works.close().await;
    assert_eq!(hands.most_at_once.load(Ordering::SeqCst), 4);
    assert_eq!(books.runs.lock().unwrap().len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_hangs_ends() {
    let works = works(rule(), 10, 2);
    *works.hands.hang.lock().unwrap() = true;
    works.remediator.offer(alert("web-0"));
    let (_, books) = works.close().await;
    let runs = books.runs.lock().unwrap();
    assert_eq!((&runs[1]["result"], &runs[1]["why"]), (&json!("failed"), &json!("no end after 1m")));
    assert_eq!(books.alerts.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_down_is_not_done() {
    let works = works(rule(), 10, 2);
    *works.books.broken.lock().unwrap() = true;
    works.remediator.offer(alert("web-0"));
    let (hands, _) = works.close().await;
    assert!(hands.done.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_pipeline_comes_first() {
    let works = works(rule(), 10, 2);
    let door = Remediating::new(works.books.clone(), works.remediator.clone());
    door.accept(vec![alert("web-0"), alert("web-9"), alert("web-0").resolved(jiff::Timestamp::UNIX_EPOCH)])
        .await
        .unwrap();
    assert_eq!(works.books.alerts.lock().unwrap().len(), 3);
    drop(door);
    let (hands, _) = works.close().await;
    // A tenth of ten hosts is one.
    assert_eq!(hands.done.lock().unwrap()[0].0, "restart web-0");
    assert!(hands.done.lock().unwrap().iter().all(|(what, _)| what.ends_with("web-0")));
}
