//! A storm through the whole pipeline in real time, to the clients of Slack and PagerDuty, against doubles that keep the
//! pace of the real ones. Slack is slow, too. (`pipeline::storm` has the same on a made-up time line, to the second.)

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use sre_alerts::outbox::{EntryState, NotificationQuery};
use sre_alerts::pagerduty::PagerDuty;
use sre_alerts::pipeline::{Config, Pipeline};
use sre_alerts::slack::SlackWebhook;
use sre_alerts::stage::RouteConfig;
use sre_alerts::{Alert, Intake, SharedNotifier};
use sre_core::http::Client;
use sre_core::{Clock, Secret, Severity, SystemClock};
use sre_testkit::pagerduty::{self, ROUTING_KEY, State};
use sre_testkit::slack;
use tokio::time::Instant;

/// Slack takes so long for an answer.
const SLACK: Duration = Duration::from_millis(900);
/// A page is there within this, on a machine that is busy otherwise.
const PAGED: Duration = Duration::from_secs(1);
/// Alerts of one request.
const BATCH: usize = 50;

struct Storm {
    alerts: usize,
    distinct: usize,
    /// Every so many problems one is critical.
    page_every: usize,
    a_second: usize,
    /// More memory at the end than when the first tenth was in; nothing where other tests share the process.
    more_memory: Option<u64>,
}

struct Outside {
    slack: slack::SlackWebhook,
    pager: pagerduty::PagerDuty,
}

impl Storm {
    /// New problems come evenly; in between there is only what is known.
    fn problem(&self, nth: usize) -> usize {
        let every = self.alerts / self.distinct;
        let newest = nth / every;
        if nth.is_multiple_of(every) { newest } else { nth.wrapping_mul(0x9E37_79B9) % (newest + 1) }
    }

    fn alert(&self, problem: usize, since: jiff::Timestamp) -> Alert {
        let severity = if problem.is_multiple_of(self.page_every) { Severity::Critical } else { Severity::Warning };
        let alert = Alert::builder(severity, format!("problem {problem}")).source(format!("host-{}", problem % 97));
        alert
            .label("service", format!("s{}", problem % 7))
            .message("it does not answer")
            .starts_at(since)
            .build()
            .unwrap()
    }

    fn pages(&self) -> usize {
        self.distinct.div_ceil(self.page_every)
    }

