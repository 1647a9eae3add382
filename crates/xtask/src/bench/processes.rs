//! Servers as child processes that end with us, whatever happens.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::step;

/// A running server; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

// === impl Process ===

impl Process {
    /// Starts a server whose output goes to a log file. Its standard input stays open as long as it shall live.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
        let command = command.stdin(Stdio::piped()).stdout(file.try_clone()?).stderr(file);
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child })
    }

    /// Starts a server and waits until it prints `ready`.
    ///
    /// # Errors
    /// When it ends before.
    pub(crate) fn start_until_ready(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let stdout = child.stdout.take();
        let process = Self { child };
        let mut line = String::new();
        BufReader::new(stdout.context("a pipe")?).read_line(&mut line)?;
        if line.trim() != "ready" {
            bail!("{name} ended before it was ready");
        }
        Ok(process)
    }

    /// Waits until a port of this host takes connections.
    ///
    /// # Errors
    /// After 60 s, or when the process has ended.
    pub(crate) fn wait_for_port(&mut self, port: u16, log: &Path) -> Result<()> {
        let start = step::now();
        while start.elapsed() < Duration::from_secs(60) {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended ({status}): see {}", log.display());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("no answer on port {port} in 60 s: see {}", log.display())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of 127.0.0.1 that was free just now, for servers that cannot choose one themselves.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
