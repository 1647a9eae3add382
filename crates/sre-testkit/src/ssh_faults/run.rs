//! A command run for a client, and its output on the way to the channel in the order that the fault wants.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;

use super::fault::Fault;

/// A packet of output holds at most this much.
const PIECE: usize = 32 * 1024;

/// Something to send on a channel.
#[derive(Debug)]
pub(super) enum Event {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Code(u32),
    Signal(String),
    /// EOF and CLOSE.
    End,
}

/// A running command, killed with its process group when dropped.
#[derive(Debug)]
pub(super) struct Run {
    child: Child,
    group: Option<Pid>,
}

// === impl Run ===

impl Run {
    /// Starts it, by `sh`.
    pub(super) fn start(command: &str, home: &Path) -> io::Result<Self> {
        let mut sh = Command::new("sh");
        sh.args(["-c", command]).current_dir(home).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin:/usr/sbin");
        sh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        let child = sh.spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Ok(Self { child, group })
    }

    pub(super) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Sends its output, and how it ended, to the channel; `window` counts the bytes that the client will take.
    pub(super) async fn deliver(
        mut self,
        channel: u32,
        fault: &Fault,
        window: Arc<Semaphore>,
        to: Sender<(u32, Event)>,
    ) {
        let window = (*fault != Fault::IgnoreWindow).then_some(window);
        let (stdout, stderr) = (self.child.stdout.take().expect("a pipe"), self.child.stderr.take().expect("a pipe"));
        if *fault == Fault::StatusBeforeData {
            let (out, err) = tokio::join!(all(stdout), all(stderr));
            self.send_end(channel, fault, &to).await;
            pump(channel, out.as_slice(), Event::Stdout, window.as_deref(), &to).await;
            pump(channel, err.as_slice(), Event::Stderr, window.as_deref(), &to).await;
        } else {
            let out = pump(channel, stdout, Event::Stdout, window.as_deref(), &to);
            let err = pump(channel, stderr, Event::Stderr, window.as_deref(), &to);
            tokio::join!(out, err);
            self.send_end(channel, fault, &to).await;
        }
        if *fault != Fault::NeverClose {
            to.send((channel, Event::End)).await.ok();
        }
    }

    async fn send_end(&mut self, channel: u32, fault: &Fault, to: &Sender<(u32, Event)>) {
        use std::os::unix::process::ExitStatusExt as _;
        let Ok(status) = self.child.wait().await else { return };
        // Waited for: the group's id may belong to somebody else from now on.
        self.group = None;
        let event = match (fault, status.code()) {
            (Fault::NoExitStatus, _) => return,
            (Fault::ExitSignal(name), _) => Event::Signal(name.clone()),
            (_, Some(code)) => Event::Code(u32::try_from(code).unwrap_or_default()),
            (_, None) => {
                let signal = status.signal().and_then(|number| Signal::try_from(number).ok());
                Event::Signal(signal.map_or("TERM", Signal::as_str).trim_start_matches("SIG").to_owned())
            }
        };
        to.send((channel, event)).await.ok();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            killpg(group, Signal::SIGKILL).ok();
        }
    }
}

async fn all(mut from: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).await.ok();
    bytes
}

async fn pump(
    channel: u32,
    mut from: impl AsyncRead + Unpin,
    event: fn(Vec<u8>) -> Event,
    window: Option<&Semaphore>,
    to: &Sender<(u32, Event)>,
) {
    let mut piece = vec![0; PIECE];
    while let Ok(len @ 1..) = from.read(&mut piece).await {
        if let Some(window) = window {
            let Ok(permit) = window.acquire_many(u32::try_from(len).unwrap_or(u32::MAX)).await else { return };
            permit.forget();
        }
        if to.send((channel, event(piece[..len].to_vec()))).await.is_err() {
            return;
        }
    }
}
