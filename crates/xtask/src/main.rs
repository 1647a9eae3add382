//! The workspace's own chores, run as `cargo xtask <chore>`.
//!
//! Kept free of the workspace's libraries, so that it is built in seconds on a fresh clone.
#![expect(clippy::print_stdout, reason = "a developer's tool: what it does is its output")]

mod bench;
mod checks;
mod cli;
mod dist;
mod fuzz;
mod peers;
mod place;
mod soak;
mod step;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::run(&cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
