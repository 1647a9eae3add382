//! The running pipeline, as its callers see it.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sre_core::lock::{FileLock, LockErrorKind};
use sre_core::{SharedClock, Target};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::{oneshot, watch};

use super::arrival::Arrival;
use super::config::Config;
use super::counters::{Counters, Counts, add};
use super::deliver::Couriers;
use super::engine::Engine;
use super::error::{Error, ErrorKind};
use super::groups::Outlet;
use super::work::{Command, Work};
use crate::alert::Alert;
use crate::intake::{AcceptFuture, Accepted, Intake, IntakeError};
use crate::notify::SharedNotifier;
use crate::outbox::{
    AlertQuery, AlertRecord, EntryId, History, NotificationQuery, NotificationRecord, SqliteStore, Store, StoreError,
};
use crate::stage::explain::Explanation;
use crate::stage::moment::{Moment, SteadyClock};
use crate::stage::silence::{NewSilence, Silence, SilenceId};

/// Takes alerts, decides, and notifies; see the [module](super). Clones are the same pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    commands: UnboundedSender<Command>,
    counters: Arc<Counters>,
    history: Arc<History>,
    /// Alerts that wait to be stored.
    queued: Arc<AtomicUsize>,
    most_queued: usize,
    /// Turns true when the thread has ended and the store is closed.
    ended: watch::Receiver<bool>,
    target: Target,
}

/// What a caller is told when too many alerts wait to be stored.
const ROOM_SOON: Duration = Duration::from_secs(1);

// === impl Pipeline ===

impl Pipeline {
    /// Opens the store (a file that is made where it is missing, with a `.lock` beside it), goes on where the last
    /// process stopped, and starts a thread of its own. Reads the whole state: some seconds for a million alerts.
    ///
    /// `receivers` are called by the names that routes use. A receiver that has been renamed is another one: it is not
    /// told the end of what the old one was told.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], [`ErrorKind::Locked`] (another process has the store) and [`ErrorKind::Store`]; no tokio
    /// runtime is [`ErrorKind::Config`] too.
    pub fn open(
        config: Config,
        store: impl AsRef<Path>,
        receivers: BTreeMap<String, SharedNotifier>,
        clock: SharedClock,
    ) -> Result<Self, Error> {
        let path = store.as_ref();
        let target = Target::new(path.display().to_string());
        let runtime = Handle::try_current().map_err(|e| {
            Error::new(ErrorKind::Config, target.clone()).with_detail("no tokio runtime").with_source(e)
        })?;
        let lock = lock(path, &clock, &target)?;
        let store = SqliteStore::open(path)?;
        let history = Arc::new(History::open(path)?);
        let counters = Arc::new(Counters::default());
        let (commands, inbox) = mpsc::unbounded_channel();
        let (due, wake) = watch::channel(Moment::MAX);
        let (end, ended) = watch::channel(false);
        let queued = Arc::new(AtomicUsize::new(0));
        let (most_queued, timeout, wall) = (config.limits.queue, config.delivery.timeout, clock.clone());
        let (engine, clock) = start(Box::new(store), config, &receivers, clock, counters.clone())?;
        let couriers = Couriers {
            runtime: runtime.clone(),
            notifiers: receivers.into_values().collect(),
            timeout,
            clock: wall,
            reports: commands.clone(),
        };
        runtime.spawn(wake_up(commands.downgrade(), wake, clock.clone()));
        let work = Work {
            engine,
            clock,
            commands: inbox,
            couriers,
            due,
            queued: queued.clone(),
            under_way: HashSet::new(),
            unsaved: Vec::new(),
            stale: false,
        };
        std::thread::Builder::new()
            .name("sre-alerts".to_owned())
            .spawn(move || {
                work.run();
                drop(lock);
                end.send_replace(true);
            })
            .map_err(|e| Error::new(ErrorKind::Store, target.clone()).with_detail("no thread").with_source(e))?;
        Ok(Self { shared: Arc::new(Shared { commands, counters, history, queued, most_queued, ended, target }) })
    }

    /// What would be done with this alert now, and why; nothing is done.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] and [`ErrorKind::Store`].
    pub async fn explain(&self, alert: &Alert) -> Result<Explanation, Error> {
        let alert = Box::new(alert.clone());
        self.ask(|reply| Command::Explain { alert, reply }).await
    }

    /// Makes a silence.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it makes no sense ([`NewSilence::check`]), [`ErrorKind::Closed`], [`ErrorKind::Store`].
    pub async fn silence(&self, silence: NewSilence) -> Result<Silence, Error> {
        silence.check()?;
        self.ask(|reply| Command::AddSilence { silence, reply }).await
    }

    /// Ends a silence before its time; what it kept quiet and still fires is sent.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Closed`] and [`ErrorKind::Store`].
    pub async fn end_silence(&self, id: SilenceId) -> Result<Silence, Error> {
        let ended = self.ask(|reply| Command::EndSilence { id, reply }).await?;
        ended.ok_or_else(|| self.not_found(format!("there is no silence {id}")))
    }

