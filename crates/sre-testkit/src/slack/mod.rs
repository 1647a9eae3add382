//! A Slack incoming webhook that is as strict as Slack: what breaks a limit is refused with Slack's own words.
//!
//! ```
//! use sre_testkit::peers::request;
//! use sre_testkit::slack::SlackWebhook;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let slack = SlackWebhook::start().await;
//! let post = async |body: &str| {
//!     request(&slack.addr(), "POST", slack.path(), &[("content-type", "application/json")], body).await.unwrap()
//! };
//! assert_eq!(post(r#"{"text": "all is well"}"#).await.body, "ok");
//! assert_eq!(post(r#"{"text": ""}"#).await.body, "no_text");
//! slack.rate_limit_next(std::time::Duration::from_secs(3));
//! assert_eq!(post(r#"{"text": "later"}"#).await.status, 429);
//! assert_eq!(slack.messages()[0]["text"], "all is well");
//! assert_eq!(slack.refused().len(), 2);
//! # });
//! ```

mod limits;
mod webhook;

pub use limits::refusal;
pub use webhook::{Slack, SlackWebhook};
