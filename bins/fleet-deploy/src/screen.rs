//! Lines of the result on stdout, and one line that is drawn anew on stderr while something runs.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sre_core::output::{Glyphs, width};
use tokio::time::Instant;

use crate::environment::Environment;

/// Two processes' worth of streams, one screen. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    state: Arc<Mutex<State>>,
    /// Whether lines of the result are shown: not when stdout gets JSON.
    speaks: bool,
    draws: bool,
    width: usize,
    pub(crate) glyphs: Glyphs,
}

#[derive(Debug, Default)]
struct State {
    counts: String,
    busy: Vec<String>,
    /// By host: the step that it is at.
    steps: BTreeMap<String, String>,
    drawn: bool,
}

const TICK: Duration = Duration::from_millis(120);
/// Back to the first column, then erase to the end of the line.
const CLEAR: &str = "\r\x1b[K";

// === impl Screen ===

impl Screen {
    pub(crate) fn new(env: &Environment, speaks: bool, quiet: bool) -> Self {
        Self {
            state: Arc::default(),
            speaks,
            draws: env.draws_on_stderr() && !quiet,
            width: env.width.unwrap_or(80),
            glyphs: env.glyphs(),
        }
    }

    /// A line of the result.
    pub(crate) fn say(&self, line: &str) {
        if !self.speaks {
            return;
        }
        let _state = self.cleared();
        let mut out = io::stdout().lock();
        // Nobody can be told that nobody listens; the rollout goes on all the same.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }

    /// A line for the person at the terminal, or for the log of whoever started us.
    pub(crate) fn note(&self, line: &str) {
        let _state = self.cleared();
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// Whether a line is drawn anew at all.
    pub(crate) fn draws(&self) -> bool {
        self.draws
    }

    /// What the line that is drawn anew says: how far it is, and which hosts are worked on.
    pub(crate) fn progress(&self, counts: String, busy: Vec<String>) {
        let mut state = self.lock();
        state.steps.retain(|host, _| busy.contains(host));
        (state.counts, state.busy) = (counts, busy);
    }

    /// A host begins a step.
    pub(crate) fn step(&self, host: &str, step: String) {
        if self.draws {
            self.lock().steps.insert(host.to_owned(), step);
        }
    }

    /// Draws until dropped; the line is then gone.
    pub(crate) async fn draw(&self) -> Infallible {
        if !self.draws {
            return std::future::pending().await;
        }
        let _gone = Gone(self);
        let started = Instant::now();
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            let mut state = self.lock();
            if state.counts.is_empty() {
                continue;
            }
            let text = format!("{}s  {}", started.elapsed().as_secs(), state.line());
            let text = width::truncate(&text, self.width.saturating_sub(1), self.glyphs).into_owned();
            let mut err = io::stderr().lock();
            // The cursor waits in the first column, so that what others write there begins a line.
            let _ = write!(err, "{CLEAR}{text}\r").and_then(|()| err.flush());
            state.drawn = true;
        }
    }

    fn cleared(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if std::mem::take(&mut state.drawn) {
            let mut err = io::stderr().lock();
            let _ = write!(err, "{CLEAR}").and_then(|()| err.flush());
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn line(&self) -> String {
        let busy: Vec<String> = self
            .busy
            .iter()
            .map(|host| match self.steps.get(host) {
                Some(step) => format!("{host} ({step})"),
                None => host.clone(),
            })
            .collect();
        format!("{}  {}", self.counts, busy.join(", "))
    }
}

/// Erases the line when the drawing ends, however it ends.
struct Gone<'a>(&'a Screen);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        drop(self.0.cleared());
    }
}
