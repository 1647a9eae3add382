//! Integration tests of sre-core.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod atomic;
mod cli;
mod config;
mod ensure;
mod http;
mod lock;
mod logging;
mod process;
