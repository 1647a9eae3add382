//! The store in one SQLite file.

use std::path::{Path, PathBuf};

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use sre_core::Severity;

use super::row::{
    ActiveRow, AlertId, Closing, EntryId, EntryRow, EntryState, Loaded, flags_from_text, flags_to_text, ids_from_blob,
    ids_to_blob,
};
use super::schema;
use super::store::{EntryStep, NewAlert, Store, StoreError};
use crate::alert::Alert;
use crate::notify::Notification;
use crate::stage::group::GroupId;
use crate::stage::moment::Moment;
use crate::stage::silence::Silence;

/// Keeps everything in one SQLite file (and its `-wal` and `-shm` beside it).
#[derive(Debug)]
pub struct SqliteStore {
    db: Connection,
    path: PathBuf,
}

/// So many old rows are forgotten at a time, so that nobody waits for it.
const PRUNED_AT_ONCE: usize = 500;

// === impl SqliteStore ===

impl SqliteStore {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// It cannot be opened, is no database, or was written by a newer version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        Ok(Self { db: schema::open(path)?, path: path.to_owned() })
    }

    /// For tests that make thousands of transactions and never cut the power.
    #[cfg(test)]
    pub(crate) fn without_waiting_for_the_disk(self) -> Self {
        let _ = self.db.pragma_update(None, "synchronous", "OFF");
        self
    }

    fn prepare(&self, doing: &'static str, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        self.db.prepare_cached(sql).map_err(|e| StoreError::new(doing, &self.path, e))
    }

    fn execute(&self, doing: &'static str, sql: &str, values: impl rusqlite::Params) -> Result<usize, StoreError> {
        self.prepare(doing, sql)?.execute(values).map_err(|e| StoreError::new(doing, &self.path, e))
    }

    fn rows<T>(
        &self,
        doing: &'static str,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let fail = |e| StoreError::new(doing, &self.path, e);
        let mut statement = self.prepare(doing, sql)?;
        let rows = statement.query_map(values, read).map_err(fail)?;
        rows.collect::<Result<_, _>>().map_err(fail)
    }

    fn number(&self, doing: &'static str, sql: &str) -> Result<Option<i64>, StoreError> {
        self.db.query_row(sql, [], |row| row.get(0)).map_err(|e| StoreError::new(doing, &self.path, e))
    }
}

