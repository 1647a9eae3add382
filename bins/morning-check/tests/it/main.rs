//! The program from outside: its command line, its report over real and scripted peers, and what every fault does to it.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod cli;
mod docs;
mod end_to_end;
mod faults;
mod interrupt;
mod program;
mod reports;
mod rig;
mod schema;
mod template;
mod terminal;
