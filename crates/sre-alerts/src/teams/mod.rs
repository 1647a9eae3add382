//! Microsoft Teams: a channel behind a workflow that posts what a webhook gets.
//!
//! The URL is that of a workflow of the kind "when a Teams webhook request is received"; it carries a signature and is a
//! secret. A notification becomes one Adaptive Card: title, text line by line, facts, a button for the link. Other
//! people's words are never taken for markup.
//!
//! Limits: a message has about 28 KB, counted in ways that make 21 KB fail at times, so a card stays under 20,000 bytes
//! and says what it left out; four requests a second
//! (<https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>).
//! A workflow answers 202. The older connectors answer 200, also when they failed: then the words of the answer decide.
//!
//! ```no_run
//! # async fn run(client: sre_core::http::Client) -> Result<(), sre_alerts::Error> {
//! use sre_alerts::{Notification, Notifier, teams::Teams};
//! use sre_core::{Secret, Severity};
//!
//! let teams = Teams::new(client, Secret::new("https://prod-07.westeurope.logic.azure.com/workflows/…?sig=…"))?;
//! teams.notify(&Notification::new(Severity::Warning, "disk /data is 91 % full").field("Host", "db-1")).await?;
//! # Ok(()) }
//! ```

mod card;
mod workflow;

pub use workflow::Teams;
