//! The running pipeline with its thread, its file and its receivers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sre_alerts::outbox::{AlertQuery, EntryState, NotificationQuery};
use sre_alerts::pipeline::{Config, ErrorKind, Pipeline};
use sre_alerts::stage::{NewSilence, RouteConfig, Verdict};
use sre_alerts::{Alert, Error, Intake, IntakeError, Notification, Notifier, NotifyFuture, Receipt, SharedNotifier};
use sre_core::{Clock, RetryHint, Severity, SystemClock, Target};
use tokio::sync::mpsc;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(10);

/// Hands on what it is told; answers as `how` says.
#[derive(Debug)]
struct Recorder {
    target: Target,
    how: How,
    told: mpsc::UnboundedSender<Notification>,
    tries: AtomicUsize,
}

#[derive(Debug, Clone, Copy)]
enum How {
    Takes,
    After(Duration),
    Never,
    Panics,
    FailsFirst(usize),
    Refuses,
}

type Told = mpsc::UnboundedReceiver<Notification>;

fn recorder(how: How) -> (SharedNotifier, Told) {
    let (told, inbox) = mpsc::unbounded_channel();
    (Arc::new(Recorder { target: Target::new("recorder"), how, told, tries: AtomicUsize::new(0) }), inbox)
}

impl Notifier for Recorder {
    fn kind(&self) -> &'static str {
        "recorder"
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move {
            let tries = self.tries.fetch_add(1, Ordering::SeqCst);
            let failure = |kind| Error::new(kind, self.target.clone());
            match self.how {
                How::Takes => {}
                How::After(wait) => tokio::time::sleep(wait).await,
                How::Never => std::future::pending().await,
                How::Panics => panic!("on purpose"),
                How::FailsFirst(times) if tries < times => {
                    let after = RetryHint::After(Duration::from_millis(20));
                    return Err(failure(sre_alerts::ErrorKind::RateLimited).with_hint(after));
                }
                How::FailsFirst(_) => {}
                How::Refuses => return Err(failure(sre_alerts::ErrorKind::InvalidPayload)),
            }
            self.told.send(notification.clone()).unwrap();
            Ok(Receipt::new(self.target.clone(), 1, 1, Duration::ZERO))
        })
    }
}

fn config(receivers: &[&str]) -> Config {
    let mut config = Config::default();
    let route = |name: &&str| {
        RouteConfig::new(*name, [*name]).group_by(["..."]).grouping(Duration::ZERO, Duration::ZERO).go_on()
    };
    config.routes = receivers.iter().map(route).collect();
    config.delivery.base = Duration::from_millis(10);
    config
}

fn open(folder: &Path, config: Config, receivers: Vec<(&str, SharedNotifier)>) -> Pipeline {
    let receivers = receivers.into_iter().map(|(name, n)| (name.to_owned(), n)).collect::<BTreeMap<_, _>>();
    Pipeline::open(config, folder.join("alerts.db"), receivers, SystemClock::shared()).unwrap()
}

fn alert(title: &str) -> Alert {
    Alert::builder(Severity::Warning, title).source("web-01").starts_at(SystemClock.now()).build().unwrap()
}

async fn next(told: &mut Told) -> Notification {
    timeout(LONG, told.recv()).await.unwrap().unwrap()
}

