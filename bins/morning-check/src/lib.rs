//! One verdict over Kubernetes, Prometheus, AWS and this host.
//!
//! The binary is [`run`] behind a command line ([`cli::Args`]); other programs can embed it the same way.
//!
//! | step | module |
//! | --- | --- |
//! | settings from defaults, file, environment, flags | [`config`], `settings` |
//! | what will be asked | `plan` |
//! | ask everything side by side, bounded | [`gather`], `sources` |
//! | what was found, what is known already, what is new | [`source`], [`ignore`], [`history`] |
//! | what it means | [`verdict`], [`report`] |
//! | show and send it | [`render`], `deliver` |

pub mod catalogue;
pub mod cli;
pub mod config;
mod deliver;
mod environment;
pub mod gather;
pub mod history;
pub mod ignore;
mod plan;
mod progress;
pub mod render;
pub mod report;
mod run;
mod settings;
pub mod source;
mod sources;
mod subcommands;
pub mod verdict;

pub use environment::{Environment, Zone};
pub use run::run;
