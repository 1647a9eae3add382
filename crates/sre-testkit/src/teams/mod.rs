//! A Teams workflow ("when a Teams webhook request is received") that takes the Adaptive Cards that Teams shows, and
//! refuses the others. Told so, it answers as the older connectors did: 200, with the failure in words.
//!
//! ```
//! use sre_testkit::peers::request;
//! use sre_testkit::teams::TeamsWorkflow;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let teams = TeamsWorkflow::start().await;
//! let post = async |body: serde_json::Value| {
//!     let headers = [("content-type", "application/json")];
//!     request(&teams.addr(), "POST", teams.path(), &headers, &body.to_string()).await.unwrap().status
//! };
//! let card = |text: &str| serde_json::json!({ "type": "message", "attachments": [{
//!     "contentType": "application/vnd.microsoft.card.adaptive",
//!     "content": { "type": "AdaptiveCard", "version": "1.4", "body": [{ "type": "TextBlock", "text": text }] },
//! }]});
//! assert_eq!(post(card("all is well")).await, 202);
//! assert_eq!(post(card(&"a".repeat(28 * 1024))).await, 413);
//! assert_eq!(post(serde_json::json!({ "text": "an old message card" })).await, 400);
//! assert_eq!((teams.messages().len(), teams.refused().len()), (1, 2));
//! # });
//! ```

mod limits;
mod workflow;

pub use limits::refusal;
pub use workflow::{TeamsWorkflow, Workflow};
