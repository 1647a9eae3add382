//! The sources: each turns settings into calls and answers into a [`SourceReport`](crate::source::SourceReport).

#[cfg(feature = "aws")]
pub(crate) mod aws;
mod http;
#[cfg(feature = "kubernetes")]
pub(crate) mod kubernetes;
mod local;
mod prometheus;

#[cfg(any(feature = "kubernetes", feature = "aws"))]
use std::time::Duration;

use sre_core::SharedClock;

use crate::environment::Environment;
use crate::gather::{Board, Job};
use crate::settings::Settings;

/// One job for each planned source (for AWS, one for all regions).
pub(crate) fn jobs(settings: &Settings, env: &Environment, clock: &SharedClock, board: &Board) -> Vec<Job> {
    let mut jobs = Vec::new();
    #[cfg(feature = "kubernetes")]
    jobs.extend(kubernetes::jobs(settings, env, clock, board));
    if settings.plan.prometheus {
        jobs.push(prometheus::job(settings, env, clock, board));
    }
    #[cfg(feature = "aws")]
    if settings.plan.aws {
        jobs.push(aws::job(settings, env, clock, board));
    }
    if settings.plan.local {
        jobs.push(local::job(settings, clock, board));
    }
    jobs
}

/// How long a credential plugin may take of a source's time. Less than all of it: the plugin's own error has to come before
/// the timeout's, which would blame the network.
#[cfg(any(feature = "kubernetes", feature = "aws"))]
fn login_limit(limit: Duration) -> Duration {
    limit.mul_f64(0.75)
}
