//! Tells people: notifiers of the SRE toolkit.
//!
//! | need | module |
//! | --- | --- |
//! | say what is wrong, with two identities and limits | [`alert`] |
//! | hand alerts in | [`intake`]: the [`Intake`] trait |
//! | take webhooks and slash commands over HTTP | `inbound` (feature `server`) |
//! | send to whatever receiver is configured | [`notify`]: the [`Notifier`] trait, one [`Notification`], one [`Receipt`] |
//! | know why a receiver refused, and what to do | [`error`] |
//! | build rich Slack messages that always obey Slack's limits | [`slack`] |
//! | post to a service of your own, signed | [`webhook`], [`signature`] |
//!
//! ```no_run
//! # async fn run(client: sre_core::http::Client) -> Result<(), sre_alerts::Error> {
//! use sre_alerts::{Notification, Notifier, slack::SlackWebhook};
//! use sre_core::{Secret, Severity};
//!
//! let slack = SlackWebhook::new(client, Secret::new("https://hooks.slack.com/services/…"))?;
//! let receipt = slack.notify(&Notification::new(Severity::Warning, "disk /data is 91 % full")).await?;
//! assert_eq!(receipt.parts, 1);
//! # Ok(()) }
//! ```

pub mod alert;
mod answer;
mod endpoint;
pub mod error;
#[cfg(feature = "server")]
pub mod inbound;
pub mod intake;
pub mod notify;
mod pace;
pub mod signature;
pub mod slack;
mod text;
pub mod webhook;

pub use alert::{Alert, DedupKey, Fingerprint, InvalidAlert, Labels, Link, State};
pub use error::{Error, ErrorKind};
pub use intake::{AcceptFuture, Accepted, Intake, IntakeError, SharedIntake};
pub use notify::{Event, Notification, Notifier, NotifyFuture, Receipt, Resend, SharedNotifier};
