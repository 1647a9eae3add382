//! A Discord webhook that is as strict as Discord: what breaks a limit is refused, and says which field it was.
//!
//! ```
//! use sre_testkit::discord::DiscordWebhook;
//! use sre_testkit::peers::request;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let discord = DiscordWebhook::start().await;
//! let post = async |body: &str| {
//!     let path = format!("{}?wait=true", discord.path());
//!     request(&discord.addr(), "POST", &path, &[("content-type", "application/json")], body).await.unwrap()
//! };
//! assert!(post(r#"{"content": "all is well"}"#).await.body.contains("\"id\""));
//! assert_eq!(post("{}").await.status, 400);
//! discord.rate_limit_next(std::time::Duration::from_millis(650));
//! assert!(post(r#"{"content": "later"}"#).await.body.contains("\"retry_after\":0.65"));
//! assert_eq!((discord.messages().len(), discord.refused().len()), (1, 2));
//! # });
//! ```

mod limits;
mod webhook;

pub use limits::refusal;
pub use webhook::{Channel, DiscordWebhook};
