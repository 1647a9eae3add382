//! The daily digest: what fired, was resolved, was suppressed and could not be sent, in one mail.
//!
//! [`Daily`] sends it at a [`TimeOfDay`]: the pipeline is its [`Source`], an email receiver its
//! [`Mailer`](crate::mail::Mailer). A [`Digest`] itself is pure: records of the history go in, a
//! [`Mail`](crate::mail::Mail) or a [`Notification`](crate::Notification) comes out. The same problem is one line, with
//! how often and from when to when; the most urgent come first.
//!
//! ```
//! use jiff::{Timestamp, tz::TimeZone};
//! use sre_alerts::digest::{self, Digest, Outcome, Record};
//! use sre_core::Severity;
//!
//! let noon: Timestamp = "2026-03-23T12:00:00Z".parse()?;
//! let (from, to) = digest::day_before(&"2026-03-24T07:00:00Z".parse::<Timestamp>()?.to_zoned(TimeZone::UTC));
//! let mut digest = Digest::new(from, to, TimeZone::UTC);
//! digest.add(Record::new(noon, Outcome::Fired, "http:api", Severity::Critical, "api is down"));
//! digest.add(Record::new(noon, Outcome::Resolved, "http:api", Severity::Critical, "api is down"));
//! assert_eq!(digest.title(), "Digest of 2026-03-23: 1 fired, 1 resolved, 0 suppressed, 0 not sent");
//! assert!(digest.mail().text.contains("critical  12:00  api is down"));
//! # Ok::<(), jiff::Error>(())
//! ```

mod daily;
mod gather;
#[cfg(feature = "pipeline")]
mod history;
mod moment;
mod render;

pub use daily::{Daily, Source, SourceFuture};
pub use gather::{Digest, Outcome, Record, day_before};
pub use moment::TimeOfDay;
