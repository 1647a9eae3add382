//! A pipeline on a made-up time line: the engine with its store, and receivers that answer as a script says.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sre_core::Severity;

use super::arrival::Arrival;
use super::config::Config;
use super::counters::{Counters, Counts};
use super::engine::Engine;
use super::groups::Outlet;
use super::outcome::Outcome;
use crate::alert::{Alert, AlertBuilder};
use crate::notify::{Notification, Resend};
use crate::outbox::{
    AlertQuery, AlertRecord, EntryId, History, NotificationQuery, NotificationRecord, SqliteStore, Store,
};
use crate::stage::moment::{Moment, Now};
use crate::stage::silence::{NewSilence, SilenceId};

pub(super) const START: Moment = Moment(1_774_249_200_000);

/// How a receiver answers: after how long, and what.
pub(super) type Script = Box<dyn FnMut(&Told) -> (Duration, Outcome)>;

pub(super) struct Sim {
    pub(super) engine: Engine,
    pub(super) now: Moment,
    /// The wall clock is ahead by so many milliseconds.
    pub(super) ahead: i64,
    pub(super) told: Vec<Told>,
    pub(super) scripts: HashMap<String, Script>,
    config: Config,
    answers: BTreeMap<(Moment, EntryId), Outcome>,
    folder: Arc<tempfile::TempDir>,
}

/// A notification that was handed to a receiver.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) at: Moment,
    pub(super) to: String,
    pub(super) entry: EntryId,
    pub(super) firing: usize,
    pub(super) resolved: usize,
    pub(super) n: Notification,
}

