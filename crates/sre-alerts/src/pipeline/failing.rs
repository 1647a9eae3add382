//! A store that fails: nobody is told that their alert is safe when it is not, and nothing is lost or sent twice.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sre_core::{Severity, SystemClock, Target};
use tokio::sync::{mpsc, oneshot, watch};

use super::arrival::Arrival;
use super::config::Config;
use super::counters::Counters;
use super::deliver::Couriers;
use super::engine::Engine;
use super::groups::Outlet;
use super::work::{Command, Work};
use crate::alert::Alert;
use crate::intake::IntakeError;
use crate::notify::{Notification, Notifier, NotifyFuture, Receipt};
use crate::outbox::{
    ActiveRow, AlertId, Closing, EntryId, EntryRow, EntryStep, Loaded, NewAlert, SqliteStore, Store, StoreError,
};
use crate::stage::RouteConfig;
use crate::stage::moment::{Moment, SteadyClock};
use crate::stage::silence::Silence;

/// Fails to commit while told to; what was not committed is gone.
#[derive(Debug)]
struct Failing {
    inner: SqliteStore,
    fails: Arc<AtomicBool>,
}

type Done = Result<(), StoreError>;

impl Store for Failing {
    fn begin(&mut self) -> Done {
        self.inner.begin()
    }
    fn commit(&mut self) -> Done {
        match self.fails.load(Ordering::SeqCst) {
            true => Err(StoreError::new("commit", Path::new("alerts.db"), "database or disk is full")),
            false => self.inner.commit(),
        }
    }
    fn rollback(&mut self) {
        self.inner.rollback();
    }
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.inner.load()
    }
    fn insert_alert(&mut self, id: AlertId, at: Moment, alert: &NewAlert<'_>) -> Done {
        self.inner.insert_alert(id, at, alert)
    }
    fn update_alert(&mut self, id: AlertId, alert: &NewAlert<'_>) -> Done {
        self.inner.update_alert(id, alert)
    }
    fn set_verdict(&mut self, id: AlertId, verdict: &str) -> Done {
        self.inner.set_verdict(id, verdict)
    }
    fn alert(&mut self, id: AlertId) -> Result<Option<Alert>, StoreError> {
        self.inner.alert(id)
    }
    fn close_alert(&mut self, id: AlertId, closing: &Closing) -> Done {
        self.inner.close_alert(id, closing)
    }
    fn reopen_alert(&mut self, id: AlertId) -> Done {
        self.inner.reopen_alert(id)
    }
    fn save_active(&mut self, row: &ActiveRow) -> Done {
        self.inner.save_active(row)
    }
    fn remove_active(&mut self, id: AlertId) -> Done {
        self.inner.remove_active(id)
    }
    fn insert_entry(&mut self, row: &EntryRow, notification: &Notification) -> Done {
        self.inner.insert_entry(row, notification)
    }
    fn update_entry(&mut self, step: &EntryStep<'_>) -> Done {
        self.inner.update_entry(step)
    }
    fn entry(&mut self, id: EntryId) -> Result<Option<(EntryRow, Option<Notification>)>, StoreError> {
        self.inner.entry(id)
    }
    fn save_silence(&mut self, silence: &Silence) -> Done {
        self.inner.save_silence(silence)
    }
    fn prune(&mut self, before: Moment) -> Result<bool, StoreError> {
        self.inner.prune(before)
    }
}

#[derive(Debug)]
struct Chat {
    target: Target,
    told: Mutex<Vec<String>>,
    count: AtomicUsize,
}

impl Notifier for Chat {
    fn kind(&self) -> &'static str {
        "chat"
    }
    fn target(&self) -> &Target {
        &self.target
    }
    fn notify<'a>(&'a self, n: &'a Notification) -> NotifyFuture<'a> {
        self.told.lock().unwrap().push(n.title.clone());
        self.count.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(Receipt::new(self.target.clone(), 1, 1, Duration::ZERO)) })
    }
}

struct Rig {
    work: Work,
    fails: Arc<AtomicBool>,
    chat: Arc<Chat>,
    _folder: tempfile::TempDir,
}

