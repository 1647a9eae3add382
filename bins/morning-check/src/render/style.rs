//! How text is shown: colour, symbols, width, zone.

use anstyle::{AnsiColor, Effects};
use jiff::Timestamp;
use sre_core::Severity;
use sre_core::output::Glyphs;

use crate::environment::Zone;
use crate::verdict::Status;

/// What the terminal (or the pipe) can show. [`Style::plain`] is for pipes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Style {
    /// Whether to colour.
    pub color: bool,
    /// The symbols that can be shown.
    pub glyphs: Glyphs,
    /// Columns of the terminal; `None` never wraps.
    pub width: Option<usize>,
    /// Zone in which times are shown.
    pub zone: Zone,
    /// What "yesterday" is counted from.
    pub now: Timestamp,
    /// Most findings shown of one severity; `None` shows all.
    pub most: Option<usize>,
}

impl Style {
    /// No colour, no wrapping, all symbols, every finding.
    #[must_use]
    pub fn plain(zone: impl Into<Zone>, now: Timestamp) -> Self {
        Self { color: false, glyphs: Glyphs::UNICODE, width: None, zone: zone.into(), now, most: None }
    }

    pub(super) fn severity(&self, severity: Severity, text: &str) -> String {
        match severity {
            Severity::Critical => self.paint(AnsiColor::Red.on_default() | Effects::BOLD, text),
            Severity::Error => self.paint(AnsiColor::Red.on_default(), text),
            Severity::Warning => self.paint(AnsiColor::Yellow.on_default(), text),
            Severity::Info => self.paint(AnsiColor::Cyan.on_default(), text),
        }
    }

    pub(super) fn status(&self, status: Status, text: &str) -> String {
        let color = match status {
            Status::Healthy => AnsiColor::Green,
            Status::Unhealthy => AnsiColor::Red,
            Status::Unknown => AnsiColor::Yellow,
        };
        self.paint(color.on_default() | Effects::BOLD, text)
    }

    pub(super) fn good(&self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    pub(super) fn faint(&self, text: &str) -> String {
        self.paint(anstyle::Style::new() | Effects::DIMMED, text)
    }

    fn paint(&self, style: anstyle::Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}
