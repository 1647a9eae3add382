//! The one error shape of the workspace: what happened, to whom, after how much trying.
//!
//! A crate names its own kinds in a small fieldless enum and gets the rest from here:
//!
//! ```
//! use std::time::Duration;
//! use sre_core::{Classify, Delivery, ErrorClass, Failure, FailureKind, RetryHint, Target};
//!
//! #[derive(Debug, Clone, Copy, PartialEq, Eq)]
//! #[non_exhaustive]
//! pub enum ErrorKind { NoAnswer, BadQuery }
//!
//! impl FailureKind for ErrorKind {
//!     fn class(self) -> ErrorClass {
//!         match self { Self::NoAnswer => ErrorClass::Connection, Self::BadQuery => ErrorClass::Application }
//!     }
//!     fn as_str(self) -> &'static str {
//!         match self { Self::NoAnswer => "no answer", Self::BadQuery => "query refused" }
//!     }
//! }
//! pub type Error = Failure<ErrorKind>;
//!
//! let e = Error::new(ErrorKind::NoAnswer, Target::new("api.eu.example:6443"))
//!     .with_attempts(3)
//!     .with_elapsed(Duration::from_secs(5))
//!     .with_delivery(Delivery::NotSent)
//!     .with_hint(RetryHint::Backoff);
//! assert_eq!(e.to_string(), "no answer from api.eu.example:6443 (3 attempts, 5s)");
//! assert_eq!(e.class(), ErrorClass::Connection);
//! ```

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::duration;
use crate::error::{Classify, Delivery, ErrorClass, RetryHint};
use crate::output::width;
use crate::redact;
use crate::target::Target;

/// A peer's refusal can be a whole web page.
const LONGEST_DETAIL: usize = 1000;

/// A crate's fieldless list of what can go wrong.
pub trait FailureKind: Copy + fmt::Debug + Send + Sync + 'static {
    /// The class that this kind belongs to.
    fn class(self) -> ErrorClass;
    /// A lower-case fragment that reads well before "from TARGET": `no answer`, `query refused`.
    fn as_str(self) -> &'static str;
}

/// An error with its facts. Opaque and one pointer wide; see the [module](self) for how a crate makes its own.
///
/// `Display` says kind, detail, target, attempts and time, and never repeats the [source](StdError::source).
pub struct Failure<K> {
    inner: Box<Inner<K>>,
}

struct Inner<K> {
    kind: K,
    target: Target,
    detail: String,
    attempts: u32,
    elapsed: Option<Duration>,
    delivery: Delivery,
    hint: RetryHint,
    status: Option<u16>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

// === impl Failure ===

impl<K: FailureKind> Failure<K> {
    /// A failure of `kind` when asking `target`: one attempt, [`Delivery::MaybeSent`], [`RetryHint::Never`].
    #[must_use]
    pub fn new(kind: K, target: Target) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                target,
                detail: String::new(),
                attempts: 1,
                elapsed: None,
                delivery: Delivery::MaybeSent,
                hint: RetryHint::Never,
                status: None,
                source: None,
            }),
        }
    }

    /// What exactly happened, as a lower-case fragment. Peers' words may be in it: it is redacted ([`redact::text`]), put on
    /// one line without control characters, and cut at 1,000 characters.
    #[must_use]
    pub fn with_detail(mut self, detail: impl AsRef<str>) -> Self {
        let detail = redact::text(detail.as_ref());
        let mut detail = width::clean(&detail).into_owned();
        if let Some((end, _)) = detail.char_indices().nth(LONGEST_DETAIL) {
            detail.truncate(end);
            detail.push('…');
        }
        self.inner.detail = detail;
        self
    }

    /// How many times it was tried, the first one included.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.inner.attempts = attempts;
        self
    }

    /// Time spent over all attempts.
    #[must_use]
    pub fn with_elapsed(mut self, elapsed: Duration) -> Self {
        self.inner.elapsed = Some(elapsed);
        self
    }

    /// Whether the request may have had an effect.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.inner.delivery = delivery;
        self
    }

    /// Whether another try is of use.
    #[must_use]
    pub fn with_hint(mut self, hint: RetryHint) -> Self {
        self.inner.hint = hint;
        self
    }

    /// The status code that the peer answered with.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.inner.status = Some(status);
        self
    }

    /// The error underneath.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// What went wrong, as a value to match on.
    pub fn kind(&self) -> K {
        self.inner.kind
    }

    /// Whom we asked.
    pub fn target(&self) -> &Target {
        &self.inner.target
    }

    /// What exactly happened; empty when the kind says it all.
    pub fn detail(&self) -> &str {
        &self.inner.detail
    }

    /// How many times it was tried.
    pub fn attempts(&self) -> u32 {
        self.inner.attempts
    }

    /// Time spent over all attempts, where it was measured.
    pub fn elapsed(&self) -> Option<Duration> {
        self.inner.elapsed
    }

    /// The status code of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        self.inner.status
    }

    /// Turns the kind into another crate's kind and keeps every other fact.
    #[must_use]
    pub fn map_kind<L: FailureKind>(self, f: impl FnOnce(K) -> L) -> Failure<L> {
        let Inner { kind, target, detail, attempts, elapsed, delivery, hint, status, source } = *self.inner;
        let kind = f(kind);
        Failure { inner: Box::new(Inner { kind, target, detail, attempts, elapsed, delivery, hint, status, source }) }
    }
}

impl<K: FailureKind> Classify for Failure<K> {
    fn class(&self) -> ErrorClass {
        self.inner.kind.class()
    }

    fn delivery(&self) -> Delivery {
        self.inner.delivery
    }

    fn retry_hint(&self) -> RetryHint {
        self.inner.hint
    }
}

impl<K: FailureKind> fmt::Display for Failure<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let i = &self.inner;
        write!(f, "{} from {}", i.kind.as_str(), i.target)?;
        if !i.detail.is_empty() {
            write!(f, ": {}", i.detail)?;
        }
        let tries = (i.attempts > 1).then(|| format!("{} attempts", i.attempts));
        let took = i.elapsed.map(|d| duration::format(d).to_string());
        let facts: Vec<String> = tries.into_iter().chain(took).collect();
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        Ok(())
    }
}

impl<K: FailureKind> fmt::Debug for Failure<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let i = &self.inner;
        f.debug_struct("Failure")
            .field("kind", &i.kind)
            .field("target", &i.target)
            .field("detail", &i.detail)
            .field("attempts", &i.attempts)
            .field("elapsed", &i.elapsed)
            .field("delivery", &i.delivery)
            .field("hint", &i.hint)
            .field("status", &i.status)
            .field("source", &i.source.as_ref().map(|s| redact::text(&s.to_string()).into_owned()))
            .finish()
    }
}

impl<K: FailureKind> StdError for Failure<K> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}
