//! Asks all sources side by side, each under its own timeout and all under one deadline.
//!
//! Every source reports to one [`Board`]. The collector alone holds the state: who is expected, who is done. At the
//! deadline whoever is still expected is written down as late, and the report comes out.

use std::collections::BTreeMap;
use std::time::Duration;

use sre_core::duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::source::{SourceKey, SourceReport};

/// Where a source says what it is about to ask and what came of it.
#[derive(Debug, Clone)]
pub struct Board {
    events: mpsc::UnboundedSender<Event>,
    timeout: Duration,
}

#[derive(Debug)]
enum Event {
    Expect(SourceKey),
    Replace(SourceKey, Vec<SourceKey>),
    Done(Box<SourceReport>),
}

/// A source's whole work; it reports through its [`Board`].
pub type Job = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// How far a run is; what the progress line shows.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Sources that are done.
    pub done: usize,
    /// Names of those that are not.
    pub waiting: Vec<String>,
}

/// The limits of a run.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For one source.
    pub timeout: Duration,
    /// For all of them together.
    pub deadline: Duration,
}

// === impl Board ===

impl Board {
    /// Says that `key` is about to be asked.
    pub fn expect(&self, key: SourceKey) {
        self.send(Event::Expect(key));
    }

    /// Says that `old` turned out to be `new`: an account turned out to be its regions.
    pub fn replace(&self, old: SourceKey, new: Vec<SourceKey>) {
        self.send(Event::Replace(old, new));
    }

    /// Hands in what came of one source.
    pub fn done(&self, report: SourceReport) {
        self.send(Event::Done(Box::new(report)));
    }

    /// Time that one source may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Runs one source under its timeout and hands in whatever comes of it.
    pub async fn run(&self, key: SourceKey, work: impl Future<Output = SourceReport>) {
        let started = Instant::now();
        // The source's own calls end at the timeout and say more than "late"; the grace lets them.
        let grace = Duration::from_millis(500);
        let report = match tokio::time::timeout(self.timeout + grace, work).await {
            Ok(report) => report,
            Err(_) => SourceReport::late(
                key,
                started.elapsed(),
                &format!("no result within its timeout of {}", duration::format(self.timeout)),
            ),
        };
        self.done(SourceReport { elapsed: started.elapsed(), ..report });
    }

    /// The collector may be gone after the deadline; what comes then is nobody's.
    fn send(&self, event: Event) {
        let _ = self.events.send(event);
    }
}

/// Runs `jobs` and returns one report a source, whatever happened, in the order in which the sources were expected.
pub async fn gather(
    limits: Limits,
    progress: &watch::Sender<Progress>,
    jobs: impl FnOnce(&Board) -> Vec<Job>,
) -> Vec<SourceReport> {
    let started = Instant::now();
    let (events, mut inbox) = mpsc::unbounded_channel();
    let board = Board { events, timeout: limits.timeout.min(limits.deadline) };
    let mut running = JoinSet::new();
    for job in jobs(&board) {
        running.spawn(job);
    }
    drop(board);
    let mut collected = Collected::default();
    let deadline = started + limits.deadline;
    let missing = loop {
        match tokio::time::timeout_at(deadline, inbox.recv()).await {
            Ok(Some(event)) => {
                collected.take(event);
                progress.send_replace(collected.progress());
            }
            // Everybody hung up: whoever said nothing has died.
            Ok(None) => {
                break "it ended without a result, which is a defect of this program: please report it".to_owned();
            }
            Err(_) => break format!("no result within the deadline of {}", duration::format(limits.deadline)),
        }
    };
    while let Ok(event) = inbox.try_recv() {
        collected.take(event);
    }
    collected.finish(|key| SourceReport::late(key, started.elapsed(), &missing))
}

/// Who is expected and who is done, in order.
#[derive(Debug, Default)]
struct Collected {
    order: Vec<SourceKey>,
    done: BTreeMap<SourceKey, SourceReport>,
}

