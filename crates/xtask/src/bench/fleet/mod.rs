//! The benchmark of `fleet-run`: many hosts over SSH, all of them one sshd on loopback.

mod contenders;
mod document;
mod goals;
mod rounds;
mod scenarios;
mod servers;

pub(crate) use rounds::{Options, run};
