//! What goes into the pipeline: one thing that is wrong, or was.
//!
//! An [`Alert`] has two identities. Its [`key`](Alert::key) says which *problem* it is: suppression, reminders and the
//! resolve go by it, and receivers that can (pagers) merge by it. Its [`fingerprint`](Alert::fingerprint) says which
//! *labels* it came with as well. Both are the same on every machine and in every version.
//!
//! ```
//! use sre_alerts::alert::{Alert, State};
//! use sre_core::Severity;
//!
//! let alert = Alert::builder(Severity::Critical, "disk /data is 97 % full")
//!     .source("web-03")
//!     .label("service", "api")
//!     .field("Free", "1.2 GiB")
//!     .starts_at("2026-03-23T07:00:00Z".parse()?)
//!     .build()?;
//! assert_eq!(alert.state(), State::Firing);
//! assert_eq!(alert.key(), alert.clone().resolved("2026-03-23T07:20:00Z".parse()?).key());
//!
//! let error = Alert::builder(Severity::Info, " ").build().unwrap_err();
//! assert_eq!(error.to_string(), "title: is empty");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod identity;
mod limits;
mod model;

pub use builder::AlertBuilder;
#[cfg(feature = "pipeline")]
pub(crate) use identity::KeyHash;
pub(crate) use identity::digest;
pub use identity::{DedupKey, Fingerprint};
pub use limits::InvalidAlert;
#[cfg(feature = "server")]
pub(crate) use limits::most;
pub(crate) use limits::{is_label_name, longest};
pub use model::{Alert, Labels, Link, State};
