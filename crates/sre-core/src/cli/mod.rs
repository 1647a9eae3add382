//! The command line that every tool shares.
//!
//! A tool flattens [`CommonArgs`] into its own arguments and gets `--config`, `--dry-run`, `-v`, `--log-file`,
//! `--log-format`, `--color` and `--timeout`, which mean the same everywhere, before and after a subcommand. `-h`, `-V`, `-v`
//! and `-n` are taken; all other letters are the tool's.
//!
//! ```
//! use std::time::Duration;
//! use clap::Parser;
//! use sre_core::cli::CommonArgs;
//!
//! #[derive(Parser)]
//! #[command(name = "fleet-run")]
//! struct Args {
//!     /// How long a host may take to answer.
//!     #[arg(long, default_value = "5s", value_parser = sre_core::duration::parse)]
//!     connect_timeout: Duration,
//!     #[command(flatten)]
//!     common: CommonArgs,
//! }
//!
//! let args = Args::try_parse_from(["fleet-run", "-nvv", "--timeout", "1m30s"])?;
//! assert!(args.common.dry_run);
//! assert_eq!((args.common.verbose, args.common.timeout), (2, Some(Duration::from_secs(90))));
//! assert_eq!(args.connect_timeout, Duration::from_secs(5));
//!
//! let error = Args::try_parse_from(["fleet-run", "--timeout", "soon"]).map(|_| ()).unwrap_err();
//! assert!(error.to_string().contains("write 30s, 2m, 1h30m, or a number of seconds"));
//! # Ok::<(), clap::Error>(())
//! ```

mod args;
mod pages;

pub use args::CommonArgs;
pub use pages::{exit_code, write_pages};