fn rig() -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let fails = Arc::new(AtomicBool::new(false));
    let inner = SqliteStore::open(folder.path().join("alerts.db")).unwrap();
    let store = Box::new(Failing { inner, fails: fails.clone() });
    let route = RouteConfig::new("all", ["chat"]).group_by(["..."]).grouping(Duration::ZERO, Duration::ZERO);
    let config = Config { routes: vec![route], ..Config::default() };
    let outlets = vec![Outlet::new("chat")];
    let mut engine = Engine::new(store, config, outlets, Arc::new(Counters::default())).unwrap();
    let clock = SteadyClock::new(SystemClock::shared(), None);
    engine.recover(Loaded { next_alert: 1, next_entry: 1, ..Loaded::default() }, &HashSet::new(), clock.now()).unwrap();
    let chat = Arc::new(Chat { target: Target::new("chat"), told: Mutex::default(), count: AtomicUsize::new(0) });
    let (reports, commands) = mpsc::unbounded_channel();
    let couriers = Couriers {
        runtime: tokio::runtime::Handle::current(),
        notifiers: vec![chat.clone()],
        timeout: Duration::from_secs(5),
        clock: SystemClock::shared(),
        reports,
    };
    let work = Work {
        engine,
        clock,
        commands,
        couriers,
        due: watch::channel(Moment::MAX).0,
        queued: Arc::default(),
        under_way: HashSet::new(),
        unsaved: Vec::new(),
        stale: false,
    };
    Rig { work, fails, chat, _folder: folder }
}

impl Rig {
    fn accept(&mut self, title: &str) -> Result<(), IntakeError> {
        let alert = Alert::builder(Severity::Warning, title).starts_at(jiff::Timestamp::UNIX_EPOCH).build().unwrap();
        let (reply, mut answer) = oneshot::channel();
        self.work.turn(&mut vec![Command::Accept { arrivals: vec![Arrival::new(alert)], reply }]);
        answer.try_recv().unwrap().0.map(|_| ())
    }

    /// Takes in what the receiver answered.
    async fn answered(&mut self) {
        let outcome = tokio::time::timeout(Duration::from_secs(5), self.work.commands.recv()).await.unwrap().unwrap();
        self.work.turn(&mut vec![outcome]);
    }

    fn told(&self) -> Vec<String> {
        self.chat.told.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn what_is_not_on_disk_is_not_accepted() {
    let mut rig = rig();
    rig.accept("a").unwrap();
    rig.answered().await;
    rig.fails.store(true, Ordering::SeqCst);
    let refused = rig.accept("b").unwrap_err();
    assert!(matches!(&refused, IntakeError::Storage(why) if why.contains("disk is full")), "{refused}");
    assert!(rig.accept("a").is_err());
    rig.fails.store(false, Ordering::SeqCst);
    rig.accept("b").unwrap();
    rig.answered().await;
    assert_eq!(rig.told(), ["a", "b"]);
    rig.work.engine.sweep_at = Moment(0);
    assert_eq!(rig.work.engine.actives.len(), 2);
    let counts = rig.work.engine.counters.read();
    assert_eq!((counts.accepted, counts.suppressed, counts.sent, counts.active, counts.unsent), (2, 0, 2, 2, 0));
}

#[tokio::test]
async fn what_a_receiver_answered_meanwhile_is_remembered() {
    let mut rig = rig();
    rig.accept("a").unwrap();
    rig.fails.store(true, Ordering::SeqCst);
    rig.answered().await;
    for _ in 0..3 {
        rig.work.turn(&mut vec![Command::Tick]);
    }
    let counts = rig.work.engine.counters.read();
    assert_eq!((counts.sent, counts.unsent), (0, 1), "what is not on disk does not count");
    rig.fails.store(false, Ordering::SeqCst);
    rig.work.turn(&mut vec![Command::Tick]);
    assert_eq!(rig.told(), ["a"]);
    assert_eq!((rig.work.engine.entries.len(), rig.work.unsaved.len(), rig.work.under_way.len()), (0, 0, 0));
    assert_eq!(rig.work.engine.counters.read().sent, 1);
    rig.accept("b").unwrap();
    rig.answered().await;
    assert_eq!(rig.told(), ["a", "b"]);
}

#[tokio::test]
async fn what_is_with_a_receiver_is_not_sent_again() {
    let mut rig = rig();
    rig.accept("a").unwrap();
    rig.fails.store(true, Ordering::SeqCst);
    assert!(rig.accept("b").is_err());
    rig.fails.store(false, Ordering::SeqCst);
    rig.work.turn(&mut vec![Command::Tick]);
    rig.answered().await;
    assert_eq!(rig.told(), ["a"]);
    assert_eq!(rig.work.engine.entries.len(), 0);
}
