//! Fleets over SSH: who they are, how they are reached, what runs there, and one result a host, whatever happened.
//!
//! | need | module |
//! | --- | --- |
//! | a host and what the inventory says of it | [`Host`] |
//! | who the fleet is, and which part of it is meant | [`inventory`] |
//! | a way to reach hosts | [`transport`], [`ssh`], [`openssh`], [`local`] |
//! | which key a host has: `known_hosts` | [`known_hosts`] |
//! | what `~/.ssh/config` says of a host | [`ssh_config`] |
//! | what to run there | [`Command`], [`ExecContext`], [`Exit`] |
//! | that, on all of them at once, with one result a host | [`fanout`] |
//! | a new version for all of them, batch by batch | [`rollout`], [`deploy`] |
//! | files to and from a host | [`transfer`] |
//! | how a host is: CPU, memory, load, disks | [`facts`] |
//! | what went wrong, and where in the connection's life | [`Error`], [`ErrorKind`], [`Phase`] |

mod child;
pub mod cli;
pub mod command;
pub mod deadline;
pub mod deploy;
pub mod error;
pub mod exec;
pub mod exit;
pub mod facts;
#[cfg(any(test, feature = "test-util"))]
pub mod fake;
pub mod fanout;
pub mod host;
pub mod interrupt;
pub mod inventory;
pub mod known_hosts;
pub mod local;
pub mod openssh;
pub mod phase;
pub mod problem;
pub mod quote;
pub mod rollout;
pub mod ssh;
pub mod ssh_config;
pub mod timings;
pub mod transfer;
pub mod transport;
mod wildcard;
mod wrap;

pub use command::{Command, Stdin, Sudo};
pub use deadline::Deadline;
pub use error::{Error, ErrorKind};
pub use exec::{Captured, ExecContext, OutputSink, OutputStream};
pub use exit::Exit;
pub use fanout::{Fleet, HostResult, Status};
pub use host::Host;
pub use interrupt::Interrupt;
pub use inventory::{Inventory, Selection};
pub use phase::Phase;
pub use problem::{Place, Problem};
pub use timings::Timings;
pub use transport::{Dialed, Peer, Session, SharedTransport, Transport};
