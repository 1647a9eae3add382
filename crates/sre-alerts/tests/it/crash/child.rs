//! The process that is killed.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use sre_alerts::pipeline::{Config, Pipeline};
use sre_alerts::stage::RouteConfig;
use sre_alerts::{Alert, Intake};
use sre_core::{Clock, Severity, SystemClock};

use super::outside::{self, CHAT, Outside, PAGER, SLOW};
use super::random;

pub(super) const STORE: &str = "alerts.db";
/// Notifications under way to one receiver at a time.
pub(super) const AT_ONCE: usize = 4;

const FOLDER: &str = "SRE_ALERTS_CRASH_FOLDER";
const RUN: &str = "SRE_ALERTS_CRASH_RUN";
const URLS: &str = "SRE_ALERTS_CRASH_URLS";
const LEFT: &str = "SRE_ALERTS_CRASH_LEFT";
const CALLERS: usize = 12;
const PATIENCE: Duration = Duration::from_secs(60);

/// A running child, killed at the latest when dropped.
pub(super) struct Life {
    child: Child,
    lines: Receiver<String>,
    read: RefCell<Vec<String>>,
}

impl Life {
    /// `left` are alerts of earlier lives that this one ends.
    pub(super) fn start(folder: &Path, outside: &Outside, run: usize, left: &[String]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child::process", "--ignored", "--nocapture"])
            .env(FOLDER, folder)
            .env(RUN, run.to_string())
            .env(URLS, outside.urls().join(" "))
            .env(LEFT, left.join(" "))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, read: RefCell::default() }
    }

    /// Until it has accepted so many alerts more.
    pub(super) fn wait_for_load(&self, mut alerts: usize) {
        while alerts > 0 {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            alerts -= usize::from(line.starts_with('+'));
            self.read.borrow_mut().push(line);
        }
    }

    /// SIGKILL, and all that it has said.
    pub(super) fn kill(mut self) -> Vec<String> {
        assert_eq!(self.child.try_wait().unwrap(), None, "the child ended by itself");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut lines = self.read.take();
        lines.extend(self.lines.iter());
        lines
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn open(folder: &Path, urls: &[String], run: &str) -> Pipeline {
    let mut config = Config::default();
    let none = Duration::ZERO;
    config.routes = vec![
        RouteConfig::new("page", [PAGER]).group_by(["batch"]).grouping(none, none).go_on(),
        RouteConfig::new("talk", [CHAT]).grouping(none, none).go_on(),
        RouteConfig::new("crawl", [SLOW]).grouping(none, none),
    ];
    config.delivery.base = Duration::from_millis(20);
    config.delivery.cap = Duration::from_secs(1);
    config.delivery.concurrency = AT_ONCE;
    Pipeline::open(config, folder.join(STORE), outside::notifiers(urls, run), SystemClock::shared()).unwrap()
}

/// Of a batch, and a number in it: `3-0-17-2`.
fn alert(title: &str) -> Alert {
    let (batch, _) = title.rsplit_once('-').unwrap();
    let alert = Alert::builder(Severity::Critical, title).source("crash").label("batch", batch);
    alert.starts_at(SystemClock.now()).build().unwrap()
}

/// One line each, in one write.
fn say(sign: &str, alerts: &[Alert]) {
    let text = alerts.iter().map(|a| format!("{sign} {}\n", a.title)).collect::<String>();
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Run by `crashes` above, never alone.
#[test]
#[ignore = "the child process of the crash test"]
fn process() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let words = |name| std::env::var(name).unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (folder, urls, left, run) = (PathBuf::from(folder), words(URLS), words(LEFT), std::env::var(RUN).unwrap());
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
        let pipeline = open(&folder, &urls, &run);
        let callers = (0..CALLERS).map(|caller| {
            let (pipeline, name) = (pipeline.clone(), format!("{run}-{caller}"));
            let left = left.iter().skip(caller).step_by(CALLERS).map(|title| alert(title)).collect();
            tokio::spawn(async move { load(&pipeline, &name, left).await })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
    });
}

/// For ever: takes some alerts, says some of them again, ends what earlier lives left and some of its own at once.
async fn load(pipeline: &Pipeline, name: &str, mut left: VecDeque<Alert>) {
    for i in 0.. {
        let alerts = (0..=random(4)).map(|j| alert(&format!("{name}-{i}-{j}"))).collect::<Vec<_>>();
        pipeline.accept(alerts.clone()).await.unwrap();
        say("+", &alerts);
        if i % 4 == 0 {
            pipeline.accept(alerts.clone()).await.unwrap();
        }
        let mut over = left.drain(..left.len().min(2)).collect::<Vec<_>>();
        over.extend(alerts.into_iter().filter(|_| random(10) == 0));
        end(pipeline, over).await;
        tokio::time::sleep(Duration::from_micros(10_000 + random(20_000))).await;
    }
}

async fn end(pipeline: &Pipeline, alerts: Vec<Alert>) {
    let over = alerts.into_iter().map(|alert| alert.resolved(SystemClock.now())).collect::<Vec<_>>();
    say("?", &over);
    pipeline.accept(over.clone()).await.unwrap();
    say("-", &over);
}
