//! How text is shown: colour, symbols, width.

use anstyle::{AnsiColor, Effects};
use sre_core::output::Glyphs;
use sre_remote::fanout::Status;

/// What the terminal (or the pipe) can show.
#[derive(Debug, Clone)]
pub(crate) struct Style {
    pub(crate) color: bool,
    pub(crate) glyphs: Glyphs,
    /// Columns of the terminal; `None` never cuts.
    pub(crate) width: Option<usize>,
}

// === impl Style ===

impl Style {
    /// No colour, all symbols, any width.
    pub(crate) fn plain() -> Self {
        Self { color: false, glyphs: Glyphs::UNICODE, width: None }
    }

    /// The symbol of a status.
    pub(crate) fn mark(&self, status: &Status) -> String {
        match status {
            Status::Ok => self.paint(AnsiColor::Green.on_default(), self.glyphs.ok),
            Status::Skipped | Status::Interrupted => self.paint(AnsiColor::Yellow.on_default(), self.glyphs.unknown),
            _ => self.bad(self.glyphs.failed),
        }
    }

    pub(crate) fn bad(&self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default() | Effects::BOLD, text)
    }

    pub(crate) fn faint(&self, text: &str) -> String {
        self.paint(anstyle::Style::new() | Effects::DIMMED, text)
    }

    pub(crate) fn strong(&self, text: &str) -> String {
        self.paint(anstyle::Style::new() | Effects::BOLD, text)
    }

    fn paint(&self, style: anstyle::Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}
