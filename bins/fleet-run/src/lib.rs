//! One command on N servers over SSH, in parallel, with every result accounted for.
//!
//! The binary is [`run`] behind a command line ([`cli::Args`]); other programs can embed it the same way.
//!
//! | step | module |
//! | --- | --- |
//! | settings from defaults, file, environment, flags | [`config`], `settings`, `again` |
//! | what is done on each host | `work`, `destructive`, `confirm` |
//! | do it, show it while it happens | `run`, `screen`, `signals`, `view` |
//! | what came of it | `report`, `render` |
//! | keep it | `state`, `audit` |

mod again;
mod audit;
pub mod cli;
pub mod config;
mod confirm;
mod destructive;
mod environment;
mod pen;
mod preview;
mod render;
mod report;
mod run;
mod screen;
mod settings;
mod signals;
mod state;
mod usage;
mod view;
mod work;

pub use environment::Environment;
pub use run::run;
