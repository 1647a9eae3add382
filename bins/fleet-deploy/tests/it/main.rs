//! The program from outside: its command line, simulated rollouts, kills at any moment, and real SSH servers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod cli;
mod docs;
mod kills;
mod program;
mod real;
mod simulated;
