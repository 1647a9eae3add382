//! What the pipeline asks of its store.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::row::{ActiveRow, AlertId, Closing, EntryId, EntryRow, EntryState, Loaded};
use crate::alert::Alert;
use crate::notify::Notification;
use crate::stage::moment::Moment;
use crate::stage::silence::Silence;

/// Keeps the pipeline's state. One thread has it, and every change is within a transaction.
///
/// An implementation must have everything on durable storage when [`commit`](Self::commit) returns.
#[expect(private_interfaces, reason = "implementations live in this crate until there is a second one outside")]
pub trait Store: fmt::Debug + Send {
    /// Starts a transaction.
    fn begin(&mut self) -> Result<(), StoreError>;
    /// Makes it durable.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Forgets it.
    fn rollback(&mut self);
    /// All that is not finished.
    fn load(&mut self) -> Result<Loaded, StoreError>;

    /// A new alert.
    fn insert_alert(&mut self, id: AlertId, at: Moment, alert: &NewAlert<'_>) -> Result<(), StoreError>;
    /// Its text has changed.
    fn update_alert(&mut self, id: AlertId, alert: &NewAlert<'_>) -> Result<(), StoreError>;
    /// What was decided about it has changed.
    fn set_verdict(&mut self, id: AlertId, verdict: &str) -> Result<(), StoreError>;
    /// Reads it; `None` also when this program cannot read what is there.
    fn alert(&mut self, id: AlertId) -> Result<Option<Alert>, StoreError>;
    /// It is over.
    fn close_alert(&mut self, id: AlertId, closing: &Closing) -> Result<(), StoreError>;
    /// It is not over after all.
    fn reopen_alert(&mut self, id: AlertId) -> Result<(), StoreError>;
    /// Its state, new or changed.
    fn save_active(&mut self, row: &ActiveRow) -> Result<(), StoreError>;
    /// Its state is not needed any more.
    fn remove_active(&mut self, id: AlertId) -> Result<(), StoreError>;

    /// A new notification.
    fn insert_entry(&mut self, row: &EntryRow, notification: &Notification) -> Result<(), StoreError>;
    /// It has got on.
    fn update_entry(&mut self, step: &EntryStep<'_>) -> Result<(), StoreError>;
    /// Its row and what to send; `None` when there is none, or when this program cannot read it.
    fn entry(&mut self, id: EntryId) -> Result<Option<(EntryRow, Option<Notification>)>, StoreError>;

    /// A silence, new or changed.
    fn save_silence(&mut self, silence: &Silence) -> Result<(), StoreError>;
    /// Forgets some of what was finished before then; true when there may be more.
    fn prune(&mut self, before: Moment) -> Result<bool, StoreError>;
}

/// The text of an alert.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewAlert<'a> {
    pub(crate) alert: &'a Alert,
    /// The alert as JSON.
    pub(crate) body: &'a str,
    pub(crate) verdict: &'a str,
}

/// A step of a notification.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryStep<'a> {
    pub(crate) id: EntryId,
    pub(crate) state: EntryState,
    pub(crate) attempts: u32,
    pub(crate) at: Moment,
    pub(crate) next_at: Moment,
    pub(crate) error: Option<&'a str>,
}

/// The store cannot be read or written.
#[derive(Debug)]
pub struct StoreError {
    doing: &'static str,
    store: PathBuf,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

// === impl StoreError ===

impl StoreError {
    pub(crate) fn new(doing: &'static str, store: &Path, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { doing, store: store.to_owned(), source: Some(source.into()) }
    }

    /// Something that must be there is not.
    pub(crate) fn missing(doing: &'static str) -> Self {
        Self { doing, store: PathBuf::new(), source: None }
    }

    /// Where the store is.
    #[must_use]
    pub fn store(&self) -> String {
        self.store.display().to_string()
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}", self.doing)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl StdError for StoreError {}

/// How long a reader waits for a writer or the other way round; WAL makes both rare.
pub(crate) const BUSY: Duration = Duration::from_secs(5);
