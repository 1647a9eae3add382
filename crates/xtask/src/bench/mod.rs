//! `cargo xtask bench`: our binaries beside what people use today, on the same servers, in one interleaved run.
//!
//! Every figure is what the operating system says about the client's whole process tree; the servers run beside it
//! on loopback and are not counted. Answers are compared as well: a fast wrong answer fails the benchmark.

mod alerts;
mod answers;
mod contender;
mod document;
mod fleet;
mod memory;
mod morning_check;
mod processes;
mod sample;
mod servers;

pub(crate) use alerts::{Options as AlertsOptions, run as alerts};
pub(crate) use fleet::{Options as FleetOptions, run as fleet_run};
pub(crate) use morning_check::{Options, run as morning_check};
