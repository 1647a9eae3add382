//! An agent of our own, in this process, that libssh2 asks for signatures; and the user's agent behind it.
//!
//! libssh2 talks to an agent by blocking calls without a timeout. So it always talks to ours, which answers at once
//! for keys from files, and asks the user's agent under a time limit for the keys that live there.

mod protocol;
mod server;
mod upstream;

pub(super) use server::{Identity, OwnAgent};