pub(super) fn sec(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(super) fn min(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

pub(super) fn failed(permanent: bool, after: Option<Duration>) -> Outcome {
    Outcome::Failed { permanent, after, error: "said no".to_owned() }
}

impl Sim {
    pub(super) fn new(config: Config) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let engine = Self::open(&folder, &config, Now { steady: START, wall: START.timestamp() });
        let (told, scripts, answers) = (Vec::new(), HashMap::new(), BTreeMap::new());
        Self { engine, now: START, ahead: 0, told, scripts, config, answers, folder }
    }

    fn open(folder: &tempfile::TempDir, config: &Config, now: Now) -> Engine {
        let mut store = SqliteStore::open(folder.path().join("alerts.db")).unwrap().without_waiting_for_the_disk();
        let loaded = store.load().unwrap();
        let resend = Some(Resend::new(sec(60), min(5)));
        let alertmanager = Outlet { resend, carries: 3, ..Outlet::new("alertmanager") };
        let outlets = ["log", "pagerduty", "slack"].map(Outlet::new).into_iter();
        let outlets = std::iter::once(alertmanager).chain(outlets).collect();
        let mut engine = Engine::new(Box::new(store), config.clone(), outlets, Arc::new(Counters::default())).unwrap();
        engine.store.begin().unwrap();
        engine.recover(loaded, &HashSet::new(), now).unwrap();
        engine.commit().unwrap();
        engine
    }

    /// As after a `kill -9`: what receivers were going to answer is lost.
    pub(super) fn restart(&mut self) {
        self.answers.clear();
        self.engine = Self::open(&self.folder, &self.config, self.time());
        self.turn(|_, _| ());
        self.advance(Duration::ZERO);
    }

    pub(super) fn reconfigure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.restart();
    }

    pub(super) fn time(&self) -> Now {
        let wall = Timestamp::from_millisecond(self.now.0 + self.ahead).unwrap();
        Now { steady: self.now, wall }
    }

    pub(super) fn turn<T>(&mut self, run: impl FnOnce(&mut Engine, Now) -> T) -> T {
        let now = self.time();
        self.engine.store.begin().unwrap();
        let value = run(&mut self.engine, now);
        self.engine.tick(now).unwrap();
        self.engine.save().unwrap();
        self.engine.commit().unwrap();
        for dispatch in std::mem::take(&mut self.engine.outbox) {
            let to = self.engine.outlets[usize::from(dispatch.receiver.0)].name.clone();
            let entry = &self.engine.entries[&dispatch.entry];
            let (firing, resolved) = (entry.firing.len(), entry.resolved.len());
            let told = Told { at: self.now, to, entry: dispatch.entry, firing, resolved, n: dispatch.notification };
            let script = self.scripts.get_mut(&told.to);
            let (wait, outcome) = script.map_or((Duration::ZERO, Outcome::Sent), |script| script(&told));
            self.answers.insert((self.now + wait, told.entry), outcome);
            self.told.push(told);
        }
        value
    }

    pub(super) fn accept(&mut self, alerts: impl IntoIterator<Item = Alert>) {
        let alerts = alerts.into_iter().collect::<Vec<_>>();
        self.turn(|engine, now| alerts.into_iter().for_each(|alert| engine.arrive(&Arrival::new(alert), now).unwrap()));
        self.advance(Duration::ZERO);
    }

    /// Lets time pass, with all that happens meanwhile.
    pub(super) fn advance(&mut self, d: Duration) {
        let end = self.now + d;
        loop {
            let answer = self.answers.first_key_value().map(|((at, _), _)| *at);
            let next = self.engine.next_due().min(answer.unwrap_or(Moment::MAX));
            if next > end {
                break;
            }
            self.now = self.now.max(next);
            match answer.filter(|at| *at <= self.now) {
                Some(_) => {
                    let ((_, entry), outcome) = self.answers.pop_first().unwrap();
                    self.turn(|engine, now| engine.outcome(entry, &outcome, now).unwrap());
                }
                None => self.turn(|_, _| ()),
            }
        }
        self.now = end;
    }

    pub(super) fn alert(&self, severity: Severity, title: &str) -> AlertBuilder {
        Alert::builder(severity, title).source("web-01").starts_at(self.now.timestamp())
    }

    pub(super) fn fire(&mut self, severity: Severity, title: &str) {
        let alert = self.alert(severity, title).build().unwrap();
        self.accept([alert]);
    }

    pub(super) fn resolve(&mut self, title: &str) {
        let alert = self.alert(Severity::Info, title).resolved_at(self.now.timestamp()).build().unwrap();
        self.accept([alert]);
    }

    pub(super) fn silence(&mut self, matcher: &str, d: Duration) -> SilenceId {
        let silence = NewSilence::new("anna", "test", d).matching(matcher.parse().unwrap());
        self.turn(|engine, now| engine.add_silence(silence, now).unwrap().id)
    }

    /// Changes what is on disk, as another version or a fault would.
    pub(super) fn edit(&self, sql: &str) {
        let db = rusqlite::Connection::open(self.folder.path().join("alerts.db")).unwrap();
        assert_ne!(db.execute(sql, []).unwrap(), 0, "{sql}");
    }

    /// What was told since the last call: `slack firing 2/0 @10s [2 firing] cpu`.
    pub(super) fn news(&mut self) -> Vec<String> {
        let show = |t: Told| {
            let at = t.at.since(START).as_secs();
            format!("{} {:?} {}+{} @{at} {}", t.to, t.n.event, t.firing, t.resolved, t.n.title).replace("Event::", "")
        };
        std::mem::take(&mut self.told).into_iter().map(show).collect()
    }

    pub(super) fn counts(&self) -> Counts {
        self.engine.counters.read()
    }

    fn history(&self) -> History {
        History::open(self.folder.path().join("alerts.db")).unwrap()
    }

    /// Newest first.
    pub(super) fn alerts(&self) -> Vec<AlertRecord> {
        self.history().alerts(&AlertQuery { limit: usize::MAX, ..AlertQuery::default() }).unwrap()
    }

    /// Newest first.
    pub(super) fn notifications(&self) -> Vec<NotificationRecord> {
        self.history().notifications(&NotificationQuery { limit: usize::MAX, ..NotificationQuery::default() }).unwrap()
    }

    /// What must be true at any time, whatever happened.
    pub(super) fn check(&self) {
        let engine = &self.engine;
        for (key, active) in &engine.actives {
            for (receiver, group) in &active.groups {
                assert!(engine.groups[group].members.contains(key), "not in its group");
                assert_eq!(engine.groups[group].receiver, *receiver);
            }
            if let Some(until) = active.held_until {
                assert!(engine.held.contains(&(until, *key)), "held and not in the list");
            }
        }
        let mut in_flight = BTreeSet::new();
        for entry in engine.entries.values() {
            assert!(
                in_flight.insert(entry.group)
                    || engine.groups[&entry.group].rounds.as_ref().is_some_and(|r| !r.next.is_empty()),
                "two of one group"
            );
        }
        for (id, group) in &engine.groups {
            assert_eq!(group.in_flight, in_flight.contains(id));
            assert!(!group.is_empty(), "an empty group");
            assert!(group.in_flight || !group.has_news() || group.due.is_some(), "a group that would never speak");
            for key in &group.members {
                assert!(engine.actives[key].group(group.receiver) == Some(*id), "a member that knows nothing of it");
            }
        }
        assert!(engine.dirty.is_empty());
    }
}
