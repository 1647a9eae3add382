//! The host that we run on, from `/proc`, `statvfs(2)` and `systemctl`, without root rights and without a shell.
//!
//! [`LocalHost::survey`] looks at everything side by side under one deadline. What cannot be found out is `None` with
//! a [`Note`] that says why, never zero. [`LocalSurvey::findings`] compares with the [`LocalThresholds`].
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use std::time::Duration;
//! use sre_core::SystemClock;
//! use sre_health::{LocalHost, LocalOptions};
//!
//! let options = LocalOptions::new().cpu_interval(Duration::from_millis(50));
//! let survey = LocalHost::new(options, SystemClock::shared()).survey().await;
//! assert!(survey.memory.unwrap().total_bytes > 0);
//! for finding in survey.findings() {
//!     println!("{} {} {}", finding.severity, finding.subject, finding.title);
//! }
//! # }
//! ```

mod codes;
mod cpu;
mod disk;
mod findings;
mod load;
mod memory;
mod mounts;
mod note;
mod processes;
mod procfs;
mod survey;
mod thresholds;
mod units;
mod uptime;

pub use codes::CODES;
pub use cpu::CpuUse;
pub use disk::{Disk, Inodes, UnknownDisk};
pub use load::Load;
pub use memory::{Memory, Swap};
pub use note::{Note, Piece};
pub use processes::{ZombieParent, Zombies};
pub use survey::{LocalHost, LocalOptions, LocalSurvey};
pub use thresholds::{InvalidThresholds, Limits, LocalThresholds};
pub use units::FailedUnit;
