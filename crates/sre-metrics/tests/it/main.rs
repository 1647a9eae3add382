//! The clients and the survey against Debian's Prometheus and Alertmanager, and against scripted servers that fail.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod real_alertmanager;
mod real_prometheus;
mod rig;
mod surveys;
