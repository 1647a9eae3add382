//! The Prometheus node exporter: real metrics of this host.

use std::process::Command;

use super::launch::{Running, launch, program};

/// A running `prometheus-node-exporter`.
#[derive(Debug)]
pub struct NodeExporter {
    running: Running,
}

// === impl NodeExporter ===

impl NodeExporter {
    /// Starts it with its default collectors.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with more flags, such as `--collector.textfile.directory=…`.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub async fn start_with(flags: &[&str]) -> Self {
        let path = program("prometheus-node-exporter");
        let command = |port: u16| {
            let mut command = Command::new(&path);
            command.arg(format!("--web.listen-address=127.0.0.1:{port}")).arg("--log.level=warn").args(flags);
            command
        };
        Self { running: launch("prometheus-node-exporter", "/metrics", &[], command).await }
    }

    /// `127.0.0.1:PORT`, as a scrape target.
    #[must_use]
    pub fn addr(&self) -> String {
        self.running.addr.clone()
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.running.addr)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running.process.pid()
    }
}
