//! The door into the pipeline: whoever has alerts hands them to an [`Intake`].
//!
//! Webhooks, commands and the remediation's escalations all end here. The pipeline's engine implements the trait; so
//! does whatever stands in front of it.
//!
//! ```
//! use jiff::Timestamp;
//! use sre_alerts::{Accepted, AcceptFuture, Alert, Intake};
//! use sre_core::Severity;
//!
//! #[derive(Debug)]
//! struct Nowhere;
//! impl Intake for Nowhere {
//!     fn accept(&self, alerts: Vec<Alert>) -> AcceptFuture<'_> {
//!         Box::pin(async move { Ok(Accepted::new(alerts.len())) })
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let alert = Alert::builder(Severity::Warning, "disk /data is 91 % full").starts_at(Timestamp::UNIX_EPOCH).build()?;
//! assert_eq!(Nowhere.accept(vec![alert]).await?.alerts, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::alert::{Alert, InvalidAlert};

/// What [`Intake::accept`] returns.
pub type AcceptFuture<'a> = Pin<Box<dyn Future<Output = Result<Accepted, IntakeError>> + Send + 'a>>;

/// An intake that many tasks share.
pub type SharedIntake = Arc<dyn Intake>;

/// Takes alerts over.
pub trait Intake: fmt::Debug + Send + Sync {
    /// Takes all of these, or none.
    ///
    /// `Ok` means that they are safe: a crash right afterwards does not lose them. What is decided about them (route,
    /// silence, group) happens later.
    ///
    /// # Errors
    /// [`IntakeError::Full`] when there is no room now; the others say that trying again is of no use at once, and after
    /// [`IntakeError::Invalid`] never.
    ///
    /// # Cancel safety
    /// A future that is dropped may or may not have taken them. Their dedup keys make it harmless to hand them in again.
    fn accept(&self, alerts: Vec<Alert>) -> AcceptFuture<'_>;
}

/// What was taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Accepted {
    /// How many alerts.
    pub alerts: usize,
}

/// Why nothing was taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// There is no room; come back after this long.
    #[error("the queue is full")]
    Full {
        /// When there may be room.
        retry_after: Duration,
    },
    /// It is shutting down.
    #[error("shutting down")]
    Closed,
    /// One of them cannot be taken, and so none is.
    #[error("alert {index}: {error}")]
    Invalid {
        /// Its place, counted from 0.
        index: usize,
        /// Which field, and why.
        error: InvalidAlert,
    },
    /// They could not be stored; the text says why.
    #[error("cannot store alerts: {0}")]
    Storage(String),
}

// === impl Accepted ===

impl Accepted {
    /// That many alerts were taken over; intakes make these.
    #[must_use]
    pub fn new(alerts: usize) -> Self {
        Self { alerts }
    }
}
