//! What the contenders ask: Kubernetes API servers, an AWS, a Prometheus, all on loopback.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{
    processes::{Process, free_port},
    sample::scripts,
};
use crate::{peers::PEERS, place, step};

pub(crate) const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];
pub(crate) const INSTANCES_PER_REGION: usize = 1000;

/// API servers with the same pods, one a context.
#[derive(Debug)]
pub(crate) struct Kubernetes {
    pub(crate) about: About,
    pub(crate) dir: PathBuf,
    pub(crate) contexts: Vec<String>,
    _process: Process,
}

/// What the API servers say about themselves.
#[derive(Debug, Deserialize)]
pub(crate) struct About {
    pub(crate) urls: Vec<String>,
    pub(crate) token: String,
    pub(crate) pods: usize,
    pub(crate) bytes_per_pod: usize,
    /// `namespace/name` of what is wrong by construction, sorted; the same in every context.
    pub(crate) unhealthy: Vec<String>,
}

/// `moto_server` with instances in [`REGIONS`], and Prometheus with one alert that fires.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) aws_url: String,
    pub(crate) prometheus_url: String,
    _processes: [Process; 2],
}

// === impl Kubernetes ===

impl Kubernetes {
    /// Starts the API servers (`cargo build --release` of the example must have been done).
    ///
    /// # Errors
    /// When they do not start.
    pub(crate) fn start(dir: &Path, pods: usize, contexts: usize) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let program = place::target_dir()?.join("release/examples/kube_api");
        let mut command = Command::new(program);
        let process = Process::start_until_ready(command.arg(dir).args([pods.to_string(), contexts.to_string()]))?;
        let about = fs::read(dir.join("servers.json"))?;
        let about = serde_json::from_slice(&about).context("cannot read what kube_api wrote")?;
        let contexts = (1..=contexts).map(|i| format!("bench-{i}")).collect();
        Ok(Self { about, dir: dir.to_owned(), contexts, _process: process })
    }

    pub(crate) fn kubeconfig(&self) -> String {
        self.dir.join("kubeconfig").display().to_string()
    }
}

// === impl Cloud ===

impl Cloud {
    /// Starts and fills both servers.
    ///
    /// # Errors
    /// When one does not start or cannot be filled.
    pub(crate) fn start(dir: &Path) -> Result<Self> {
        let (moto, aws_url) = moto(dir)?;
        let (prometheus, prometheus_url) = prometheus(dir)?;
        Ok(Self { aws_url, prometheus_url, _processes: [moto, prometheus] })
    }
}

fn moto(dir: &Path) -> Result<(Process, String)> {
    let (port, log) = (free_port()?, dir.join("moto.log"));
    let mut command = Command::new(PEERS.program("moto_server")?);
    let mut process = Process::start(command.args(["-H", "127.0.0.1", "-p", &port.to_string()]), &log)?;
    process.wait_for_port(port, &log)?;
    let url = format!("http://127.0.0.1:{port}");
    let mut fill = Command::new(PEERS.program("python")?);
    fill.arg(scripts().join("load_moto.py")).args([&url, &INSTANCES_PER_REGION.to_string()]).args(REGIONS);
    step::run("instances", &mut fill)?;
    Ok((process, url))
}

fn prometheus(dir: &Path) -> Result<(Process, String)> {
    let (port, log, home) = (free_port()?, dir.join("prometheus.log"), dir.join("prometheus"));
    fs::create_dir_all(&home)?;
    for file in ["prometheus.yml", "rules.yml"] {
        fs::copy(scripts().join(file), home.join(file))?;
    }
    let mut command = Command::new("prometheus");
    command.current_dir(&home).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
    let mut process = Process::start(command.arg(format!("--web.listen-address=127.0.0.1:{port}")), &log)?;
    process.wait_for_port(port, &log)?;
    let url = format!("http://127.0.0.1:{port}");
    wait_for_alert(&url)?;
    Ok((process, url))
}

/// The contenders shall find the same alert in the first round as in the last.
fn wait_for_alert(url: &str) -> Result<()> {
    for _ in 0..120 {
        let query = format!("{url}/api/v1/alerts");
        let answer = step::output(Command::new("curl").args(["-s", "--noproxy", "*", &query])).unwrap_or_default();
        if answer.contains(r#""state":"firing""#) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
    bail!("no alert fires at {url} after 30 s")
}
