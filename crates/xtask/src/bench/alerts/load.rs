//! Load by `wrk`: batches over HTTP, as fast as the server answers.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::contender::{Contender, Server, TOKEN};
use crate::bench::sample::scripts;

/// What is posted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Case {
    /// Alerts a request.
    pub(super) batch: usize,
    pub(super) distinct: usize,
    /// Requests at a time.
    pub(super) connections: usize,
    /// What the issue asks for, in alerts a second.
    pub(super) goal: f64,
}

/// What one server did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Alerts a second.
    pub(super) rate: f64,
    /// Microseconds of the server's CPU an alert.
    pub(super) cpu: f64,
    /// Peak MiB.
    pub(super) memory: f64,
    /// Seconds from request to answer.
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// Alertmanager's figures here are of version 0.25 on two cores with `wrk` beside it.
pub(super) const CASES: [Case; 4] = [
    Case { batch: 1, distinct: 300_000, connections: 512, goal: 21_600.0 },
    Case { batch: 50, distinct: 300_000, connections: 64, goal: 72_000.0 },
    Case { batch: 1, distinct: 10_000, connections: 512, goal: 23_200.0 },
    Case { batch: 50, distinct: 10_000, connections: 64, goal: 92_000.0 },
];

/// Loads a new server for so many seconds. Every answer must be good, and what was answered must be on disk after a
/// crash where the server promises that.
pub(super) fn load(contender: Contender, case: Case, seconds: u32) -> Result<Load> {
    let server = contender.start(None)?;
    let before = server.cpu()?;
    let wrk = wrk(&server, contender, case, seconds)?;
    let cpu = server.cpu()? - before;
    let (_, memory) = server.memory()?;
    ensure!(wrk.faults == 0, "{}: {} requests of {} failed", contender.name(), wrk.faults, wrk.requests);
    let accepted = wrk.requests * case.batch;
    if let Some(heard) = server.crash()? {
        ensure!(heard >= accepted, "{accepted} alerts were answered, {heard} are on disk");
    }
    #[expect(clippy::cast_precision_loss, reason = "some millions")]
    let alerts = accepted as f64;
    Ok(Load { rate: alerts / wrk.seconds, cpu: cpu / alerts * 1e6, memory, p50: wrk.p50, p99: wrk.p99 })
}

#[derive(Debug)]
struct Wrk {
    seconds: f64,
    requests: usize,
    faults: usize,
    p50: f64,
    p99: f64,
}

fn wrk(server: &Server, contender: Contender, case: Case, seconds: u32) -> Result<Wrk> {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", &format!("-c{}", case.connections), &format!("-d{seconds}s"), "--timeout", "30s", "-s"]);
    wrk.arg(scripts().join("alerts.lua")).arg(format!("http://{}/", server.address));
    wrk.env("SERVER", contender.word()).env("TOKEN", TOKEN);
    wrk.env("BATCH", case.batch.to_string()).env("DISTINCT", case.distinct.to_string());
    let output = wrk.output().context("cannot run wrk")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    read(&said).with_context(|| format!("wrk said: {said}"))
}

fn read(said: &str) -> Option<Wrk> {
    let figures = said.lines().find_map(|line| line.strip_prefix("measured "))?;
    let mut figures = figures.split(' ');
    Some(Wrk {
        seconds: figures.next()?.parse().ok()?,
        requests: figures.next()?.parse().ok()?,
        faults: figures.next()?.parse().ok()?,
        p50: figures.next()?.parse().ok()?,
        p99: figures.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says() {
        let wrk = read("Running 1s test\nmeasured 1.500000 300 2 0.001000 0.020000\n").unwrap();
        assert_eq!((wrk.seconds, wrk.requests, wrk.faults, wrk.p50, wrk.p99), (1.5, 300, 2, 0.001, 0.02));
        assert!(read("unable to connect").is_none());
    }
}
