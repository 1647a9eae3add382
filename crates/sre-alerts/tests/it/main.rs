//! The Slack notifier against scripted receivers, and its messages against Slack's limits.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod delivery;
#[cfg(feature = "server")]
mod inbound;
mod limits;
mod receiver;
