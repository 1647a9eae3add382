//! `kill -9` at random moments: everything that was accepted arrives, and twice only what was on its way.
//!
//! The child is this test binary itself. What it accepts and what its receivers get is written to files by single
//! appends, which a killed process cannot take back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use sre_alerts::outbox::{EntryState, NotificationQuery, NotificationRecord};
use sre_alerts::pipeline::{Config, Pipeline};
use sre_alerts::stage::RouteConfig;
use sre_alerts::{Alert, Event, Intake, Notification, Notifier, NotifyFuture, Receipt, SharedNotifier};
use sre_core::{Clock, Severity, SystemClock, Target};

const FOLDER: &str = "SRE_ALERTS_CRASH_FOLDER";
const RUN: &str = "SRE_ALERTS_CRASH_RUN";

/// Writes a line for each notification, takes a moment, and says that it has it.
#[derive(Debug)]
struct Witness {
    target: Target,
    file: File,
}

impl Witness {
    fn shared(folder: &Path, name: &str) -> SharedNotifier {
        Arc::new(Self { target: Target::new(name), file: append(&folder.join(name)) })
    }
}

impl Notifier for Witness {
    fn kind(&self) -> &'static str {
        "witness"
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn notify<'a>(&'a self, n: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move {
            let event = if n.event == Event::Resolved { "resolved" } else { "firing" };
            (&self.file).write_all(format!("{event} {} {}\n", n.key, n.title).as_bytes()).unwrap();
            tokio::time::sleep(Duration::from_micros(300)).await;
            Ok(Receipt::new(self.target.clone(), 1, 1, Duration::ZERO))
        })
    }
}

fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

fn lines(path: PathBuf) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The pager hears of each alert alone, the chat of all together.
fn open(folder: &Path) -> Pipeline {
    let mut config = Config::default();
    let none = Duration::ZERO;
    config.routes = vec![
        RouteConfig::new("page", ["pager"]).group_by(["..."]).grouping(none, none).go_on(),
        RouteConfig::new("talk", ["chat"]).grouping(none, none),
    ];
    config.suppress = none;
    let receivers = ["pager", "chat"].map(|name| (name.to_owned(), Witness::shared(folder, name)));
    Pipeline::open(config, folder.join("alerts.db"), BTreeMap::from(receivers), SystemClock::shared()).unwrap()
}

fn alert(title: &str) -> Alert {
    Alert::builder(Severity::Critical, title).source("crash").starts_at(SystemClock.now()).build().unwrap()
}

/// Run by `crashes` below, never alone.
#[test]
#[ignore = "the child process of the crash test"]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let run = std::env::var(RUN).unwrap();
    let folder = PathBuf::from(folder);
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
        let pipeline = open(&folder);
        let callers = (0..4).map(|caller| {
            let (pipeline, name) = (pipeline.clone(), format!("{run}-{caller}"));
            let accepted = append(&folder.join("accepted"));
            tokio::spawn(async move { load(&pipeline, &name, accepted).await })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
    });
}

