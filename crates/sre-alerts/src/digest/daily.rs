//! Sends the digest: every day at its time, once, and also after the program was away or the mail server was.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sre_core::chain::ErrorChain;
use sre_core::{RetryPolicy, SharedClock, atomic};

use super::gather::Digest;
use super::moment::TimeOfDay;
use crate::mail::SharedMailer;

/// What [`Source::digest`] returns; the text says what is wrong.
pub type SourceFuture<'a> = Pin<Box<dyn Future<Output = Result<Digest, String>> + Send + 'a>>;

/// Who knows what happened: the pipeline.
pub trait Source: fmt::Debug + Send + Sync {
    /// What happened from then (included) until then (not included).
    ///
    /// # Errors
    /// The history cannot be read.
    fn digest<'a>(&'a self, from: Timestamp, to: Timestamp, at: &'a TimeOfDay) -> SourceFuture<'a>;
}

/// A mail a day about what fired, was resolved, was suppressed and could not be sent since the last one.
///
/// The moment up to which the last digest went is in a file. So a digest that was missed, or that could not be sent
/// until the next one was due, is made up for by one mail about all of that time. One is sent twice only if the process
/// died between the mail server's word and the next write; both have the same `X-Dedup-Key`.
///
/// The first digest ever begins when [`run`](Self::run) is called first.
#[derive(Debug)]
pub struct Daily {
    source: Arc<dyn Source>,
    mailer: SharedMailer,
    at: TimeOfDay,
    file: PathBuf,
    clock: SharedClock,
    retry: RetryPolicy,
}

/// The wall clock may be set, and a machine may sleep: it is looked at so often.
const LOOK: Duration = Duration::from_secs(30);
/// After a failure: within this, then within twice as long, and so on.
const FIRST_RETRY: Duration = Duration::from_secs(60);
/// The longest wait after failures.
const LAST_RETRY: Duration = Duration::from_secs(3600);

// === impl Daily ===

impl Daily {
    /// A digest of what `source` knows, by `mailer`, every day `at`. `file` is where the moment of the last one is kept,
    /// beside the store for instance; it is made where it is missing.
    pub fn new(
        source: Arc<dyn Source>,
        mailer: SharedMailer,
        at: TimeOfDay,
        file: impl Into<PathBuf>,
        clock: SharedClock,
    ) -> Self {
        let retry = RetryPolicy::builder().base(FIRST_RETRY).cap(LAST_RETRY).build().unwrap_or_default();
        Self { source, mailer, at, file: file.into(), clock, retry }
    }

    /// Sends digests until the future is dropped. What fails is logged, and tried again within an hour at most.
    ///
    /// # Errors
    /// When the file cannot be read or written at the start: without it digests would be lost or sent twice.
    ///
    /// # Cancel safety
    /// Dropping the future while a mail is on its way may send that digest again after the next start.
    pub async fn run(self) -> io::Result<()> {
        let mut last = self.begin()?;
        let mut failures = 0;
        loop {
            let now = self.clock.now();
            let due = self.at.last(now);
            let wait = if due <= last {
                failures = 0;
                now.duration_until(self.at.next(now)).try_into().unwrap_or(LOOK).min(LOOK)
            } else {
                match self.send(last, due).await {
                    Ok(()) => {
                        last = due;
                        continue;
                    }
                    Err(why) => {
                        tracing::error!(from = %last, to = %due, why, "the digest was not sent");
                        failures += 1;
                        self.retry.jittered_delay(failures - 1).max(FIRST_RETRY / 2)
                    }
                }
            };
            self.clock.sleep(wait).await;
        }
    }

    async fn send(&self, from: Timestamp, to: Timestamp) -> Result<(), String> {
        let digest = self.source.digest(from, to, &self.at).await?;
        let mail = digest.mail();
        let receipt = self.mailer.mail(&mail).await.map_err(|e| ErrorChain(&e).to_string())?;
        tracing::info!(target = %receipt.target, subject = mail.subject, "the digest was sent");
        // It was sent: that it cannot be written down must not send it again now.
        if let Err(error) = write(&self.file, to) {
            tracing::error!(error = %ErrorChain(&error), "the moment of the digest cannot be kept");
        }
        Ok(())
    }

    /// Up to when the last one went.
    fn begin(&self) -> io::Result<Timestamp> {
        match fs::read_to_string(&self.file) {
            Ok(text) => text.trim().parse().map_err(|e| {
                let why = format!("{} has no moment: {e}", self.file.display());
                io::Error::new(io::ErrorKind::InvalidData, why)
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let now = self.clock.now();
                write(&self.file, now).map_err(io::Error::other)?;
                Ok(now)
            }
            Err(e) => Err(e),
        }
    }
}

fn write(file: &Path, moment: Timestamp) -> Result<(), sre_core::path_error::PathError> {
    atomic::write(file, format!("{moment}\n").as_bytes())
}
