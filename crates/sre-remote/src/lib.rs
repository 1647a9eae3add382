//! Fleets over SSH: who they are, how they are reached, what runs there, and one result a host, whatever happened.
//!
//! | need | module |
//! | --- | --- |
//! | a host and what the inventory says of it | [`Host`] |
//! | a way to reach hosts | [`transport`] |
//! | what to run there | [`Command`], [`ExecContext`], [`Exit`] |
//! | what went wrong, and where in the connection's life | [`Error`], [`ErrorKind`], [`Phase`] |

pub mod command;
pub mod deadline;
pub mod error;
pub mod exec;
pub mod exit;
pub mod host;
pub mod interrupt;
pub mod phase;
pub mod timings;
pub mod transport;

pub use command::{Command, Stdin, Sudo};
pub use deadline::Deadline;
pub use error::{Error, ErrorKind};
pub use exec::{Captured, ExecContext, OutputSink, OutputStream};
pub use exit::Exit;
pub use host::Host;
pub use interrupt::Interrupt;
pub use phase::Phase;
pub use timings::Timings;
pub use transport::{Peer, Session, SharedTransport, Transport};