/// Accepts for ever, in batches of three; every tenth batch is over again at once.
async fn load(pipeline: &Pipeline, name: &str, mut accepted: File) {
    for i in 0.. {
        let passing = i % 10 == 9;
        let kind = if passing { "passing" } else { "staying" };
        let alerts = (0..3).map(|j| alert(&format!("{kind}-{name}-{i}-{j}"))).collect::<Vec<_>>();
        let text = alerts.iter().map(|a| format!("{}\n", a.title)).collect::<String>();
        pipeline.accept(alerts.clone()).await.unwrap();
        accepted.write_all(text.as_bytes()).unwrap();
        if passing {
            tokio::time::sleep(Duration::from_millis(3)).await;
            pipeline.accept(alerts.into_iter().map(|a| a.resolved(SystemClock.now())).collect()).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Killed when dropped, so that a failed test leaves nothing behind.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // SIGKILL.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run_and_kill(folder: &Path, run: usize, life: Duration) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(RUN, run.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = Killed(child.unwrap());
    std::thread::sleep(life);
    assert_eq!(child.0.try_wait().unwrap(), None, "the child ended by itself");
}

/// Between 20 and 170 ms: from before the store is open until well under load.
fn random_life() -> Duration {
    Duration::from_micros(20_000 + RandomState::new().hash_one(0_u8) % 150_000)
}

async fn settle(pipeline: &Pipeline) {
    let end = SystemClock.instant() + Duration::from_secs(60);
    let mut last = (0, 0);
    let mut calm = 0;
    while calm < 10 {
        assert!(SystemClock.instant() < end, "{:?}", pipeline.counts());
        tokio::time::sleep(Duration::from_millis(20)).await;
        let counts = pipeline.counts();
        calm = if counts.unsent == 0 && (counts.sent, counts.active) == last { calm + 1 } else { 0 };
        last = (counts.sent, counts.active);
    }
}

fn crashes(kills: usize) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for run in 0..kills {
        run_and_kill(folder, run, random_life());
    }
    let notifications = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let pipeline = open(folder);
        settle(&pipeline).await;
        let mut query = NotificationQuery::default();
        query.limit = usize::MAX;
        let notifications = pipeline.notifications(query).await.unwrap();
        pipeline.shutdown(Duration::from_secs(10)).await;
        notifications
    });
    verify_pager(folder, kills);
    verify_chat(folder, &notifications, kills);
}

#[expect(clippy::print_stdout, reason = "the numbers of the long run")]
fn verify_pager(folder: &Path, kills: usize) {
    let accepted = lines(folder.join("accepted"));
    let mut firing: HashMap<String, Vec<String>> = HashMap::new();
    let mut resolved: HashMap<String, usize> = HashMap::new();
    for line in lines(folder.join("pager")) {
        let [event, key, title] = line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
        if event == "firing" {
            assert!(!resolved.contains_key(title), "{title} fires after its end");
            firing.entry(title.to_owned()).or_default().push(key.to_owned());
        } else {
            assert!(firing.contains_key(title), "the end of {title} was told to who had not heard of it");
            *resolved.entry(title.to_owned()).or_default() += 1;
        }
    }
    let lost = accepted.iter().filter(|t| t.starts_with("staying") && !firing.contains_key(*t)).collect::<Vec<_>>();
    assert!(lost.is_empty(), "{} accepted and lost: {lost:?}", lost.len());
    let repeated = firing.values().map(|keys| keys.len() - 1).sum::<usize>();
    let repeated_ends = resolved.values().map(|n| n - 1).sum::<usize>();
    assert!(repeated + repeated_ends <= kills, "{repeated} + {repeated_ends} repeats in {kills} crashes");
    assert!(firing.values().all(|keys| keys.iter().collect::<HashSet<_>>().len() == 1), "another key");
    println!(
        "{kills} crashes: {} alerts accepted, {} delivered ({} of them over), {} repeated within the window, 0 lost",
        accepted.len(),
        firing.len(),
        resolved.len(),
        repeated + repeated_ends
    );
}

fn verify_chat(folder: &Path, notifications: &[NotificationRecord], kills: usize) {
    assert!(notifications.iter().all(|n| n.state == EntryState::Sent));
    let mut told = HashSet::new();
    let chat = notifications.iter().filter(|n| n.receiver == "chat").collect::<Vec<_>>();
    for id in chat.iter().flat_map(|n| &n.firing) {
        assert!(told.insert(*id), "{id} in two notifications");
    }
    let heard = lines(folder.join("chat")).len();
    assert!(heard >= chat.len() && heard <= chat.len() + kills, "{heard} messages of {}", chat.len());
}

#[test]
fn killed_20_times() {
    crashes(20);
}

#[test]
#[ignore = "a minute; run it when the outbox or the engine has changed"]
fn killed_200_times() {
    crashes(200);
}
