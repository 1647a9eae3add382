//! The tables, and how the file is opened.
//!
//! Each accepted alert costs two appended rows when it is new and one short changed row when it is not: so there is no
//! index but the row number. Numbers grow with time, which is what the history is read by.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::store::{BUSY, StoreError};

/// Raised with each change of the tables; `migrate` knows the way from each older one that was released (1 was not).
const VERSION: i64 = 2;

const TABLES: &str = "
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY,
    first_seen INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    body TEXT NOT NULL,
    verdict TEXT NOT NULL,
    closed_at INTEGER,
    ending TEXT,
    count INTEGER NOT NULL DEFAULT 1,
    suppressed INTEGER NOT NULL DEFAULT 0,
    last_seen INTEGER NOT NULL
);
CREATE TABLE active (
    id INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    suppressed INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    notified_at INTEGER,
    resolved_at INTEGER,
    severity INTEGER NOT NULL,
    held INTEGER NOT NULL,
    flags TEXT NOT NULL,
    next_entry INTEGER NOT NULL
);
CREATE TABLE notifications (
    id INTEGER PRIMARY KEY,
    receiver TEXT NOT NULL,
    group_id INTEGER NOT NULL,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    alerts BLOB NOT NULL,
    body TEXT NOT NULL,
    error TEXT
);
CREATE INDEX unfinished ON notifications (id) WHERE state < 3;
CREATE TABLE silences (
    id INTEGER PRIMARY KEY,
    ends_at INTEGER NOT NULL,
    body TEXT NOT NULL
);
";

/// Opens the file for writing and brings its tables up to date.
///
/// `synchronous=FULL` makes every commit wait for the disk, so that what was accepted survives a power cut too; with
/// `NORMAL` a commit would survive a killed process only (<https://www.sqlite.org/pragma.html#pragma_synchronous>).
/// Checkpoints at 16 MiB instead of 4: fewer waits for the disk under load. A cache of 512 KiB holds what is written over
/// and over; the rest is in the system's.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let fail = |e: rusqlite::Error| StoreError::new("open the store", path, e);
    let mut db = Connection::open(path).map_err(fail)?;
    db.busy_timeout(BUSY).map_err(fail)?;
    db.set_prepared_statement_cache_capacity(64);
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096;
         PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -512; PRAGMA temp_store = MEMORY;",
    )
    .map_err(fail)?;
    migrate(&mut db, path)?;
    Ok(db)
}

/// Opens the file for reading, beside the writer.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let fail = |e: rusqlite::Error| StoreError::new("open the history", path, e);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(fail)?;
    db.busy_timeout(BUSY).map_err(fail)?;
    Ok(db)
}

fn migrate(db: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let fail = |e: rusqlite::Error| StoreError::new("prepare the store", path, e);
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fail)?;
    match version {
        VERSION => Ok(()),
        0 => {
            let tx = db.transaction().map_err(fail)?;
            tx.execute_batch(TABLES).map_err(fail)?;
            tx.pragma_update(None, "user_version", VERSION).map_err(fail)?;
            tx.commit().map_err(fail)
        }
        other => {
            let why = format!("it has tables of version {other}, this program knows version {VERSION}");
            Err(StoreError::new("prepare the store", path, why))
        }
    }
}
