//! Real servers, each started for one test on a free port of 127.0.0.1 and killed with its guard.
//!
//! They come from Debian and PyPI; `cargo xtask peers` installs them. A missing one is a failed test that says so.
//! They live by the wall clock: do not use them under a paused tokio clock.
//!
//! ```no_run
//! use sre_testkit::peers::{NodeExporter, Prometheus};
//!
//! # async fn example() {
//! let exporter = NodeExporter::start().await;
//! let prometheus = Prometheus::builder()
//!     .scrape("node", &exporter.addr())
//!     .rules("groups: [{name: g, rules: [{alert: Always, expr: vector(1), labels: {severity: critical}}]}]")
//!     .start()
//!     .await;
//! prometheus.wait_for_alert("Always").await;
//! prometheus.wait_for("up{job=\"node\"} == 1").await;
//! # }
//! ```

mod alertmanager;
mod launch;
mod moto;
mod node_exporter;
mod plain_http;
mod prometheus;
mod smtp;

pub use alertmanager::Alertmanager;
pub use launch::program;
pub use moto::Moto;
pub use node_exporter::NodeExporter;
pub use plain_http::{Answer, request};
pub use prometheus::{Prometheus, PrometheusBuilder};
pub use smtp::{Received, Smtp, SmtpSecurity};
