//! What was: alerts and notifications, newest first.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use sre_core::Severity;

use super::row::{AlertId, EntryId, EntryState, ids_from_blob};
use super::schema;
use super::sqlite::json;
use super::store::StoreError;
use crate::alert::{Alert, State};
use crate::notify::Notification;
use crate::stage::matcher::{self, Matcher};
use crate::stage::moment::Moment;

/// Reads the history, beside the writer and without holding it up.
#[derive(Debug)]
pub struct History {
    db: Mutex<Connection>,
    path: PathBuf,
}

/// Which alerts. Default: the newest 100.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlertQuery {
    /// First seen then or later.
    pub since: Option<Timestamp>,
    /// First seen before then.
    pub until: Option<Timestamp>,
    /// Last heard, or ended, then or later.
    pub changed_since: Option<Timestamp>,
    /// Firing, or over.
    pub state: Option<State>,
    /// At least so severe.
    pub severity: Option<Severity>,
    /// All of them must fit.
    pub matchers: Vec<Matcher>,
    /// Older than this one: the next page.
    pub before: Option<AlertId>,
    /// At most so many.
    pub limit: usize,
}

/// One time that a problem fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AlertRecord {
    /// Its number.
    pub id: AlertId,
    /// As it was last heard.
    pub alert: Alert,
    /// What was decided about it.
    pub verdict: String,
    /// How often it was heard.
    pub count: u32,
    /// How many of those were not sent because it was sent a short time before, or waited to be.
    pub suppressed: u32,
    /// When it was first heard.
    pub first_seen: Timestamp,
    /// When it was last heard.
    pub last_seen: Timestamp,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// How it ended: `resolved`, `expired`.
    pub ending: Option<String>,
}

/// Which notifications. Default: the newest 100.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotificationQuery {
    /// To this receiver.
    pub receiver: Option<String>,
    /// On this point of its way; [`EntryState::Dead`]: the dead letters.
    pub state: Option<EntryState>,
    /// Made then or later.
    pub since: Option<Timestamp>,
    /// Made before then.
    pub until: Option<Timestamp>,
    /// Older than this one: the next page.
    pub before: Option<EntryId>,
    /// At most so many.
    pub limit: usize,
}

/// One notification to one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NotificationRecord {
    /// Its number.
    pub id: EntryId,
    /// To whom.
    pub receiver: String,
    /// Where it is on its way.
    pub state: EntryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state last changed; of one that was sent: when the receiver had it.
    pub changed_at: Timestamp,
    /// Why the last try failed.
    pub error: Option<String>,
    /// The alerts that it says fire.
    pub firing: Vec<AlertId>,
    /// The alerts that it says are over.
    pub resolved: Vec<AlertId>,
    /// What is sent.
    pub notification: Notification,
}

/// So many rows are looked at for one answer, so that a filter that fits nothing does not read everything.
const LOOKED_AT: usize = 200_000;

// === impl Queries ===

impl Default for AlertQuery {
    fn default() -> Self {
        Self {
            since: None,
            until: None,
            changed_since: None,
            state: None,
            severity: None,
            matchers: Vec::new(),
            before: None,
            limit: 100,
        }
    }
}

impl Default for NotificationQuery {
    fn default() -> Self {
        Self { receiver: None, state: None, since: None, until: None, before: None, limit: 100 }
    }
}

impl AlertQuery {
    fn fits(&self, record: &AlertRecord) -> bool {
        self.until.is_none_or(|until| record.first_seen < until)
            && self.state.is_none_or(|state| (state == State::Resolved) == record.closed_at.is_some())
            && self.severity.is_none_or(|least| record.alert.severity >= least)
            && matcher::all(&self.matchers, &record.alert)
    }
}

// === impl History ===

