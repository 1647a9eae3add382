//! Getting to a host and running one thing there.

use std::time::Duration;

use sre_core::output::width;
use sre_core::{Classify as _, Delivery, RetryHint, SharedClock};

use crate::command::{Command, Sudo};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exec::{Captured, ExecContext};
use crate::exit::Exit;
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::transport::{Session, SharedTransport};

/// How often a connection is tried.
const ATTEMPTS: u32 = 3;
/// The first pause between two tries; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// What is kept of a command's output: the end is what says why it failed, and it is in here for all but a flood.
const OUTPUT: usize = 64 * 1024;

/// The way to hosts.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) transport: SharedTransport,
    pub(super) clock: SharedClock,
    pub(super) connect_timeout: Duration,
    pub(super) sudo: Sudo,
    /// Kills what runs.
    pub(super) kill: Interrupt,
}

/// What went wrong with one command or transfer.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) reason: String,
    /// Whether the host may have done something.
    pub(super) touched: bool,
}

// === impl Reach ===

impl Reach {
    /// A session, after a few tries where another one can help: nothing was sent yet.
    pub(super) async fn connect(&self, host: &Host) -> Result<Box<dyn Session>, Error> {
        let mut attempt = 1;
        loop {
            let error = match self.transport.connect(host, Deadline::after(self.connect_timeout)).await {
                Ok(session) => return Ok(session),
                Err(error) => error,
            };
            let hopeless = error.retry_hint() == RetryHint::Never || error.delivery() != Delivery::NotSent;
            if hopeless || attempt == ATTEMPTS || self.kill.is_triggered() {
                return Err(error.with_attempts(attempt));
            }
            self.clock.sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
            attempt += 1;
        }
    }

    /// The limits of one command or transfer.
    pub(super) fn context(&self, timeout: Duration) -> ExecContext {
        ExecContext::until(Deadline::after(timeout)).with_interrupt(self.kill.clone())
    }

    /// Runs a command that must end with status 0.
    pub(super) async fn run(
        &self,
        session: &mut dyn Session,
        command: &Command,
        timeout: Duration,
    ) -> Result<(), Trouble> {
        let mut output = Captured::with_cap(OUTPUT);
        match session.exec(command, &self.context(timeout), &mut output).await {
            Ok(Exit::Code(0)) => Ok(()),
            Ok(exit) => Err(Trouble { reason: format!("{exit}{}", last_words(&output)), touched: true }),
            Err(error) => Err(Trouble::of(&error)),
        }
    }
}

// === impl Trouble ===

impl Trouble {
    pub(super) fn of(error: &Error) -> Self {
        let reason = format!("{} ({})", sre_core::FailureKind::as_str(error.kind()), error.phase());
        let detail = if error.detail().is_empty() { String::new() } else { format!(": {}", error.detail()) };
        let tries = if error.attempts() > 1 { format!(" ({} attempts)", error.attempts()) } else { String::new() };
        Self { reason: format!("{reason}{detail}{tries}"), touched: error.delivery() != Delivery::NotSent }
    }
}

/// The last line that says something, standard error's first.
fn last_words(output: &Captured) -> String {
    let last = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    };
    let Some(line) = last(&output.stderr).or_else(|| last(&output.stdout)) else { return String::new() };
    let line = sre_core::redact::text(&line).into_owned();
    let line: String = width::clean(&line).chars().take(200).collect();
    format!(": {line}")
}