impl Collected {
    fn take(&mut self, event: Event) {
        match event {
            Event::Expect(key) => self.expect(key),
            Event::Replace(old, new) => {
                self.order.retain(|key| *key != old);
                new.into_iter().for_each(|key| self.expect(key));
            }
            Event::Done(report) => {
                self.expect(report.key.clone());
                self.done.insert(report.key.clone(), *report);
            }
        }
    }

    fn expect(&mut self, key: SourceKey) {
        if !self.order.contains(&key) {
            self.order.push(key);
        }
    }

    fn progress(&self) -> Progress {
        let waiting = self.order.iter().filter(|key| !self.done.contains_key(key));
        Progress { done: self.done.len(), waiting: waiting.map(|key| key.target.clone()).collect() }
    }

    fn finish(mut self, late: impl Fn(SourceKey) -> SourceReport) -> Vec<SourceReport> {
        let mut reports: Vec<SourceReport> =
            self.order.into_iter().map(|key| self.done.remove(&key).unwrap_or_else(|| late(key))).collect();
        reports.sort_by_key(|r| r.key.kind);
        reports
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::source::{SourceKind, SourceState};

    fn key(name: &str) -> SourceKey {
        SourceKey::new(SourceKind::Kubernetes, name)
    }

    fn fine(key: SourceKey) -> SourceReport {
        SourceReport {
            key,
            state: SourceState::Answered,
            elapsed: Duration::ZERO,
            facts: Value::Null,
            findings: vec![],
            summary: String::new(),
            notes: vec![],
            error: None,
            scope: String::new(),
        }
    }

    fn job(board: &Board, name: &'static str, takes: Duration) -> Job {
        board.expect(key(name));
        let board = board.clone();
        Box::pin(async move {
            let work = async {
                tokio::time::sleep(takes).await;
                fine(key(name))
            };
            board.run(key(name), work).await;
        })
    }

    async fn states(jobs: impl FnOnce(&Board) -> Vec<Job>) -> (Vec<(String, SourceState)>, Duration) {
        let started = Instant::now();
        let limits = Limits { timeout: Duration::from_secs(30), deadline: Duration::from_secs(120) };
        let reports = gather(limits, &watch::Sender::new(Progress::default()), jobs).await;
        (reports.into_iter().map(|r| (r.key.target, r.state)).collect(), started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_hides_nobody() {
        let second = Duration::from_secs(1);
        let (states, took) =
            states(|b| vec![job(b, "a", second), job(b, "b", 9999 * second), job(b, "c", 2 * second)]).await;
        let expected = [("a", SourceState::Answered), ("b", SourceState::Late), ("c", SourceState::Answered)];
        assert_eq!(states, expected.map(|(n, s)| (n.to_owned(), s)));
        assert!(took < Duration::from_secs(31), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_deadline_the_report_comes_out() {
        let stuck = |b: &Board| {
            b.expect(key("stuck"));
            let board = b.clone();
            let job: Job = Box::pin(async move {
                std::future::pending::<()>().await;
                drop(board);
            });
            vec![job, job_ok(b)]
        };
        fn job_ok(b: &Board) -> Job {
            job(b, "ok", Duration::from_secs(1))
        }
        let (states, took) = states(stuck).await;
        assert_eq!(states, [("stuck".to_owned(), SourceState::Late), ("ok".to_owned(), SourceState::Answered)]);
        assert!(took < Duration::from_secs(121), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_dies_is_late_and_not_lost() {
        let (states, _) = states(|b| {
            b.expect(key("dies"));
            let job: Job = Box::pin(async { assert!(std::hint::black_box(false), "a defect") });
            vec![job]
        })
        .await;
        assert_eq!(states, [("dies".to_owned(), SourceState::Late)]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_becomes_its_regions() {
        let (states, _) = states(|b| {
            b.expect(key("account"));
            let board = b.clone();
            let job: Job = Box::pin(async move {
                board.replace(key("account"), vec![key("r1"), key("r2")]);
                board.done(fine(key("r1")));
            });
            vec![job]
        })
        .await;
        assert_eq!(states, [("r1".to_owned(), SourceState::Answered), ("r2".to_owned(), SourceState::Late)]);
    }
}
