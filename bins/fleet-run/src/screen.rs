//! The result on stdout, and one line that is drawn anew on stderr while something runs.

use std::io::{self, Write};

use sre_core::output::{Glyphs, width};

use crate::environment::Environment;

/// Both streams. A stdout that fails does not end the run: hosts are changed, and half of them is the worst choice.
#[derive(Debug)]
pub(crate) struct Screen {
    draws: bool,
    drawn: bool,
    columns: usize,
    pub(crate) glyphs: Glyphs,
    failure: Option<io::Error>,
}

/// Back to the first column, then erase to the end of the line.
const CLEAR: &str = "\r\x1b[K";

// === impl Screen ===

impl Screen {
    pub(crate) fn new(env: &Environment, quiet: bool) -> Self {
        let draws = env.draws_on_stderr() && !quiet;
        Self { draws, drawn: false, columns: env.width.unwrap_or(80), glyphs: env.glyphs(), failure: None }
    }

    /// A part of the result.
    pub(crate) fn say(&mut self, text: &[u8]) {
        if text.is_empty() || self.failure.is_some() {
            return;
        }
        self.clear();
        let mut out = io::stdout().lock();
        if let Err(e) = out.write_all(text).and_then(|()| out.flush()) {
            self.failure = Some(e);
        }
    }

    /// Something for the person at the terminal, or for the log of whoever started us.
    pub(crate) fn note(&mut self, text: &[u8]) {
        self.clear();
        let _ = io::stderr().lock().write_all(text);
    }

    /// What the line that is drawn anew says.
    pub(crate) fn draw(&mut self, text: &str) {
        if !self.draws {
            return;
        }
        let text = width::truncate(text, self.columns.saturating_sub(1), self.glyphs);
        let mut err = io::stderr().lock();
        // The cursor waits in the first column, so that what others write there begins a line.
        let _ = write!(err, "{CLEAR}{text}\r").and_then(|()| err.flush());
        self.drawn = true;
    }

    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let mut err = io::stderr().lock();
            let _ = write!(err, "{CLEAR}").and_then(|()| err.flush());
        }
    }

    /// Why results could not be shown; a reader that went away had enough.
    pub(crate) fn failure(&mut self) -> Option<io::Error> {
        self.failure.take().filter(|e| e.kind() != io::ErrorKind::BrokenPipe)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.clear();
    }
}
