//! This machine as if it were a host: commands run by `/bin/sh`, without SSH.
//!
//! For a fleet that contains the machine we are on, for trying things out, and for tests. The same wrapping as over SSH,
//! so that environment, folder, scripts and sudo work alike. Every command is in its own process group, which is
//! killed after a timeout or an interrupt. There is no terminal to ask for.

mod files;
mod session;
mod transport;

pub use transport::LocalTransport;
