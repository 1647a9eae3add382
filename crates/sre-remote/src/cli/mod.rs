//! The flags of every tool that works on a fleet: which hosts ([`HostArgs`]), and how they are reached
//! ([`ConnectArgs`]). Flatten them into the tool's own arguments; `-w`, `-x`, `-g` and `-i` are taken then.
//!
//! ```
//! use clap::Parser;
//! use sre_remote::cli::{ConnectArgs, HostArgs};
//!
//! #[derive(Parser)]
//! struct Args {
//!     #[command(flatten)]
//!     hosts: HostArgs,
//!     #[command(flatten)]
//!     connect: ConnectArgs,
//! }
//!
//! let args = Args::try_parse_from(["tool", "-w", "web-[01-20]", "-x", "web-07", "--username", "sre"])?;
//! let hosts = args.hosts.select(std::io::empty())?;
//! assert_eq!((hosts.len(), hosts[6].name()), (19, "web-08"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod by_host;
mod connect;
mod error;
mod hosts;

pub use connect::{ConnectArgs, Surroundings, TransportKind};
pub use error::Error;
pub use hosts::HostArgs;
