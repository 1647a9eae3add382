//! A rolling deployment: batches, health gates, abort, rollback, resume.
//!
//! The binary is [`run`] behind a command line ([`cli::Args`]); other programs can embed it the same way. What decides
//! and what acts is [`sre_remote::rollout`] and [`sre_remote::deploy`]; here are the flags, the clients that the gate asks with,
//! the view, and the simulation, which is the same engine over a transport that only pretends.
//!
//! | step | module |
//! | --- | --- |
//! | plan and flags | `settings` |
//! | what reaches hosts, URLs and Prometheus | `effects`, `probe`, [`simulate`] |
//! | one run: journal, signals, end | `run`, `signals` |
//! | what people see | `view`, `screen`, `overview`, [`report`] |

pub mod cli;
mod dry_run;
mod effects;
mod environment;
mod overview;
mod probe;
pub mod report;
mod run;
mod screen;
mod settings;
mod signals;
pub mod simulate;
mod usage;
mod view;

pub use environment::Environment;
pub use run::run;
