//! `cargo xtask soak`: what is too long for the tests: an hour of work watched for what it holds on to, crashes, storms.

use anyhow::Result;
use clap::Args;

use crate::{peers, place, step};

/// The ignored tests of sre-alerts: in its library, and against scripted receivers.
const ALERTS: [(&str, &[&str]); 2] = [
    ("--lib", &["pipeline::storm::storm_full"]),
    ("--test=it", &["crash::killed_200_times", "storm::a_hundred_thousand_alerts"]),
];

/// The ignored test of sre-remote that does the work.
const FLEET_RUN: &str = "two_thousand_runs_of_fifty_hosts_hold_nothing_afterwards";

/// How long to soak.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Runs of 50 hosts each
    #[arg(long, default_value_t = 2000)]
    runs: u32,
}

/// Runs commands on 50 loopback hosts over and over: descriptors, threads and memory must not grow.
///
/// # Errors
/// Says that something grew, or that sshd is missing.
pub(crate) fn fleet_run(options: &Options) -> Result<()> {
    peers::install_for_tests()?;
    // Not nextest: it ends tests that take minutes.
    let mut test = place::cargo(["test", "--release", "--package", "sre-remote", "--test", "it", "--"])?;
    test.args(["--ignored", "--exact", "--nocapture"]).arg(format!("soak::{FLEET_RUN}"));
    step::run("soak", test.env("SRE_SOAK_RUNS", options.runs.to_string()))
}

/// Kills the alert pipeline 200 times under load, and sends 100,000 alerts through it: nothing is lost, nothing is told
/// twice, memory stays, Slack is paced and the pager does not notice.
///
/// # Errors
/// One of the tests failed.
pub(crate) fn alerts() -> Result<()> {
    for (target, tests) in ALERTS {
        for test in tests {
            let mut command = place::cargo(["test", "--release", "--package", "sre-alerts", "--all-features", target])?;
            command.args(["--", "--ignored", "--exact", "--nocapture", test]);
            step::run(test, &mut command)?;
        }
    }
    Ok(())
}
