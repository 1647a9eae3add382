//! Putting filter, format and outputs together.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use clap::ValueEnum;
use tracing::Dispatch;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};

use super::filter;
use super::sink::{Output, Sink};
use crate::clock::{SharedClock, SystemClock};
use crate::path_error::PathError;

/// The value of `--log-format`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people: time, level, where from, message, fields.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// How to log; see the [module](super).
#[derive(Clone)]
#[must_use]
pub struct Logging {
    base: LevelFilter,
    verbosity: u8,
    filter: Option<String>,
    format: LogFormat,
    color: bool,
    file: Option<PathBuf>,
    clock: SharedClock,
    stderr: Option<Output>,
}

// === impl Logging ===

impl Default for Logging {
    fn default() -> Self {
        Self::new()
    }
}

impl Logging {
    /// Warnings and errors as text without colour to stderr.
    pub fn new() -> Self {
        Self {
            base: LevelFilter::WARN,
            verbosity: 0,
            filter: None,
            format: LogFormat::Text,
            color: false,
            file: None,
            clock: SystemClock::shared(),
            stderr: None,
        }
    }

    /// Shows information without any `-v`, as a daemon does.
    pub fn daemon(mut self) -> Self {
        self.base = LevelFilter::INFO;
        self
    }

    /// The count of `-v`.
    pub fn verbosity(mut self, count: u8) -> Self {
        self.verbosity = count;
        self
    }

    /// The value of `RUST_LOG`; it counts when there is no `-v`. One that cannot be parsed is logged and left out.
    pub fn filter(mut self, directives: Option<String>) -> Self {
        self.filter = directives.filter(|d| !d.trim().is_empty());
        self
    }

    /// Text or JSON, for stderr and the file alike.
    pub fn format(mut self, format: LogFormat) -> Self {
        self.format = format;
        self
    }

    /// Whether stderr shows colour; the file never has any.
    pub fn color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// A file to append to, made with mode 0600 when it is not there.
    pub fn file(mut self, path: Option<PathBuf>) -> Self {
        self.file = path;
        self
    }

    /// The clock of the time stamps.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Something else to take the place of stderr.
    pub fn output(mut self, output: impl Write + Send + 'static) -> Self {
        self.stderr = Some(Arc::new(Mutex::new(Box::new(output))));
        self
    }

    /// The subscriber, to be used for a part of the program.
    ///
    /// # Errors
    /// When the log file cannot be opened.
    pub fn build(self) -> Result<Dispatch, PathError> {
        let stderr = self.stderr.clone().unwrap_or_else(|| Arc::new(Mutex::new(Box::new(io::stderr()))));
        let json = self.format == LogFormat::Json;
        let level = filter::level(self.base, self.verbosity);
        let mut layers = vec![self.layer(Sink::new(Arc::clone(&stderr), json), self.color, level)];
        if let Some(path) = &self.file {
            let output: Output = Arc::new(Mutex::new(Box::new(open(path)?)));
            let sink = Sink::file(output, json, path.clone(), stderr);
            layers.push(self.layer(sink, false, level.max(LevelFilter::INFO)));
        }
        let dispatch = Dispatch::new(Registry::default().with(layers));
        if let Some(Err(error)) = self.directives() {
            tracing::dispatcher::with_default(&dispatch, || {
                tracing::warn!(%error, "RUST_LOG is left out: it cannot be parsed");
            });
        }
        Ok(dispatch)
    }

    /// Makes it the logging of the whole program. A second call changes nothing.
    ///
    /// # Errors
    /// When the log file cannot be opened.
    pub fn init(self) -> Result<(), PathError> {
        let dispatch = self.build()?;
        if tracing::dispatcher::set_global_default(dispatch).is_err() {
            tracing::debug!("logging is set up already");
        }
        Ok(())
    }

    fn directives(&self) -> Option<Result<EnvFilter, String>> {
        let directives = self.filter.as_deref().filter(|_| self.verbosity == 0)?;
        Some(filter::parse(directives, self.verbosity).map_err(|e| e.to_string()))
    }

    fn layer(&self, sink: Sink, color: bool, level: LevelFilter) -> Box<dyn Layer<Registry> + Send + Sync> {
        let filter = match self.directives() {
            Some(Ok(filter)) => filter,
            _ => filter::for_level(level, self.verbosity),
        };
        // The library would report a failed write with `eprintln!`, which panics when stderr is closed.
        let layer = tracing_subscriber::fmt::layer()
            .with_timer(Utc(Arc::clone(&self.clock)))
            .with_ansi(color)
            .log_internal_errors(false)
            .with_writer(sink);
        match self.format {
            LogFormat::Text => layer.with_filter(filter).boxed(),
            LogFormat::Json => layer.json().flatten_event(true).with_current_span(false).with_filter(filter).boxed(),
        }
    }
}

impl fmt::Debug for Logging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logging")
            .field("verbosity", &self.verbosity)
            .field("filter", &self.filter)
            .field("format", &self.format)
            .field("color", &self.color)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

fn open(path: &Path) -> Result<File, PathError> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(|e| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let missing = e.kind() == io::ErrorKind::NotFound;
        let error = PathError::new("open the log file", path, e);
        match parent.filter(|_| missing) {
            Some(parent) => error.advice(format!("create its folder: mkdir -p {}", parent.display())),
            None => error,
        }
    })
}

/// RFC 3339 in UTC, to the millisecond.
struct Utc(SharedClock);

impl FormatTime for Utc {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{:.3}", self.0.now())
    }
}
