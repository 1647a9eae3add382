//! `sre-remote` as its users see it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod deploy;
mod facts;
mod inventory;
mod known_hosts;
mod local;
mod nodeset;
mod openssh;
mod public_api;
mod rollout;
mod shell_session;
mod ssh_basic;
mod ssh_config;
mod transfer;
mod transfer_ssh;
