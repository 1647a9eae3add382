//! A log of one JSON object a line, for what must be written before something is done.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Writes records as they come; each is flushed before the call returns.
pub struct JsonLines<W> {
    writer: Mutex<W>,
}

// === impl JsonLines ===

impl<W: Write + Send> JsonLines<W> {
    /// Writes to a file opened for appending, or to anything else.
    #[must_use]
    pub fn new(writer: W) -> Self {
        Self { writer: Mutex::new(writer) }
    }

    pub(crate) fn write(&self, record: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(&line)?;
        writer.flush()
    }
}

impl<W> fmt::Debug for JsonLines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonLines")
    }
}
