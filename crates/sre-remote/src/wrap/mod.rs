//! The shell text that a [`Command`](crate::Command) becomes, and what is taken out of its output again.
//!
//! A host says little about a command: no process id, and a status of 0 cannot be told from one that never came. So the
//! text prints a *header* (a random word and the process group) before the command and a *trailer* after a success.
//! Both are stripped. The header also ends what a login shell printed by itself, and tells whom to kill after a
//! timeout; the trailer proves a status of 0. Every transport with a shell on the other side uses this one module.
//!
//! Where the text is not run as sent (a forced command, an appliance) no header comes: then the output is passed on
//! unchanged and a status of 0 is believed, which is the gap that stays.

mod filter;
mod text;

pub(crate) use filter::Filter;
pub(crate) use text::{Kill, Wrapped};