/// Polls until it is so.
async fn until(what: impl Fn() -> bool) {
    let patience = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, patience).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn from_alert_to_receiver_and_back_to_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let (chat, mut told) = recorder(How::Takes);
    let pipeline = open(folder.path(), config(&["chat"]), vec![("chat", chat)]);
    assert_eq!(pipeline.accept(vec![alert("a"), alert("a")]).await.unwrap().alerts, 2);
    let n = next(&mut told).await;
    assert_eq!((n.title.as_str(), n.alerts.len(), n.key.as_str()), ("a", 1, alert("a").key().as_str()));
    until(|| pipeline.counts().sent == 1).await;
    pipeline.accept(vec![alert("a").resolved(SystemClock.now())]).await.unwrap();
    assert_eq!(next(&mut told).await.event, sre_alerts::Event::Resolved);
    // After the shutdown all is on disk; the history can still be read.
    pipeline.shutdown(LONG).await;
    let [record] = pipeline.alerts(AlertQuery::default()).await.unwrap().try_into().unwrap();
    assert_eq!((record.count, record.suppressed, record.ending.as_deref()), (2, 1, Some("resolved")));
    let mut query = NotificationQuery::default();
    query.state = Some(EntryState::Sent);
    let sent = pipeline.notifications(query).await.unwrap();
    assert_eq!((sent.len(), &sent[1].firing[..]), (2, &[record.id][..]));
    assert_eq!(pipeline.counts().sent, 2);
    assert_eq!(pipeline.accept(vec![alert("b")]).await.unwrap_err(), IntakeError::Closed);
    assert_eq!(pipeline.explain(&alert("b")).await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_alert_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (chat, _told) = recorder(How::Takes);
    let pipeline = open(folder.path(), config(&["chat"]), vec![("chat", chat)]);
    let mut bad = alert("b");
    bad.title = "two\nlines".to_owned();
    let refused = pipeline.accept(vec![alert("a"), bad]).await.unwrap_err();
    assert_eq!(refused.to_string(), "alert 1: title: has control characters");
    assert!(matches!(refused, IntakeError::Invalid { index: 1, error } if error.field() == "title"));
    assert!(pipeline.alerts(AlertQuery::default()).await.unwrap().is_empty(), "all or none");
    assert_eq!(pipeline.counts().accepted, 0);
    pipeline.accept(vec![alert("a")]).await.unwrap();
    pipeline.shutdown(LONG).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_sends_what_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let (deaf, _) = recorder(How::Never);
    let pipeline = open(folder.path(), config(&["chat"]), vec![("chat", deaf)]);
    pipeline.accept(vec![alert("a"), alert("b")]).await.unwrap();
    until(|| pipeline.counts().unsent == 1).await;
    let again =
        Pipeline::open(config(&["slack"]), folder.path().join("alerts.db"), BTreeMap::new(), SystemClock::shared());
    assert!(again.is_err());
    pipeline.shutdown(Duration::from_millis(50)).await;
    let (chat, mut told) = recorder(How::Takes);
    let pipeline = open(folder.path(), config(&["chat"]), vec![("chat", chat)]);
    let mut titles = [next(&mut told).await.title, next(&mut told).await.title];
    titles.sort();
    assert_eq!(titles, ["a", "b"]);
    pipeline.shutdown(LONG).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (chat, _told) = recorder(How::Takes);
    let pipeline = open(folder.path(), config(&["chat"]), vec![("chat", chat.clone())]);
    let receivers = || BTreeMap::from([("chat".to_owned(), chat.clone())]);
    let path = folder.path().join("alerts.db");
    let second = Pipeline::open(config(&["chat"]), &path, receivers(), SystemClock::shared()).unwrap_err();
    assert_eq!(second.kind(), ErrorKind::Locked);
    pipeline.shutdown(LONG).await;
    Pipeline::open(config(&["chat"]), &path, receivers(), SystemClock::shared()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_that_hang_panic_or_refuse_are_their_own_problem() {
    let folder = tempfile::tempdir().unwrap();
    let (never, _a) = recorder(How::Never);
    let (slow, _b) = recorder(How::After(Duration::from_secs(30)));
    let (panics, _c) = recorder(How::Panics);
    let (refuses, _d) = recorder(How::Refuses);
    let (flaky, mut flaky_told) = recorder(How::FailsFirst(2));
    let (good, mut told) = recorder(How::Takes);
    let all = vec![
        ("flaky", flaky),
        ("good", good),
        ("never", never),
        ("panics", panics),
        ("refuses", refuses),
        ("slow", slow),
    ];
    let mut config = config(&["flaky", "good", "never", "panics", "refuses", "slow"]);
    config.delivery.timeout = Duration::from_secs(60);
    let pipeline = open(folder.path(), config, all);
    for i in 0..20 {
        let before = tokio::time::Instant::now();
        pipeline.accept(vec![alert(&format!("a{i}"))]).await.unwrap();
        assert_eq!(next(&mut told).await.title, format!("a{i}"));
        assert!(before.elapsed() < LONG, "{:?}", before.elapsed());
    }
    for _ in 0..20 {
        next(&mut flaky_told).await;
    }
    until(|| pipeline.counts().dead == 40).await;
    assert_eq!(pipeline.counts().retried, 2);
    let mut query = NotificationQuery::default();
    (query.receiver, query.state, query.limit) = (Some("panics".to_owned()), Some(EntryState::Dead), 1);
    let [dead] = pipeline.notifications(query).await.unwrap().try_into().unwrap();
    assert_eq!(dead.error.as_deref(), Some("the receiver's code panicked"));
    pipeline.retry_dead(dead.id).await.unwrap();
    until(|| pipeline.counts().dead == 41).await;
    pipeline.shutdown(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silences_and_explanations() {
    let folder = tempfile::tempdir().unwrap();
    let (chat, mut told) = recorder(How::Takes);
    let pipeline = open(folder.path(), config(&["chat"]), vec![("chat", chat)]);
    let hour = Duration::from_secs(3600);
    let bad = pipeline.silence(NewSilence::new("anna", "all", hour)).await.unwrap_err();
    assert_eq!(bad.kind(), ErrorKind::Config);
    let silence = NewSilence::new("anna", "new disk", hour).matching("title=disk".parse().unwrap());
    let silence = pipeline.silence(silence).await.unwrap();
    pipeline.accept(vec![alert("disk")]).await.unwrap();
    let why = pipeline.explain(&alert("disk")).await.unwrap();
    assert_eq!(why.verdict, Verdict::Silenced { silence: silence.id, until: silence.ends_at });
    assert!(why.to_string().contains("silence 1 of anna"), "{why}");
    assert_eq!(pipeline.silences().await.unwrap(), std::slice::from_ref(&silence));
    pipeline.end_silence(silence.id).await.unwrap();
    assert_eq!(next(&mut told).await.title, "disk");
    assert_eq!(pipeline.end_silence(silence.id).await.unwrap_err().kind(), ErrorKind::NotFound);
    let why = pipeline.explain(&alert("other")).await.unwrap();
    assert_eq!(why.verdict, Verdict::Notify { receivers: vec!["chat".to_owned()] });
    pipeline.shutdown(LONG).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_share_one_write() {
    let folder = tempfile::tempdir().unwrap();
    let (chat, _told) = recorder(How::Takes);
    let mut config = config(&["chat"]);
    config.routes = vec![RouteConfig::new("none", [""; 0])];
    config.limits.queue = 40;
    let pipeline = open(folder.path(), config, vec![("chat", chat)]);
    let calls = (0..64).map(|i| {
        let pipeline = pipeline.clone();
        tokio::spawn(async move {
            let (mut taken, mut full) = (0, 0);
            for j in 0..20 {
                match pipeline.accept(vec![alert(&format!("{i}-{j}"))]).await {
                    Ok(accepted) => taken += accepted.alerts,
                    Err(IntakeError::Full { .. }) => full += 1,
                    Err(other) => panic!("{other}"),
                }
            }
            (taken, full)
        })
    });
    let (mut taken, mut full) = (0, 0);
    for call in calls.collect::<Vec<_>>() {
        let (t, f) = call.await.unwrap();
        (taken, full) = (taken + t, full + f);
    }
    let counts = pipeline.counts();
    assert_eq!((taken + full, counts.accepted as usize, counts.refused as usize), (1280, taken, full));
    let mut query = AlertQuery::default();
    query.limit = 10_000;
    assert_eq!(pipeline.alerts(query).await.unwrap().len(), taken);
    pipeline.shutdown(LONG).await;
}
