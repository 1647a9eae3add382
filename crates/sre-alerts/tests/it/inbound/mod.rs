//! The server of webhooks, as its callers see it: over real sockets.

mod alertmanager;
mod commands;
mod cut_off;
pub(crate) mod door;
mod log;
mod slack_sdk;
mod statuses;
mod tls;
