//! The user's agent: which keys live there, and signatures by them.

mod client;
mod protocol;

pub(super) use client::Agent;
pub(super) use protocol::string;
