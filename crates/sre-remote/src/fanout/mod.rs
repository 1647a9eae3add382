//! The same work on many hosts at once: bounded, fair, and one result a host, whatever happened.
//!
//! **Bounds.** At most [`workers`](Fleet::with_workers) hosts are worked on at once. A host that only waits does not count:
//! one whose server has said nothing for 100 ms, or that pauses before another attempt, lends its slot to the next. So
//! hosts that never answer cost their timeout once, not each other's turns. At most as many again may wait; when the server
//! speaks, its host has the next slot that gets free, before new ones. A single worker lends nothing and keeps the order.
//!
//! At most [`startups`](Fleet::with_startups) at a time connect through the same jump host: OpenSSH's server takes 10 logins at
//! once by default and drops some of the others (`MaxStartups 10:30:100`, sshd_config(5)). A reset before or in the
//! handshake is taken for such throttling: the bound is halved, and grows again by one after as many logins as it
//! allows. Without a jump host, one host that resets is that host's own fault; only a second one halves the bound for all.
//!
//! **Time.** A host has one absolute deadline, from its first attempt to its end ([`Fleet::with_timeout`]); waiting for a slot
//! does not count. A connection that waited for 10 s is closed and made anew when there is one. The transport
//! stops there by itself and kills what runs on the host. If it does not, the host's task is aborted a little
//! later ([`Fleet::with_grace`]), its socket with it. So no host can hold the others.
//!
//! **Retries.** Connecting is tried again, with backoff and full jitter, when its error says that this may help. A
//! connection that timed out is not: that would double what a dead host costs. What was sent is never sent again.
//!
//! **Stopping.** [`Stop::drain`] starts no further host; [`Stop::kill`] also ends what runs. Too many failures
//! ([`Fleet::with_max_fail`]) drain. Hosts that were not started are [`Status::Skipped`], and so are those that wait without a slot.
//!
//! **Memory** does not grow with the number of hosts but for one small result each: a host's task exists only while it is
//! worked on, and output is cut at [`Fleet::with_output_cap`] and may go to files instead.
//!
//! ```
//! # #[cfg(feature = "test-util")] {
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! # use sre_remote::fake::FakeTransport;
//! # use std::sync::Arc;
//! use std::time::Duration;
//! use sre_remote::fanout::{Event, Fleet, RunCommand};
//! use sre_remote::{Command, Host};
//!
//! # let transport = Arc::new(FakeTransport::new());
//! let fleet = Fleet::new(transport).with_workers(20).with_timeout(Duration::from_secs(30));
//! let hosts = vec![Host::new("web-01"), Host::new("web-02")];
//! let mut running = fleet.run(RunCommand::new(Command::shell("uptime -p")), hosts);
//! while let Some(event) = running.next().await {
//!     if let Event::Finished(result) = event {
//!         println!("{}: {}", result.host, result.status);
//!     }
//! }
//! # }
//! # main() }
//! ```

mod capture;
mod clock;
mod connect;
mod event;
mod fleet;
mod gate;
mod job;
mod lines;
mod queue;
mod result;
mod running;
mod slots;
mod spill;
mod status;
mod stop;
#[cfg(test)]
mod tests;
mod worker;

pub use event::Event;
pub use fleet::Fleet;
pub use job::{Finish, Job, RunCommand};
pub use result::HostResult;
pub use running::Running;
pub use status::Status;
pub use stop::{Stop, StopReason};