#[expect(private_interfaces, reason = "see the trait")]
impl Store for SqliteStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.execute("begin a transaction", "BEGIN IMMEDIATE", []).map(|_| ())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.execute("commit", "COMMIT", []).map(|_| ())
    }

    fn rollback(&mut self) {
        // SQLite may have rolled back by itself (a full disk); then there is nothing to do.
        if !self.db.is_autocommit()
            && let Err(error) = self.execute("roll back", "ROLLBACK", [])
        {
            tracing::error!(%error, "alert store");
        }
    }

    fn load(&mut self) -> Result<Loaded, StoreError> {
        const LOAD: &str = "load the store";
        let active = self.rows(
            LOAD,
            "SELECT a.id, a.count, a.suppressed, a.last_seen, a.notified_at, a.resolved_at, a.severity, a.held, a.flags, a.next_entry, b.body
             FROM active a JOIN alerts b USING (id) ORDER BY a.id",
            [],
            |row| Ok((active_row(row)?, readable(row, 10))),
        )?;
        let (mut readable_ones, mut unreadable) = (Vec::with_capacity(active.len()), Vec::new());
        for (row, alert) in active {
            match alert {
                Some(alert) => readable_ones.push((row, alert)),
                None => unreadable.push(row),
            }
        }
        let entries = self.rows(
            LOAD,
            "SELECT id, receiver, group_id, state, attempts, created_at, next_at, alerts FROM notifications
             WHERE state < 3 ORDER BY id",
            [],
            entry_row,
        )?;
        let group_times = self.rows(
            LOAD,
            "SELECT group_id, max(id), max(created_at) FROM notifications
             WHERE id > (SELECT max(id) - 10000 FROM notifications) GROUP BY group_id",
            [],
            |row| Ok((GroupId(row.get::<_, i64>(0)?.cast_unsigned()), EntryId(row.get(1)?), Moment(row.get(2)?))),
        )?;
        let silences = self.rows(LOAD, "SELECT body FROM silences ORDER BY id", [], |row| Ok(readable(row, 0)))?;
        let last = self.number(
            LOAD,
            "SELECT nullif(max(
                 coalesce((SELECT max(last_seen) FROM active), 0),
                 coalesce((SELECT first_seen FROM alerts ORDER BY id DESC LIMIT 1), 0),
                 coalesce((SELECT max(changed_at) FROM notifications WHERE id > (SELECT max(id) - 1000 FROM notifications)), 0)
             ), 0)",
        )?;
        let next = |sql| Ok::<_, StoreError>(self.number(LOAD, sql)?.unwrap_or(0) + 1);
        Ok(Loaded {
            active: readable_ones,
            unreadable,
            entries,
            group_times,
            silences: silences.into_iter().flatten().collect(),
            last: last.map(Moment),
            next_alert: next("SELECT max(id) FROM alerts")?,
            next_entry: next("SELECT max(id) FROM notifications")?,
            next_silence: next("SELECT max(id) FROM silences")?,
        })
    }

    fn insert_alert(&mut self, id: AlertId, at: Moment, new: &NewAlert<'_>) -> Result<(), StoreError> {
        self.execute(
            "store an alert",
            "INSERT INTO alerts (id, first_seen, severity, body, verdict, last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?2)",
            params![id.0, at.0, new.alert.severity as i64, new.body, new.verdict],
        )
        .map(|_| ())
    }

    fn update_alert(&mut self, id: AlertId, new: &NewAlert<'_>) -> Result<(), StoreError> {
        self.execute(
            "change an alert",
            "UPDATE alerts SET severity = ?2, body = ?3, verdict = ?4 WHERE id = ?1",
            params![id.0, new.alert.severity as i64, new.body, new.verdict],
        )
        .map(|_| ())
    }

    fn set_verdict(&mut self, id: AlertId, verdict: &str) -> Result<(), StoreError> {
        self.execute("change a verdict", "UPDATE alerts SET verdict = ?2 WHERE id = ?1", params![id.0, verdict])
            .map(|_| ())
    }

    fn alert(&mut self, id: AlertId) -> Result<Option<Alert>, StoreError> {
        const READ: &str = "read an alert";
        let mut statement = self.prepare(READ, "SELECT body FROM alerts WHERE id = ?1")?;
        let alert = statement.query_row([id.0], |row| Ok(readable(row, 0))).optional();
        alert.map(Option::flatten).map_err(|e| StoreError::new(READ, &self.path, e))
    }

    fn close_alert(&mut self, id: AlertId, c: &Closing) -> Result<(), StoreError> {
        self.execute(
            "close an alert",
            "UPDATE alerts SET closed_at = ?2, ending = ?3, count = ?4, suppressed = ?5, last_seen = ?6 WHERE id = ?1",
            params![id.0, c.at.0, c.how, c.count, c.suppressed, c.last_seen.0],
        )
        .map(|_| ())
    }

    fn reopen_alert(&mut self, id: AlertId) -> Result<(), StoreError> {
        self.execute("reopen an alert", "UPDATE alerts SET closed_at = NULL, ending = NULL WHERE id = ?1", [id.0])
            .map(|_| ())
    }

    fn save_active(&mut self, row: &ActiveRow) -> Result<(), StoreError> {
        self.execute(
            "store an alert's state",
            "INSERT OR REPLACE INTO active (id, count, suppressed, last_seen, notified_at, resolved_at, severity, held, flags, next_entry)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                row.id.0,
                row.count,
                row.suppressed,
                row.last_seen.0,
                row.notified_at.map(|m| m.0),
                row.resolved_at.map(|m| m.0),
                row.severity as i64,
                row.held,
                flags_to_text(&row.flags),
                row.next_entry.0
            ],
        )
        .map(|_| ())
    }

    fn remove_active(&mut self, id: AlertId) -> Result<(), StoreError> {
        self.execute("forget an alert's state", "DELETE FROM active WHERE id = ?1", [id.0]).map(|_| ())
    }

    fn insert_entry(&mut self, row: &EntryRow, notification: &Notification) -> Result<(), StoreError> {
        const STORE: &str = "store a notification";
        let body = serde_json::to_string(notification).map_err(|e| StoreError::new(STORE, &self.path, e))?;
        self.execute(
            STORE,
            "INSERT INTO notifications (id, receiver, group_id, state, attempts, created_at, changed_at, next_at, alerts, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9)",
            params![
                row.id.0,
                row.receiver,
                row.group.0 as i64,
                row.state.number(),
                row.attempts,
                row.created_at.0,
                row.next_at.0,
                ids_to_blob(&row.firing, &row.resolved),
                body
            ],
        )
        .map(|_| ())
    }

    fn update_entry(&mut self, step: &EntryStep<'_>) -> Result<(), StoreError> {
        self.execute(
            "store how a notification got on",
            "UPDATE notifications SET state = ?2, attempts = ?3, changed_at = ?4, next_at = ?5, error = ?6 WHERE id = ?1",
            params![step.id.0, step.state.number(), step.attempts, step.at.0, step.next_at.0, step.error],
        )
        .map(|_| ())
    }

    fn entry(&mut self, id: EntryId) -> Result<Option<(EntryRow, Option<Notification>)>, StoreError> {
        const READ: &str = "read a notification";
        let mut statement = self.prepare(
            READ,
            "SELECT id, receiver, group_id, state, attempts, created_at, next_at, alerts, body FROM notifications WHERE id = ?1",
        )?;
        let entry = statement.query_row([id.0], |row| Ok((entry_row(row)?, readable(row, 8)))).optional();
        entry.map_err(|e| StoreError::new(READ, &self.path, e))
    }

    fn save_silence(&mut self, silence: &Silence) -> Result<(), StoreError> {
        const STORE: &str = "store a silence";
        let body = serde_json::to_string(silence).map_err(|e| StoreError::new(STORE, &self.path, e))?;
        self.execute(
            STORE,
            "INSERT OR REPLACE INTO silences (id, ends_at, body) VALUES (?1, ?2, ?3)",
            params![silence.id.0, silence.ends_at.as_millisecond(), body],
        )
        .map(|_| ())
    }

    fn prune(&mut self, before: Moment) -> Result<bool, StoreError> {
        const PRUNE: &str = "forget old history";
        let values = [before.0, PRUNED_AT_ONCE as i64];
        let mut most = 0;
        // The oldest are first; those that are not finished yet stay.
        for sql in [
            "DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE first_seen < ?1 AND closed_at < ?1 ORDER BY id LIMIT ?2)",
            "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications WHERE created_at < ?1 AND changed_at < ?1 AND state >= 3 ORDER BY id LIMIT ?2)",
            "DELETE FROM silences WHERE id IN (SELECT id FROM silences WHERE ends_at < ?1 ORDER BY id LIMIT ?2)",
        ] {
            most = most.max(self.execute(PRUNE, sql, values)?);
        }
        Ok(most == PRUNED_AT_ONCE)
    }
}

