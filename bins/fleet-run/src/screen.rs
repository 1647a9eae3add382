//! The result on stdout, and one line that is drawn anew on stderr while something runs.

use std::io;

use sre_core::output::{Glyphs, width};

use crate::environment::Environment;
use crate::pen::Pen;

/// Both streams.
#[derive(Debug)]
pub(crate) struct Screen {
    draws: bool,
    drawn: bool,
    columns: usize,
    pub(crate) glyphs: Glyphs,
    pen: Pen,
}

/// Back to the first column, then erase to the end of the line.
const CLEAR: &str = "\r\x1b[K";

// === impl Screen ===

impl Screen {
    pub(crate) fn new(env: &Environment, quiet: bool) -> Self {
        let draws = env.draws_on_stderr() && !quiet;
        Self { draws, drawn: false, columns: env.width.unwrap_or(80), glyphs: env.glyphs(), pen: Pen::new() }
    }

    /// A part of the result.
    pub(crate) fn say(&mut self, text: &[u8]) {
        if text.is_empty() || self.pen.has_failed() {
            return;
        }
        self.clear();
        self.pen.result(text);
    }

    /// Something for the person at the terminal, or for the log of whoever started us.
    pub(crate) fn note(&mut self, text: &[u8]) {
        self.clear();
        self.pen.note(text);
    }

    /// What the line that is drawn anew says.
    pub(crate) fn draw(&mut self, text: &str) {
        if !self.draws {
            return;
        }
        let text = width::truncate(text, self.columns.saturating_sub(1), self.glyphs);
        // The cursor waits in the first column, so that what others write there begins a line.
        self.pen.note(format!("{CLEAR}{text}\r").as_bytes());
        self.drawn = true;
    }

    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            self.pen.note(CLEAR.as_bytes());
        }
    }

    /// Waits until all is written, and says why results could not be shown; a reader that went away had enough. Nothing can
    /// be said afterwards.
    pub(crate) fn finish(&mut self) -> Option<io::Error> {
        self.clear();
        self.pen.finish().filter(|e| e.kind() != io::ErrorKind::BrokenPipe)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.clear();
    }
}
