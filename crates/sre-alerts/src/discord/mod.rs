//! Discord: a channel behind a webhook.
//!
//! A notification becomes one embed in the severity's colour. Nobody is pinged, whatever the words say, and Markdown in
//! them is shown as it is. What is too long is cut off with a mark that says how much.
//!
//! Limits (<https://discord.com/developers/docs/resources/message#embed-object-embed-limits>): title 256 characters,
//! description 4,096, 25 fields of 256 and 1,024, footer 2,048, and 6,000 over all. Five requests in two seconds; a 429
//! says in `retry_after` how long to wait.
//!
//! ```no_run
//! # async fn run(client: sre_core::http::Client) -> Result<(), sre_alerts::Error> {
//! use sre_alerts::{Notification, Notifier, discord::Discord};
//! use sre_core::{Secret, Severity};
//!
//! let discord = Discord::new(client, Secret::new("https://discord.com/api/webhooks/ID/TOKEN"))?;
//! discord.notify(&Notification::new(Severity::Warning, "disk /data is 91 % full").field("Host", "db-1")).await?;
//! # Ok(()) }
//! ```

mod embed;
mod webhook;

pub use webhook::Discord;
