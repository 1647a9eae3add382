//! The two servers, each a new process with an empty folder on a free port.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use super::http::{Connection, now};
use crate::{place, step};

/// What ours asks its callers for; the other takes no credential and ignores it.
pub(super) const TOKEN: &str = "a-token-of-the-benchmark";
const START: Duration = Duration::from_secs(10);

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contender {
    /// The example `serve` of sre-alerts: each alert is on disk before its answer.
    Ours,
    /// Debian's; it keeps alerts in memory.
    Alertmanager,
}

/// A running server; it is killed with this.
#[derive(Debug)]
pub(super) struct Server {
    contender: Contender,
    child: Child,
    folder: TempDir,
    /// `127.0.0.1:PORT`.
    pub(super) address: String,
}

// === impl Contender ===

impl Contender {
    pub(super) const ALL: [Self; 2] = [Self::Ours, Self::Alertmanager];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "sre-alerts",
            Self::Alertmanager => "Alertmanager",
        }
    }

    /// The word in `alerts.lua`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Alertmanager => "alertmanager",
        }
    }

    /// The first lines of a request that posts alerts.
    pub(super) fn head(self) -> String {
        let path = match self {
            Self::Ours => "/webhook/alert",
            Self::Alertmanager => "/api/v2/alerts",
        };
        format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer {TOKEN}")
    }

    /// An alert with this number, as `alerts.lua` has it.
    pub(super) fn alert(self, n: usize) -> String {
        let (kind, service, a, b) = (n % 50, n % 200, n % 250, n % 199);
        let (runbook, graph) =
            ("https://runbooks.example.com/high-error-rate", "http://prometheus.example.com/graph?g0.expr=x");
        match self {
            Self::Ours => format!(
                r#"{{"type":"HighErrorRate{kind}","labels":{{"service":"svc-{service}"}},"source":"10.1.{a}.{b}:9100","severity":"warning","dedup_key":"number-{n}","title":"error rate above 5% for 10 minutes","links":[{{"title":"runbook","url":"{runbook}"}},{{"title":"graph","url":"{graph}"}}]}}"#
            ),
            Self::Alertmanager => format!(
                r#"{{"labels":{{"alertname":"HighErrorRate{kind}","service":"svc-{service}","instance":"10.1.{a}.{b}:9100","severity":"warning","number":"number-{n}"}},"annotations":{{"summary":"error rate above 5% for 10 minutes","runbook_url":"{runbook}"}},"generatorURL":"{graph}"}}"#
            ),
        }
    }

    /// Starts it. With `notify` each alert is posted there at once, without they wait in groups by service.
    pub(super) fn start(self, notify: Option<&str>) -> Result<Server> {
        let folder = tempfile::tempdir().context("no scratch folder")?;
        match self {
            Self::Ours => start_ours(folder, notify),
            Self::Alertmanager => start_alertmanager(folder, notify),
        }
    }
}

/// Builds ours as it would be shipped.
pub(super) fn build() -> Result<()> {
    let args = ["--package", "sre-alerts", "--features", "pipeline,server", "--example", "serve"];
    step::run("build", &mut place::cargo_release("dist", args)?)
}

fn program() -> Result<PathBuf> {
    Ok(place::target_dir()?.join("dist/examples/serve"))
}

fn start_ours(folder: TempDir, notify: Option<&str>) -> Result<Server> {
    let mut command = Command::new(program()?);
    command.env("TOKEN", TOKEN).arg(folder.path().join("alerts.db")).args(notify).stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start the example serve")?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
    let address = line.trim().strip_prefix("http://").context("serve did not say its address")?.to_owned();
    Ok(Server { contender: Contender::Ours, child, folder, address })
}

fn start_alertmanager(folder: TempDir, notify: Option<&str>) -> Result<Server> {
    let config = match notify {
        Some(url) => format!(
            "route: {{receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s}}\n\
             receivers: [{{name: hook, webhook_configs: [{{url: '{url}', send_resolved: false}}]}}]\n"
        ),
        None => "route: {receiver: none, group_by: [service], group_wait: 30s, group_interval: 5m}\n\
                 receivers: [{name: none}]\n"
            .to_owned(),
    };
    fs::write(folder.path().join("alertmanager.yml"), config)?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut command = Command::new("prometheus-alertmanager");
    command.arg(format!("--config.file={}", folder.path().join("alertmanager.yml").display()));
    command.arg(format!("--storage.path={}", folder.path().join("data").display()));
    command.arg(format!("--web.listen-address={address}")).args(["--cluster.listen-address=", "--log.level=error"]);
    let child = command.spawn().context("cannot start prometheus-alertmanager")?;
    let server = Server { contender: Contender::Alertmanager, child, folder, address };
    let begin = now();
    while !server.is_ready() {
        ensure!(begin.elapsed() < START, "prometheus-alertmanager does not start");
        sleep(Duration::from_millis(50));
    }
    Ok(server)
}

// === impl Server ===

impl Server {
    fn is_ready(&self) -> bool {
        Connection::open(&self.address).and_then(|mut c| c.ask("GET /-/ready HTTP/1.1", "")).is_ok()
    }

    /// Posts the alerts with these numbers, 50 at a time.
    pub(super) fn fill(&self, count: usize) -> Result<()> {
        let mut connection = Connection::open(&self.address)?;
        for first in (0..count).step_by(50) {
            let alerts: Vec<String> = (first..count.min(first + 50)).map(|n| self.contender.alert(n)).collect();
            connection.ask(&self.contender.head(), &format!("[{}]", alerts.join(",")))?;
        }
        Ok(())
    }

    /// Seconds of user and system time so far.
    pub(super) fn cpu(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after = stat.rsplit_once(')').context("no such process")?.1;
        let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
        let ticks = ticks as f64;
        // USER_HZ is 100 on every Linux that Debian supports.
        Ok(ticks / 100.0)
    }

    /// Resident MiB: now, and at its peak.
    pub(super) fn memory(&self) -> Result<(f64, f64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
            line.and_then(|n| n.parse::<f64>().ok()).map(|kib| kib / 1024.0).context("no memory in /proc")
        };
        Ok((value("VmRSS:")?, value("VmHWM:")?))
    }

    /// Kills it as a crash would, and counts what its disk says it has heard; `None` for one that keeps nothing there.
    pub(super) fn crash(mut self) -> Result<Option<usize>> {
        self.end();
        match self.contender {
            Contender::Ours => Ok(Some(heard(&self.folder.path().join("alerts.db"))?)),
            Contender::Alertmanager => Ok(None),
        }
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// How often alerts were heard, by the file alone.
fn heard(store: &Path) -> Result<usize> {
    let script = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT sum(count) FROM active').fetchone()[0])";
    let output = Command::new("python3").args(["-c", script]).arg(store).output().context("cannot run python3")?;
    if !output.status.success() {
        bail!("cannot read the store: {}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8_lossy(&output.stdout).trim().parse().context("the store counts nothing")
}
