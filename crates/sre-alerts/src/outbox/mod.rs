//! What must not be lost: alerts that fire, notifications under way, silences, and the history of all of them.
//!
//! [`Store`] is what the pipeline asks of it; [`SqliteStore`] keeps it in one SQLite file. A notification goes from
//! *pending* to *sending* (on disk before the first byte goes out) to *sent*, to *retry* at a later time, or to the
//! *dead* letters. After a crash everything that was not *sent* is sent (again): the receiver may get it twice only if the
//! crash came between its answer and our next write, and then with the same key.

mod history;
mod row;
mod schema;
mod sqlite;
mod store;

pub use history::{AlertQuery, AlertRecord, History, NotificationQuery, NotificationRecord};
pub(crate) use row::{ActiveRow, Closing, EntryRow, Flags, Loaded};
pub use row::{AlertId, EntryId, EntryState};
pub use sqlite::SqliteStore;
pub(crate) use store::{EntryStep, NewAlert};
pub use store::{Store, StoreError};
