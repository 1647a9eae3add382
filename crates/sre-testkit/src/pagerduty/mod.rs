//! A PagerDuty Events API v2 that is as strict as PagerDuty, and keeps incidents as it does.
//!
//! ```
//! use sre_testkit::pagerduty::{PagerDuty, ROUTING_KEY, State};
//! use sre_testkit::peers::request;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let pager = PagerDuty::start().await;
//! let post = async |body: serde_json::Value| {
//!     let headers = [("content-type", "application/json")];
//!     request(&pager.addr(), "POST", "/v2/enqueue", &headers, &body.to_string()).await.unwrap().status
//! };
//! let payload = serde_json::json!({ "summary": "api is down", "source": "prober", "severity": "critical" });
//! let event = |action| serde_json::json!({
//!     "routing_key": ROUTING_KEY, "event_action": action, "dedup_key": "api", "payload": payload,
//! });
//! assert_eq!(post(event("trigger")).await, 202);
//! assert_eq!(post(event("trigger")).await, 202); // merged with the first
//! assert_eq!(post(event("resolve")).await, 202);
//! assert_eq!(post(event("page")).await, 400);
//! assert_eq!(pager.incidents().len(), 1);
//! assert_eq!(pager.incidents()[0].state, State::Resolved);
//! # });
//! ```

mod api;
mod limits;

pub use api::{Events, Incident, PagerDuty, ROUTING_KEY, State};
pub use limits::refusal;
