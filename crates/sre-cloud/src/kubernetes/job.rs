//! A Job as far as the checks use it.

use serde::Deserialize;

use super::lenient;
use super::meta::{Condition, Meta};

/// A Job.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Job {
    /// Name, namespace, owner.
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Meta,
    /// What is.
    #[serde(deserialize_with = "lenient::object")]
    pub status: JobStatus,
}

/// What a Job is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct JobStatus {
    /// `Complete`, `Failed`, `Suspended`.
    #[serde(deserialize_with = "lenient::list")]
    pub conditions: Vec<Condition>,
    /// How many of its pods failed.
    #[serde(deserialize_with = "lenient::int")]
    pub failed: i64,
}
