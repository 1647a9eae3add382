//! A fleet in memory, on which deployments succeed and fail as told, and an oracle that reads the journal.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sre_remote::rollout::{Error, Event, Executor, GateReport, HostFailure, Log};
use sre_remote::transport::BoxFuture;
use sre_remote::{Host, Interrupt};

/// What a host does when it is worked on; one entry a try, the last one for all further tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Fine,
    Unreachable,
    BreaksHalfway,
    FailsTheGate,
    BreaksAndCannotBeUndone,
}

/// What is on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Content {
    #[default]
    Old,
    Half,
    New,
}

#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub(crate) content: BTreeMap<String, Content>,
    tries: BTreeMap<String, usize>,
    current: BTreeMap<String, Fate>,
    /// The journal, as far as it is on the disk.
    pub(crate) journal: Vec<Event>,
    /// What must never happen, and did.
    pub(crate) violations: Vec<String>,
}

/// The fleet; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) truth: Arc<Mutex<Truth>>,
    fates: Arc<Vec<Vec<Fate>>>,
    refused: bool,
}

/// A journal that is killed at a write.
#[derive(Debug)]
pub(crate) struct MortalLog {
    pub(crate) truth: Arc<Mutex<Truth>>,
    /// Writes until the kill, and whether that last one still reaches the disk.
    pub(crate) kill: Option<(usize, bool)>,
    pub(crate) killed: Interrupt,
}

// === impl World ===

impl World {
    pub(crate) fn new(fates: Vec<Vec<Fate>>) -> Self {
        Self { fates: Arc::new(fates), ..Self::default() }
    }

    /// The gate refuses every batch as a whole.
    pub(crate) fn refusing(mut self) -> Self {
        self.refused = true;
        self
    }

    pub(crate) fn hosts(&self) -> Vec<Host> {
        (0..self.fates.len()).map(|i| Host::new(format!("h{i}"))).collect()
    }

    fn place(&self, host: &Host, content: Content) {
        self.truth.lock().unwrap().content.insert(host.name().to_owned(), content);
    }

    fn fate(&self, host: &Host) -> Fate {
        let fates = &self.fates[host.name()[1..].parse::<usize>().unwrap()];
        let mut truth = self.truth.lock().unwrap();
        let tries = truth.tries.entry(host.name().to_owned()).or_default();
        let fate = fates[(*tries).min(fates.len() - 1)];
        *tries += 1;
        truth.current.insert(host.name().to_owned(), fate);
        fate
    }

    async fn pass(&self, host: &Host, ms: u64) {
        let spread = host.name().bytes().map(u64::from).sum::<u64>() % 7;
        tokio::time::sleep(Duration::from_millis(ms + spread)).await;
    }
}

impl Executor for World {
    fn deploy<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), HostFailure>> {
        Box::pin(async move {
            self.truth.lock().unwrap().check_deploy(host.name());
            let fate = self.fate(host);
            self.pass(host, 10).await;
            if fate == Fate::Unreachable {
                return Err(HostFailure { reason: "no connection".to_owned(), touched: false });
            }
            self.place(host, Content::Half);
            self.pass(host, 10).await;
            if matches!(fate, Fate::BreaksHalfway | Fate::BreaksAndCannotBeUndone) {
                return Err(HostFailure { reason: "exit 1".to_owned(), touched: true });
            }
            self.place(host, Content::New);
            self.pass(host, 1).await;
            Ok(())
        })
    }

    fn gate<'a>(&'a self, _batch: usize, hosts: &'a [Host]) -> BoxFuture<'a, GateReport> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let truth = self.truth.lock().unwrap();
            let verdict = |host: &Host| match truth.current.get(host.name()) {
                Some(Fate::FailsTheGate) => Err("http 503".to_owned()),
                _ if truth.content.get(host.name()) == Some(&Content::New) => Ok(String::new()),
                _ => Err("the old version answers".to_owned()),
            };
            let refused = self.refused.then(|| "5xx at 3/s".to_owned());
            GateReport { hosts: hosts.iter().map(verdict).collect(), refused }
        })
    }

    fn roll_back<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            self.truth.lock().unwrap().check_roll_back(host.name());
            self.pass(host, 5).await;
            let fate = self.truth.lock().unwrap().current.get(host.name()).copied();
            if fate == Some(Fate::BreaksAndCannotBeUndone) {
                return Err("exit 1".to_owned());
            }
            self.place(host, Content::Old);
            self.pass(host, 1).await;
            Ok(())
        })
    }

    fn wait(&self, delay: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(delay))
    }
}

// === impl Truth ===

impl Truth {
    pub(crate) fn content(&self, host: &str) -> Content {
        self.content.get(host).copied().unwrap_or_default()
    }

    /// What the journal says of a host since it was last rolled back.
    fn life<'t>(&'t self, name: &'t str) -> impl Iterator<Item = &'t Event> {
        let own = move |event: &&Event| event.host() == Some(name);
        let undone = |event: &Event| matches!(event, Event::RolledBack { host, .. } if host == name);
        let from = self.journal.iter().rposition(undone).map_or(0, |i| i + 1);
        self.journal[from..].iter().filter(own)
    }

    fn check_deploy(&mut self, name: &str) {
        if self.life(name).any(|event| matches!(event, Event::Deployed { .. })) {
            self.violations.push(format!("{name} was deployed, and is deployed again"));
        }
        if !matches!(self.life(name).last(), Some(Event::Started { .. })) {
            self.violations.push(format!("{name} is worked on before the journal says so"));
        }
        if self.journal.iter().rev().take_while(|e| **e != Event::Retried).any(|e| matches!(e, Event::Aborted { .. })) {
            self.violations.push(format!("{name} is deployed after the abort"));
        }
    }

    /// Only a host that may have been changed: a try was begun whose end is not known to have changed nothing.
    fn check_roll_back(&mut self, name: &str) {
        let (mut open, mut touched) = (false, false);
        for event in self.life(name) {
            match event {
                Event::Started { .. } => {
                    // Begun twice without an end: the first one was killed.
                    touched |= open;
                    open = true;
                }
                Event::Failed { touched: maybe, .. } => {
                    touched |= maybe;
                    open = false;
                }
                Event::Deployed { .. } => touched = true,
                _ => {}
            }
        }
        if !touched && !open {
            self.violations.push(format!("{name} is rolled back and was never changed"));
        }
    }
}

// === impl MortalLog ===

impl Log for MortalLog {
    fn append(&mut self, event: &Event) -> Result<(), Error> {
        if let Some((left, reaches_the_disk)) = &mut self.kill {
            if *left == 0 {
                if *reaches_the_disk {
                    self.truth.lock().unwrap().journal.push(event.clone());
                }
                *reaches_the_disk = false;
                self.killed.trigger();
                return Err(Error::storage("killed"));
            }
            *left -= 1;
        }
        self.truth.lock().unwrap().journal.push(event.clone());
        Ok(())
    }
}