    /// When each page was handed in.
    async fn rage(&self, pipeline: &Pipeline) -> HashMap<String, Instant> {
        let (start, since) = (Instant::now(), SystemClock.now());
        let mut handed_in = HashMap::new();
        let mut early = None;
        for first in (0..self.alerts).step_by(BATCH) {
            tokio::time::sleep_until(start + Duration::from_secs_f64(first as f64 / self.a_second as f64)).await;
            let alerts = (first..first + BATCH).map(|nth| self.alert(self.problem(nth), since)).collect::<Vec<_>>();
            let now = Instant::now();
            for alert in alerts.iter().filter(|alert| alert.severity == Severity::Critical) {
                handed_in.entry(alert.title.clone()).or_insert(now);
            }
            pipeline.accept(alerts).await.unwrap();
            if first >= self.alerts / 10 {
                early.get_or_insert_with(resident);
            }
        }
        let (early, late) = (early.unwrap_or_default(), resident());
        say(&format!("memory: {} KiB after a tenth, {} KiB after all", early >> 10, late >> 10));
        if let Some(most) = self.more_memory {
            assert!(late <= early + most, "{} KiB more", (late - early) >> 10);
        }
        handed_in
    }
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[expect(clippy::print_stdout, reason = "the numbers of the run")]
fn say(line: &str) {
    println!("{line}");
}

fn open(store: &std::path::Path, outside: &Outside) -> Pipeline {
    let client = Client::builder().build().unwrap();
    let chat = SlackWebhook::new(client.clone(), Secret::new(outside.slack.url())).unwrap();
    let pager = PagerDuty::at(client, &outside.pager.url(), Secret::new(ROUTING_KEY)).unwrap();
    let receivers: [(String, SharedNotifier); 2] =
        [("slack".to_owned(), Arc::new(chat)), ("pagerduty".to_owned(), Arc::new(pager))];
    let now = Duration::ZERO;
    let mut config = Config::default();
    config.routes = vec![
        RouteConfig::new("page", ["pagerduty"]).matching("severity=critical".parse().unwrap()).group_by(["..."]),
        RouteConfig::new("chat", ["slack"]),
    ];
    config.routes = config.routes.into_iter().map(|route| route.grouping(now, now).go_on()).collect();
    Pipeline::open(config, store, BTreeMap::from(receivers), SystemClock::shared()).unwrap()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The longest time from being handed in to the pager.
fn slowest_page(outside: &Outside, handed_in: &HashMap<String, Instant>) -> Duration {
    let requests = outside.pager.server().requests();
    let late = |request: &sre_testkit::scripted::Request| {
        let event: serde_json::Value = request.json().unwrap();
        let summary = event["payload"]["summary"].as_str().unwrap();
        let (_, at) = handed_in.iter().find(|(title, _)| summary.ends_with(title.as_str())).unwrap();
        request.at - *at
    };
    requests.iter().map(late).max().unwrap()
}

async fn storm(storm: Storm) {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside { slack: slack::SlackWebhook::start().await, pager: pagerduty::PagerDuty::start().await };
    outside.slack.keep_pace();
    outside.slack.slow_down(SLACK);
    outside.pager.keep_pace();
    let pipeline = open(&folder.path().join("alerts.db"), &outside);
    let started = Instant::now();
    let handed_in = storm.rage(&pipeline).await;
    let took = started.elapsed();
    until("all are told", || pipeline.counts().unsent == 0 && outside.pager.incidents().len() == storm.pages()).await;
    // Those that came while Slack was busy with its last message.
    tokio::time::sleep(2 * SLACK).await;
    until("all are told", || pipeline.counts().unsent == 0).await;

    let counts = pipeline.counts();
    assert_eq!((counts.accepted as usize, counts.refused, counts.dead, counts.retried), (storm.alerts, 0, 0, 0));
    assert_eq!(counts.suppressed as usize, storm.alerts - storm.distinct, "every repeat, and nothing else");
    let mut query = NotificationQuery::default();
    query.limit = usize::MAX;
    let notifications = pipeline.notifications(query).await.unwrap();
    assert!(notifications.iter().all(|n| n.state == EntryState::Sent && n.attempts == 1));
    let mut told: HashMap<_, usize> = HashMap::new();
    for id in notifications.iter().filter(|n| n.receiver == "slack").flat_map(|n| &n.firing) {
        *told.entry(id).or_default() += 1;
    }
    assert_eq!((told.len(), told.values().max()), (storm.distinct, Some(&1)), "each problem in one message");
    assert_eq!(notifications.iter().filter(|n| n.receiver == "pagerduty").count(), storm.pages());
    assert_eq!((outside.slack.refused(), outside.pager.refused()), (Vec::new(), Vec::new()), "nobody came too early");
    let times = outside.slack.server().requests().iter().map(|request| request.at).collect::<Vec<_>>();
    assert!(times.windows(2).all(|two| two[1] - two[0] >= Duration::from_secs(1)), "{times:?}");
    let slowest = slowest_page(&outside, &handed_in);
    say(&format!(
        "{} alerts of {} problems in {took:.1?}: {} messages to Slack, {} pages, the slowest after {slowest:.1?}",
        storm.alerts,
        storm.distinct,
        times.len(),
        storm.pages()
    ));
    assert!(slowest < PAGED, "a page waited {slowest:?}: for Slack?");
    assert!(outside.pager.incidents().iter().all(|i| (i.triggers, i.state) == (1, State::Triggered)));
    pipeline.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_storm() {
    storm(Storm { alerts: 4_000, distinct: 200, page_every: 50, a_second: 1_000, more_memory: None }).await;
}

/// `cargo xtask soak alerts`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "half a minute, and alone in its process"]
async fn a_hundred_thousand_alerts() {
    let more_memory = Some(16 << 20);
    storm(Storm { alerts: 100_000, distinct: 5_000, page_every: 250, a_second: 4_000, more_memory }).await;
}
