//! The doubles, tried with the client that the workspace uses.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aws;
mod kubernetes;
mod peers;
mod scripted;
mod ssh_faults;
mod sshd;
