//! Writes notifications to a handed-in output: for dry runs, tests, and logs that something else reads.
//!
//! One notification is one line, whatever is in it: text for people, or JSON.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use sre_alerts::{Notification, Notifier, log::Log};
//! use sre_core::Severity;
//!
//! let log = Log::text(std::io::sink());
//! let n = Notification::new(Severity::Critical, "api is down").key("http:api").field("Host", "web-03");
//! assert_eq!(Log::line(&n), "CRITICAL: api is down [http:api] Host=\"web-03\"");
//! log.notify(&n).await?;
//! # Ok::<(), sre_alerts::Error>(()) });
//! ```

use std::fmt;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use sre_core::output::width;
use sre_core::{Delivery, RetryHint, SharedClock, SystemClock, Target};

use crate::error::{Error, ErrorKind};
use crate::notify::{Notification, Notifier, NotifyFuture, Receipt};

/// A log; see the [module](self). Clones share the output.
#[derive(Clone)]
pub struct Log {
    output: Arc<Mutex<dyn Write + Send>>,
    json: bool,
    target: Target,
    clock: SharedClock,
}

// === impl Log ===

impl Log {
    /// Lines for people.
    pub fn text(output: impl Write + Send + 'static) -> Self {
        Self {
            output: Arc::new(Mutex::new(output)),
            json: false,
            target: Target::new("log"),
            clock: SystemClock::shared(),
        }
    }

    /// A JSON object a line: the [`Notification`].
    pub fn json(output: impl Write + Send + 'static) -> Self {
        Self { json: true, ..Self::text(output) }
    }

    /// The name shown in receipts and errors instead of `log`.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.target = Target::new(name);
        self
    }

    /// The line for people, without its end.
    #[must_use]
    pub fn line(n: &Notification) -> String {
        let mut line = n.at.map(|at| format!("{at} ")).unwrap_or_default() + &n.subject();
        if !n.key.is_empty() {
            let _ = write!(line, " [{}]", width::clean(&n.key));
        }
        // Writing to a String cannot fail.
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                let _ = write!(line, " {}={:?}", width::clean(name), width::clean(value));
            }
        };
        add("source", &n.source);
        for (name, value) in &n.labels {
            add(name, value);
        }
        for (name, value) in &n.fields {
            add(name, value);
        }
        add("text", &n.text);
        add("link", n.link.as_deref().unwrap_or_default());
        line
    }

    fn failed(&self, error: io::Error) -> Error {
        let e = Error::new(ErrorKind::Output, self.target.clone()).with_detail(error.to_string());
        e.with_delivery(Delivery::MaybeSent).with_hint(RetryHint::Backoff).with_source(error)
    }
}

impl Notifier for Log {
    fn kind(&self) -> &'static str {
        "log"
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move {
            let started = self.clock.instant();
            let line = if self.json { serde_json::to_string(notification) } else { Ok(Self::line(notification)) };
            let line = line.map_err(|e| self.failed(e.into()))? + "\n";
            let output = Arc::clone(&self.output);
            // A pipe that nobody reads blocks; that must not hold up the others.
            let written = tokio::task::spawn_blocking(move || {
                let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
                output.write_all(line.as_bytes()).and_then(|()| output.flush())
            });
            written.await.map_err(io::Error::other).flatten().map_err(|e| self.failed(e))?;
            Ok(Receipt::new(self.target.clone(), 1, 1, self.clock.instant() - started))
        })
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("json", &self.json).field("target", &self.target).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sre_core::{Classify, Severity};

    use super::*;

    #[derive(Debug, Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn one_notification_is_one_line() {
        let n =
            Notification::new(Severity::Error, "a\nERROR: forged").text("two\nlines \u{1b}[31m").label("env", "prod");
        for (json, make) in [(false, Log::text as fn(Page) -> Log), (true, Log::json)] {
            let page = Page::default();
            let log = make(page.clone());
            log.notify(&n).await.unwrap();
            log.clone().notify(&n).await.unwrap();
            let written = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
            assert_eq!(written.lines().count(), 2, "{written}");
            assert!(!written.contains('\u{1b}'));
            if json {
                assert_eq!(serde_json::from_str::<Notification>(written.lines().next().unwrap()).unwrap(), n);
            }
        }
    }

    #[tokio::test]
    async fn a_full_disk_is_a_reason_to_try_again() {
        let full = Log::text(std::fs::File::options().write(true).open("/dev/full").unwrap()).named("audit");
        let e = full.notify(&Notification::test()).await.unwrap_err();
        assert_eq!((e.kind(), e.retry_hint(), e.kind().is_permanent()), (ErrorKind::Output, RetryHint::Backoff, false));
        assert!(e.to_string().starts_with("write failure from audit: No space left"), "{e}");
    }
}