impl History {
    /// Opens the store's file for reading; the store must have made it.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        Ok(Self { db: Mutex::new(schema::open_to_read(path)?), path: path.to_owned() })
    }

    /// The alerts that fit, newest first. Of the last 200,000 at most: go on with [`AlertQuery::before`].
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn alerts(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, StoreError> {
        let sql = "SELECT b.id, b.first_seen, b.body, b.verdict, b.closed_at, b.ending, coalesce(a.count, b.count),
                          coalesce(a.suppressed, b.suppressed), coalesce(a.last_seen, b.last_seen)
                   FROM alerts b LEFT JOIN active a USING (id) WHERE b.id < ?1 AND b.severity >= ?2
                     AND (?4 IS NULL OR b.closed_at >= ?4 OR coalesce(a.last_seen, b.last_seen) >= ?4)
                   ORDER BY b.id DESC LIMIT ?3";
        let before = query.before.map_or(i64::MAX, |id| id.0);
        let least = query.severity.unwrap_or(Severity::Info) as i64;
        let since = query.since.unwrap_or(Timestamp::MIN);
        let changed = query.changed_since.map(|at| at.as_millisecond());
        self.scan(sql, params![before, least, LOOKED_AT as i64, changed], query.limit, alert_record, |record| {
            if record.first_seen < since {
                return Look::Enough;
            }
            if query.fits(record) { Look::Take } else { Look::Skip }
        })
    }

    /// The notifications that fit, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn notifications(&self, query: &NotificationQuery) -> Result<Vec<NotificationRecord>, StoreError> {
        let sql = "SELECT id, receiver, state, attempts, created_at, changed_at, error, alerts, body FROM notifications
                   WHERE id < ?1 AND (?2 IS NULL OR receiver = ?2) AND (?3 IS NULL OR state = ?3) ORDER BY id DESC LIMIT ?4";
        let before = query.before.map_or(i64::MAX, |id| id.0);
        let state = query.state.map(EntryState::number);
        let since = query.since.unwrap_or(Timestamp::MIN);
        let values = params![before, query.receiver, state, LOOKED_AT as i64];
        self.scan(sql, values, query.limit, notification_record, |record| {
            if record.created_at < since {
                return Look::Enough;
            }
            if query.until.is_none_or(|until| record.created_at < until) { Look::Take } else { Look::Skip }
        })
    }

    fn scan<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        limit: usize,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        look: impl Fn(&T) -> Look,
    ) -> Result<Vec<T>, StoreError> {
        let fail = |e: rusqlite::Error| StoreError::new("read the history", &self.path, e);
        // A reader that panicked leaves nothing half done.
        let db = self.db.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut statement = db.prepare_cached(sql).map_err(fail)?;
        let mut rows = statement.query(values).map_err(fail)?;
        let mut found = Vec::new();
        while found.len() < limit
            && let Some(row) = rows.next().map_err(fail)?
        {
            let record = match read(row) {
                // A text that this program cannot read.
                Err(rusqlite::Error::FromSqlConversionFailure(..)) => continue,
                record => record.map_err(fail)?,
            };
            match look(&record) {
                Look::Take => found.push(record),
                Look::Skip => {}
                Look::Enough => break,
            }
        }
        Ok(found)
    }
}

enum Look {
    Take,
    Skip,
    Enough,
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Ok(Moment(row.get(column)?).timestamp())
}

fn alert_record(row: &Row<'_>) -> rusqlite::Result<AlertRecord> {
    Ok(AlertRecord {
        id: AlertId(row.get(0)?),
        first_seen: time(row, 1)?,
        alert: json(row, 2)?,
        verdict: row.get(3)?,
        closed_at: row.get::<_, Option<i64>>(4)?.map(|m| Moment(m).timestamp()),
        ending: row.get(5)?,
        count: row.get(6)?,
        suppressed: row.get(7)?,
        last_seen: time(row, 8)?,
    })
}

fn notification_record(row: &Row<'_>) -> rusqlite::Result<NotificationRecord> {
    let (firing, resolved) = ids_from_blob(row.get_ref(7)?.as_blob()?);
    Ok(NotificationRecord {
        id: EntryId(row.get(0)?),
        receiver: row.get(1)?,
        state: EntryState::from_number(row.get(2)?).unwrap_or(EntryState::Pending),
        attempts: row.get(3)?,
        created_at: time(row, 4)?,
        changed_at: time(row, 5)?,
        error: row.get(6)?,
        firing,
        resolved,
        notification: json(row, 8)?,
    })
}
