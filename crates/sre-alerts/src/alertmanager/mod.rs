//! Alertmanager, API v2: every alert to every peer.
//!
//! The peers of an Alertmanager cluster tell each other of silences and of what they sent, but not of alerts: each must
//! be told (<https://prometheus.io/docs/alerting/latest/alertmanager/#high-availability>). [`Alertmanager`] posts to all
//! of them at once.
//!
//! - **Success** is that at least one peer took the alerts, as for Prometheus: that one notifies people. Peers that did
//!   not, or not within 3 seconds after that, are logged, and get them with the next reminder; [`Receipt::parts`](crate::Receipt::parts) says how many did.
//!   When none did, the notification failed, and may be tried again unless every peer refused it for good.
//! - Alertmanager forgets what it is not reminded of. A firing alert is posted with an end four reminders from now, so
//!   [`resend`](crate::Notifier::resend) asks for one a minute, and for five minutes of them after it was resolved.
//! - It is given every alert, at most 500 in a post ([`carries`](crate::Notifier::carries)).
//!
//! An alert's labels are its own and, where it has none of these names, `alertname` (its title), `severity`, `source`
//! and `dedup_key` (an explicit one). They are its identity there. Title, message, fields are the annotations
//! `summary`, `description` and one for each field. The first link is the `generatorURL`. A notification that speaks of
//! no alerts is posted as one.
//!
//! ```no_run
//! # async fn run(client: sre_core::http::Client) -> Result<(), sre_alerts::Error> {
//! use sre_alerts::{Notification, Notifier, alertmanager::Alertmanager};
//! use sre_core::{Secret, Severity};
//!
//! let peers = ["http://am-1.example:9093", "http://am-2.example:9093"].map(Secret::new);
//! let alertmanager = Alertmanager::new(client, peers)?;
//! let n = Notification::new(Severity::Critical, "api is down").label("alertname", "ApiDown");
//! assert_eq!(alertmanager.notify(&n).await?.parts, 2);
//! # Ok(()) }
//! ```

mod peers;
mod posted;

pub use peers::Alertmanager;