    /// The silences that have not ended.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] and [`ErrorKind::Store`].
    pub async fn silences(&self) -> Result<Vec<Silence>, Error> {
        self.ask(|reply| Command::Silences { reply }).await
    }

    /// Sends a notification from the dead letters after all.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Closed`] and [`ErrorKind::Store`].
    pub async fn retry_dead(&self, id: EntryId) -> Result<(), Error> {
        let revived = self.ask(|reply| Command::Revive { id, reply }).await?;
        revived.ok_or_else(|| self.not_found(format!("notification {id} is not dead")))
    }

    /// Alerts of the history, newest first.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn alerts(&self, query: AlertQuery) -> Result<Vec<AlertRecord>, Error> {
        self.read(move |history| history.alerts(&query)).await
    }

    /// Notifications of the history, newest first: also those on their way and the dead letters.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn notifications(&self, query: NotificationQuery) -> Result<Vec<NotificationRecord>, Error> {
        self.read(move |history| history.notifications(&query)).await
    }

    /// What it has done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }

    /// Takes no more alerts, waits for what receivers are being told now, at most for `grace`, and closes the store.
    /// What was not sent is sent after the next start.
    pub async fn shutdown(&self, grace: Duration) {
        let _ = self.shared.commands.send(Command::Drain);
        let mut ended = self.shared.ended.clone();
        if tokio::time::timeout(grace, ended.wait_for(|ended| *ended)).await.is_err() {
            let _ = self.shared.commands.send(Command::Close);
            let _ = ended.wait_for(|ended| *ended).await;
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Command) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let closed = || Error::new(ErrorKind::Closed, self.shared.target.clone());
        self.shared.commands.send(command(reply)).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&History) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let history = self.shared.history.clone();
        match tokio::task::spawn_blocking(move || query(&history)).await {
            Ok(result) => result.map_err(Error::from),
            Err(e) => Err(Error::new(ErrorKind::Closed, self.shared.target.clone()).with_source(e)),
        }
    }

    fn not_found(&self, what: String) -> Error {
        Error::new(ErrorKind::NotFound, self.shared.target.clone()).with_detail(what)
    }

    async fn take(&self, alerts: Vec<Alert>) -> Result<Accepted, IntakeError> {
        let shared = &self.shared;
        // Whoever did not use the builder may hand in anything.
        for (index, alert) in alerts.iter().enumerate() {
            alert.validate().map_err(|error| IntakeError::Invalid { index, error })?;
        }
        let count = alerts.len();
        let before = shared.queued.fetch_add(count, Ordering::Relaxed);
        // One batch is always taken when nothing waits, however large it is.
        if before > 0 && before + count > shared.most_queued {
            shared.queued.fetch_sub(count, Ordering::Relaxed);
            add(&shared.counters.refused, count);
            return Err(IntakeError::Full { retry_after: ROOM_SOON });
        }
        let arrivals = alerts.into_iter().map(Arrival::new).collect();
        let (reply, answer) = oneshot::channel();
        shared.commands.send(Command::Accept { arrivals, reply }).map_err(|_| IntakeError::Closed)?;
        let (result, _arrivals) = answer.await.map_err(|_| IntakeError::Closed)?;
        result
    }
}

impl Intake for Pipeline {
    fn accept(&self, alerts: Vec<Alert>) -> AcceptFuture<'_> {
        Box::pin(self.take(alerts))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Close);
    }
}

fn lock(path: &Path, clock: &SharedClock, target: &Target) -> Result<FileLock, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    FileLock::try_lock(Path::new(&name), &**clock).map_err(|e| {
        let kind = if e.kind() == LockErrorKind::Held { ErrorKind::Locked } else { ErrorKind::Store };
        Error::new(kind, target.clone()).with_detail(e.to_string()).with_source(e)
    })
}

fn start(
    mut store: Box<dyn Store>,
    config: Config,
    receivers: &BTreeMap<String, SharedNotifier>,
    clock: SharedClock,
    counters: Arc<Counters>,
) -> Result<(Engine, SteadyClock), Error> {
    let loaded = store.load()?;
    let clock = SteadyClock::new(clock, loaded.last);
    let outlet = |(name, notifier): (&String, &SharedNotifier)| Outlet::of(name, &**notifier);
    let mut engine = Engine::new(store, config, receivers.iter().map(outlet).collect(), counters)?;
    engine.store.begin()?;
    engine.recover(loaded, &HashSet::new(), clock.now())?;
    engine.commit()?;
    Ok((engine, clock))
}

/// Calls the thread when something is due. Ends with it.
async fn wake_up(commands: mpsc::WeakUnboundedSender<Command>, mut due: watch::Receiver<Moment>, clock: SteadyClock) {
    loop {
        let wait = due.borrow_and_update().since(clock.now().steady);
        tokio::select! {
            changed = due.changed() => if changed.is_err() { return },
            () = clock.sleep(wait) => {
                let Some(commands) = commands.upgrade() else { return };
                if commands.send(Command::Tick).is_err() || due.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}
