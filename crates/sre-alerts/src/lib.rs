//! Tells people: notifiers of the SRE toolkit.
//!
//! | need | module |
//! | --- | --- |
//! | say what is wrong, with two identities and limits | [`alert`] |
//! | hand alerts in | [`intake`]: the [`Intake`] trait |
//! | take webhooks and slash commands over HTTP | `inbound` (feature `server`) |
//! | know what a slash command means and who may give it | [`chatops`] |
//! | fix what a known action fixes, within bounds | [`remediation`] |
//! | send to whatever receiver is configured | [`notify`]: the [`Notifier`] trait, one [`Notification`], one [`Receipt`] |
//! | take alerts, decide whom to tell, and lose none (feature `pipeline`) | `pipeline`, with its decisions in `stage` and its disk in `outbox` |
//! | know why a receiver refused, and what to do | [`error`] |
//! | build rich Slack messages that always obey Slack's limits | [`slack`] |
//! | page people | [`pagerduty`], [`alertmanager`] |
//! | write mails, and one a day | `email` (feature `email`), [`mail`], [`digest`] |
//! | tell people in other chats | [`teams`], [`discord`] |
//! | post to a service of your own, signed | [`webhook`], [`signature`] |
//! | run a program, or write a log | [`command`], [`log`] |
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
pub mod alertmanager;
mod answer;
pub mod chatops;
pub mod command;
pub mod digest;
pub mod discord;
#[cfg(feature = "email")]
pub mod email;
mod endpoint;
pub mod error;
pub mod host;
#[cfg(feature = "server")]
pub mod inbound;
pub mod intake;
mod json_lines;
pub mod log;
pub mod mail;
pub mod notify;
#[cfg(feature = "pipeline")]
pub mod outbox;
mod pace;
pub mod pagerduty;
#[cfg(feature = "pipeline")]
pub mod pipeline;
pub mod remediation;
pub mod signature;
pub mod slack;
#[cfg(feature = "pipeline")]
pub mod stage;
pub mod teams;
mod text;
pub mod webhook;

pub use alert::{Alert, DedupKey, Fingerprint, InvalidAlert, Labels, Link, State};
pub use error::{Error, ErrorKind};
pub use host::{HostName, InvalidHostName};
pub use intake::{AcceptFuture, Accepted, Intake, IntakeError, SharedIntake};
pub use json_lines::JsonLines;
pub use notify::{Event, Notification, Notifier, NotifyFuture, Receipt, Resend, SharedNotifier};
