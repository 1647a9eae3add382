//! The receivers against scripted and real services, and their messages against the limits of each.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod chats;
mod command;
#[cfg(feature = "pipeline")]
mod crash;
mod delivery;
mod digest;
#[cfg(feature = "email")]
mod email;
#[cfg(feature = "server")]
mod inbound;
mod limits;
#[cfg(feature = "pipeline")]
mod once;
mod pagerduty;
mod peers;
#[cfg(feature = "pipeline")]
mod pipeline;
mod receiver;
mod receivers;
mod remediation;
#[cfg(feature = "pipeline")]
mod storm;
mod webhook;
#[cfg(all(feature = "server", feature = "pipeline"))]
mod whole;
