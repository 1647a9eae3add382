//! A run as it is watched: what is printed when, and what is kept for the end.

use std::io;

use sre_remote::Host;
use sre_remote::OutputStream;
use sre_remote::fanout::{Event, Status};
use sre_remote::inventory::fold;

use crate::cli::{Args, OutputFormat};
use crate::render::gather::Groups;
use crate::render::progress::Progress;
use crate::render::style::Style;
use crate::render::{self, json, stream, text};
use crate::report::{Report, Row};
use crate::screen::Screen;
use crate::signals::Level;
use crate::work::Brought;

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Stream,
    Gather,
    Format(OutputFormat),
}

/// The watcher of one run.
#[derive(Debug)]
pub(crate) struct View<'a> {
    args: &'a Args,
    hosts: &'a [Host],
    mode: Mode,
    style: Style,
    groups: Groups,
    prefixes: stream::Prefixes,
    pub(crate) progress: Progress,
    pub(crate) rows: Vec<Row>,
    running: Vec<bool>,
}

// === impl View ===

impl<'a> View<'a> {
    pub(crate) fn new(args: &'a Args, hosts: &'a [Host], style: Style) -> Self {
        let report = &args.report;
        let mode = match (report.gather, report.stream) {
            (true, _) => Mode::Gather,
            (_, true) => Mode::Stream,
            _ => Mode::Format(report.output.unwrap_or_default()),
        };
        Self {
            args,
            hosts,
            mode,
            style,
            groups: Groups::new(args.report.quiet),
            prefixes: stream::Prefixes::new(hosts),
            progress: Progress::new(hosts.len()),
            rows: Vec::with_capacity(hosts.len()),
            running: vec![false; hosts.len()],
        }
    }

    pub(crate) fn wants_live_output(&self) -> bool {
        self.mode == Mode::Stream
    }

    /// Takes what happened.
    pub(crate) fn event(&mut self, event: Event<Brought>, screen: &mut Screen) {
        match event {
            Event::Started { index } => {
                self.running[index] = true;
                self.progress.started();
            }
            Event::Retrying { attempt, delay, reason, .. } => {
                tracing::info!("attempt {attempt}: {reason}; again in {}", sre_core::duration::format(delay));
            }
            Event::Output { index, stream, lines } => {
                let text = self.prefixes.lines(index, &lines);
                match stream {
                    OutputStream::Stdout => screen.say(&text),
                    OutputStream::Stderr => screen.note(&text),
                }
            }
            Event::Finished(row) => self.finished(*row, screen),
            _ => {}
        }
    }

    fn finished(&mut self, row: Row, screen: &mut Screen) {
        self.running[row.index] = false;
        self.progress.finished(&row.status);
        let quiet = self.args.report.quiet && row.is_ok();
        match self.mode {
            // Hundreds of skipped hosts are one number, and in every report that is read by a program.
            Mode::Format(OutputFormat::Text) | Mode::Stream if row.status == Status::Skipped => {}
            Mode::Format(OutputFormat::Text) if !quiet => screen.say(&text::host(&row, &self.style)),
            Mode::Format(OutputFormat::Jsonl) if !quiet => screen.say(json::line(&row).as_bytes()),
            Mode::Stream if !quiet => screen.say(&stream::end(&row, &self.prefixes, &self.style)),
            Mode::Gather => self.groups.add(&row),
            _ => {}
        }
        if let Some(error) = &row.spill_error {
            tracing::error!("the output of {} is not complete in its files: {error}", row.host);
        }
        self.rows.push(self.kept(row));
    }

    /// Output that nobody will look at again is let go.
    fn kept(&self, mut row: Row) -> Row {
        let needed = self.args.report.output_file.is_some()
            || matches!(self.mode, Mode::Format(f) if !matches!(f, OutputFormat::Text | OutputFormat::Jsonl));
        if !needed {
            row.output.stdout = Vec::new();
            row.output.stderr = Vec::new();
        }
        row
    }

    /// Says what a signal did.
    pub(crate) fn signal(&self, level: Level, screen: &mut Screen) {
        let names = self.hosts.iter().zip(&self.running).filter(|(_, running)| **running).map(|(host, _)| host.name());
        let running = self.running.iter().filter(|running| **running).count();
        let text = match level {
            Level::Drain => format!(
                "stopping: no further host is started; {running} still running: {}\n  once more kills what runs there\n",
                fold(names)
            ),
            Level::Kill => format!("killing what runs on {running} hosts: {}\n", fold(names)),
            Level::Leave => "leaving without waiting for it\n".to_owned(),
        };
        screen.note(text.as_bytes());
    }

    /// All that is shown at the end.
    pub(crate) fn end(&mut self, report: &Report, can_retry: bool, screen: &mut Screen) -> io::Result<()> {
        screen.clear();
        let summary = render::summary::line(report, can_retry, &self.style);
        let spoken = match self.mode {
            Mode::Gather => {
                let groups = std::mem::take(&mut self.groups);
                screen.say(&groups.render(&self.style, self.args.report.diff));
                true
            }
            Mode::Stream | Mode::Format(OutputFormat::Text) => true,
            Mode::Format(OutputFormat::Table) => {
                screen.say(render::table::render(report, &self.style, self.args.report.quiet).as_bytes());
                true
            }
            Mode::Format(OutputFormat::Jsonl) => false,
            Mode::Format(format) => {
                screen.say(&render::whole(report, format)?);
                false
            }
        };
        if spoken {
            screen.say(summary.as_bytes())
        } else {
            screen.note(summary.as_bytes())
        }
        Ok(())
    }
}
