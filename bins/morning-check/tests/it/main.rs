//! The program from outside: its command line, its report over real and scripted peers, and what every fault does to it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cli;
mod program;
mod template;
