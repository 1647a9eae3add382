//! The alert pipeline beside Alertmanager: alerts a second over HTTP, memory, and the time from accepting to notifying.

mod contender;
mod document;
mod http;
mod latency;
mod load;
mod rounds;

pub(crate) use rounds::{Options, run};
