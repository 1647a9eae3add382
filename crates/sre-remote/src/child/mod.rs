//! Child processes of this machine, for the transports that start one: each in its own process group, never left behind.

mod background;
mod group;
mod input;
mod left;
mod pump;

pub(crate) use background::Background;
pub(crate) use group::Group;
pub(crate) use pump::{Ended, run};
