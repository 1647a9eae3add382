//! Rolling deployments: batches, gates, abort, rollback, and a journal that a killed run is resumed from.
//!
//! [`Rollout`] decides: a pure state machine that says what is next ([`Rollout::next`]) and learns what happened
//! ([`Rollout::record`]). [`Driver`] acts: it asks, writes each [`Event`] to the [`Journal`], lets the [`Executor`] do
//! the work, and comes back with how it ended.
//!
//! | need | item |
//! | --- | --- |
//! | how a fleet is cut into batches, how many may fail | [`Batches`], [`MaxFail`] |
//! | what is next, and where each host is | [`Rollout`], [`Step`], [`HostState`] |
//! | what happened, on disk before anything else happens | [`Event`], [`Journal`] |
//! | who does it | [`Executor`], [`Driver`] |
//! | how it ended | [`End`], [`Outcome`] |
//!
//! ```
//! use sre_remote::Host;
//! use sre_remote::rollout::{Event, Rollout, Settings, Step};
//!
//! let hosts = ["web-01", "web-02"].map(Host::new).to_vec();
//! let mut rollout = Rollout::new(hosts, &[1, 1], Settings::default())?;
//! assert_eq!(rollout.next(), Step::Deploy { host: 0 });
//! rollout.record(&Event::started("web-01"))?;
//! assert_eq!(rollout.next(), Step::Await);
//! rollout.record(&Event::failed("web-01", true, "exit 1"))?;
//! assert!(matches!(rollout.next(), Step::Abort { .. })); // no failure is allowed, unless `Settings` says so
//! # Ok::<(), sre_remote::rollout::Error>(())
//! ```

mod batches;
mod driver;
mod error;
mod event;
mod executor;
mod journal;
mod next;
mod outcome;
mod record;
mod state;

pub use batches::{Batches, MaxFail, ParseSizeError, Size};
pub use driver::{Driver, Log, Watch};
pub use error::{Error, ErrorKind};
pub use event::Event;
pub use executor::{Executor, GateReport, HostFailure};
pub use journal::{Header, Journal, Past, latest};
pub use next::Step;
pub use outcome::{End, Outcome};
pub use state::{HostState, Progress, Rollout, Settings, Undo};