fn active_row(row: &Row<'_>) -> rusqlite::Result<ActiveRow> {
    Ok(ActiveRow {
        id: AlertId(row.get(0)?),
        count: row.get(1)?,
        suppressed: row.get(2)?,
        last_seen: Moment(row.get(3)?),
        notified_at: row.get::<_, Option<i64>>(4)?.map(Moment),
        resolved_at: row.get::<_, Option<i64>>(5)?.map(Moment),
        severity: severity(row.get(6)?),
        held: row.get(7)?,
        flags: flags_from_text(row.get_ref(8)?.as_str()?),
        next_entry: EntryId(row.get(9)?),
    })
}

fn entry_row(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    let (firing, resolved) = ids_from_blob(row.get_ref(7)?.as_blob()?);
    Ok(EntryRow {
        id: EntryId(row.get(0)?),
        receiver: row.get(1)?,
        group: GroupId(row.get::<_, i64>(2)?.cast_unsigned()),
        state: EntryState::from_number(row.get(3)?).unwrap_or(EntryState::Pending),
        attempts: row.get(4)?,
        created_at: Moment(row.get(5)?),
        next_at: Moment(row.get(6)?),
        firing,
        resolved,
    })
}

fn severity(number: i64) -> Severity {
    Severity::ALL.into_iter().find(|s| *s as i64 == number).unwrap_or(Severity::Critical)
}

/// What another version wrote may be none of ours: that must not keep all the others from being read.
fn readable<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> Option<T> {
    json(row, column).inspect_err(|error| tracing::error!(%error, "alert store: a row cannot be read")).ok()
}

pub(super) fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(e)))
}
