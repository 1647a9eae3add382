//! How a host is: one script, one round trip, typed facts, and what a person should know of them.
//!
//! The script reads `/proc` and asks for the use of the local filesystems; it writes nothing, not even a temporary file,
//! because a full disk is one of the things to find. It runs in dash, bash and busybox. What a host does not tell is
//! `None`, never zero.
//!
//! ```
//! use sre_core::Target;
//! use sre_remote::facts::{Facts, HealthThresholds, judge};
//!
//! let facts = Facts::parse(b"#sre-facts hostname\nweb-01\n#sre-facts meminfo\nMemTotal: 8000 kB\nMemAvailable: 320 kB\n");
//! assert_eq!(facts.hostname.as_deref(), Some("web-01"));
//! assert_eq!(facts.missing(), ["uptime", "cpu", "swap", "load", "disks"]);
//! let findings = judge(&facts, &HealthThresholds::default(), &Target::new("web-01"));
//! assert_eq!(findings[0].title, "memory 4% available");
//! ```

mod cpu;
mod disks;
mod gather;
mod judge;
mod model;
mod mounts;
mod parts;
mod thresholds;

pub use gather::gather;
pub use judge::judge;
pub use model::{CpuUse, Disk, Facts, Inodes, Load, Memory, Swap};
pub use thresholds::{HealthThresholds, InvalidThresholds, Limits};
