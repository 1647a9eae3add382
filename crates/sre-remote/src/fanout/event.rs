//! What a fan-out tells while it runs.

use std::time::Duration;

use super::result::HostResult;
use crate::exec::OutputStream;

/// Something that happened to a host; `index` is its place in the inventory, from 0.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<T = ()> {
    /// Its work began.
    Started {
        /// Which host.
        index: usize,
    },
    /// It is logged in.
    Connected {
        /// Which host.
        index: usize,
    },
    /// Connecting failed and will be tried again.
    Retrying {
        /// Which host.
        index: usize,
        /// The attempt that failed; the first is 1.
        attempt: u32,
        /// How long it waits.
        delay: Duration,
        /// Why.
        reason: String,
    },
    /// Whole lines of its output, with their line ends; the last line of a stream may have none. Only with
    /// [`Fleet::with_live_output`](super::Fleet::with_live_output).
    Output {
        /// Which host.
        index: usize,
        /// Which stream.
        stream: OutputStream,
        /// The lines.
        lines: Vec<u8>,
    },
    /// It has its result: exactly one a host.
    Finished(Box<HostResult<T>>),
}
