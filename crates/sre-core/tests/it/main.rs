//! Integration tests of sre-core.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod atomic;
mod cli;
mod config;
mod http;
mod lock;
mod logging;
mod process;
