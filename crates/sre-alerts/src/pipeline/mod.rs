//! From alert to notification: nothing lost, nothing sent twice, nobody spammed.
//!
//! [`Pipeline`] is the running thing: it takes alerts ([`Intake`](crate::Intake)), decides what comes of each
//! ([`stage`](crate::stage)), keeps on disk what must not be lost ([`outbox`](crate::outbox)) and hands notifications to
//! receivers ([`Notifier`](crate::Notifier)), each at its own pace.
//!
//! ```
//! use std::{collections::BTreeMap, sync::Arc, time::Duration};
//! use sre_alerts::pipeline::{Config, Pipeline};
//! use sre_alerts::stage::RouteConfig;
//! use sre_alerts::{Alert, Intake, SharedNotifier};
//! use sre_core::{Clock, Severity, SystemClock};
//! # use sre_alerts::{Notification, Notifier, NotifyFuture, Receipt};
//! # #[derive(Debug)] struct Chat(sre_core::Target);
//! # impl Notifier for Chat {
//! #     fn kind(&self) -> &'static str { "chat" }
//! #     fn target(&self) -> &sre_core::Target { &self.0 }
//! #     fn notify<'a>(&'a self, _: &'a Notification) -> NotifyFuture<'a> {
//! #         Box::pin(async { Ok(Receipt::new(self.0.clone(), 1, 1, Duration::ZERO)) })
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let store = folder.path().join("alerts.db");
//! # let chat: SharedNotifier = Arc::new(Chat(sre_core::Target::new("chat")));
//! let mut config = Config::default();
//! config.routes = vec![RouteConfig::new("all", ["chat"]).grouping(Duration::ZERO, Duration::ZERO)];
//! let pipeline = Pipeline::open(config, store, BTreeMap::from([("chat".to_owned(), chat)]), SystemClock::shared())?;
//!
//! let alert = Alert::builder(Severity::Critical, "api is down").starts_at(SystemClock.now()).build()?;
//! println!("{}", pipeline.explain(&alert).await?);
//! pipeline.accept(vec![alert]).await?; // on disk from here on
//! pipeline.shutdown(Duration::from_secs(10)).await;
//! assert_eq!(pipeline.counts().accepted, 1);
//! # Ok(()) }
//! ```
//!
//! # What is promised
//! - When [`accept`](crate::Intake::accept) answers, the alerts are on disk: a crash, `kill -9` or power cut loses none.
//!   Many callers share one write to disk.
//! - A receiver is told at least once. It is told twice only if the process died, or the store failed, between the
//!   receiver's answer and the next write; both times with the same key.
//! - A receiver that is slow, down or paced delays no other, and gets what gathered meanwhile in few messages.
//! - One notification that fails again and again delays no other, but later ones of the same group.
//! - Setting the clock neither loses nor repeats anything.
//! - A restart changes nothing of who is told of what and when, but for what was on its way.
//! - What this version cannot read (another one wrote it) holds up nothing else: such an alert is closed as
//!   `unreadable`, such a notification goes to the dead letters.

mod active;
mod arrival;
mod arrive;
#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod clocks;
mod compose;
mod config;
mod counters;
mod deliver;
mod engine;
mod error;
#[cfg(test)]
mod explained;
#[cfg(test)]
mod failing;
mod flush;
mod groups;
#[cfg(test)]
mod instant;
mod outcome;
#[cfg(test)]
mod poisoned;
#[cfg(test)]
mod properties;
mod receivers;
mod recover;
#[cfg(test)]
mod resent;
mod revive;
#[cfg(test)]
mod revived;
mod rounds;
mod service;
#[cfg(test)]
mod sim;
#[cfg(test)]
mod storm;
mod template;
mod upkeep;
mod work;

pub use config::{Config, Delivery, Limits};
pub use counters::Counts;
pub use error::{Error, ErrorKind, InvalidConfig};
pub use service::Pipeline;
pub use template::TemplateConfig;
