//! Health of things: what is looked at, what is measured, and what a person should know about it.
//!
//! | need | module |
//! | --- | --- |
//! | this host: disks, memory, load, CPU, units, zombies | [`local`] |

pub mod local;

pub use local::{CODES, LocalHost, LocalOptions, LocalSurvey, LocalThresholds};
