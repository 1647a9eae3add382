//! The program from outside: its command line, its reports over a real SSH server, and what faults do to it.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod cli;
mod faults;
mod interrupt;
mod reports;
mod retry;
mod rig;
mod terminal;
