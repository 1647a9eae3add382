//! PagerDuty, Events API v2: trigger, acknowledge, resolve.
//!
//! [`PagerDuty`] sends one event a notification, always with a dedup key, so that PagerDuty merges what is sent twice
//! and closes what it opened. Source of every rule here: <https://developer.pagerduty.com/docs/send-alert-event>.
//!
//! | notification | event |
//! | --- | --- |
//! | firing, acknowledged, resolved | `trigger`, `acknowledge`, `resolve` |
//! | identity: key, or a hash of source and title | `dedup_key`; one over 255 characters is cut and gets its hash as the end |
//! | title | `summary`, at most 1,024 characters |
//! | source, or else `sre-alerts` | `source` |
//! | severity, time | `severity`, `timestamp` |
//! | labels `component` or `service`, `group` or `cluster`, `class` or `alertname` | `component`, `group`, `class` |
//! | text, fields, labels | `custom_details`, as far as the event stays under 512 KB |
//! | link, the alerts' links | `links` |
//!
//! ```no_run
//! # async fn run(client: sre_core::http::Client) -> Result<(), sre_alerts::Error> {
//! use sre_alerts::{Event, Notification, Notifier, pagerduty::PagerDuty};
//! use sre_core::{Secret, Severity};
//!
//! let pager = PagerDuty::new(client, Secret::new("e93facc04764012d7bfb002500d5d1a6"))?;
//! let down = Notification::new(Severity::Critical, "api is down").key("http:api").source("prober-1");
//! pager.notify(&down).await?;
//! pager.notify(&down.event(Event::Resolved)).await?;
//! # Ok(()) }
//! ```

mod events;
mod message;

pub use events::PagerDuty;
