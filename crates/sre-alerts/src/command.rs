//! Runs a program of yours for each notification.
//!
//! The program gets the [`Notification`] as JSON on its standard input, and what a short script needs in its
//! environment: `ALERT_KEY`, `ALERT_EVENT` (`firing`, `acknowledged`, `resolved`), `ALERT_SEVERITY`, `ALERT_TITLE`,
//! `ALERT_SOURCE`, `ALERT_TEXT`, `ALERT_LINK`. Nothing of a notification is ever an argument or part of a shell line.
//!
//! | it ends with | that means |
//! | --- | --- |
//! | 0 | delivered |
//! | 64 (usage), 65 (data), 77 (permission), 78 (configuration) of sysexits.h | never again: [`ErrorKind::Refused`] |
//! | anything else, or a signal | may be tried again: [`ErrorKind::Command`] |
//! | nothing within the timeout (30 s) | it and its whole process group were killed: [`ErrorKind::Timeout`] |
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use sre_alerts::{Notification, Notifier, command::Command};
//! use sre_core::Severity;
//!
//! let command = Command::new("sh").args(["-c", r#"test "$ALERT_TITLE" = '$(reboot)'"#]);
//! command.notify(&Notification::new(Severity::Info, "$(reboot)")).await?;
//! # Ok::<(), sre_alerts::Error>(()) }).unwrap();
//! ```

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::future::{FusedFuture, FutureExt};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use sre_core::{Delivery, RetryHint, SharedClock, SystemClock, Target};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

use crate::error::{Error, ErrorKind};
use crate::notify::{Notification, Notifier, NotifyFuture, Receipt};

const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an environment variable; Linux takes 128 KiB, and all of it is on standard input.
const VARIABLE: usize = 16 * 1024;
/// Bytes of standard error that are kept, the last ones.
const SAID: usize = 800;
/// How long to read on after the program has ended: what it left behind may hold the pipe open.
const GRACE: Duration = Duration::from_millis(200);
/// Where a program is looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program that delivers; see the [module](self).
///
/// It runs in a process group of its own, with an environment of nothing but the above, `PATH` (the system's folders)
/// and what [`env`](Self::env) sets. What it prints to standard output is thrown away; the end of standard error is in
/// the error when it fails.
#[derive(Clone)]
pub struct Command {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
    timeout: Duration,
    target: Target,
    clock: SharedClock,
}

/// Kills a process group when dropped. Made while its leader has not been waited for: the number is still its own.
#[derive(Debug)]
struct Group(Option<Pid>);

// === impl Command ===

impl Command {
    /// A program: a path, or a name to be found in `PATH`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let program = program.into();
        let target = Target::new(format!("command {}", program.display()));
        let (env, clock) = (vec![("PATH".into(), PATH.into())], SystemClock::shared());
        Self { program, args: Vec::new(), env, dir: None, timeout: TIMEOUT, target, clock }
    }

    /// Adds arguments, each passed on as it is.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let name = name.into();
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.into()));
        self
    }

    /// The folder it runs in. Default: ours.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// How long it may take. Default: 30 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn spawn(&self, n: &Notification) -> io::Result<Child> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(&self.args).env_clear().envs(self.env.iter().map(|(k, v)| (k, v))).envs(variables(n));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true).spawn()
    }

    async fn run(&self, mut child: Child, input: Vec<u8>) -> Result<(), Error> {
        let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A program that does not care for its input closes it: no failure.
                stdin.write_all(&input).await.ok();
            }
        };
        let mut said = Vec::new();
        let ended = {
            let mut listen = pin!(tail(stderr, &mut said).fuse());
            let talk = async {
                tokio::join!(feed, &mut listen);
                std::future::pending().await
            };
            let ended = async {
                tokio::select! { ended = child.wait() => ended, ended = talk => ended }
            };
            let ended = tokio::time::timeout(self.timeout, ended).await;
            match &ended {
                // It has been waited for: its number may be another's by now.
                Ok(Ok(_)) => group.0 = None,
                _ => drop(group),
            }
            if !listen.is_terminated() {
                tokio::time::timeout(GRACE, listen).await.ok();
            }
            ended
        };
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.ended(status, &said)),
            Ok(Err(error)) => Err(self.failed(ErrorKind::Command, &error.to_string(), RetryHint::Backoff)),
            Err(_) => {
                // So that no zombie is left; a process that cannot even die is not waited for.
                tokio::time::timeout(GRACE, child.wait()).await.ok();
                let why = format!("killed, not done after {}", sre_core::duration::format(self.timeout));
                Err(self.failed(ErrorKind::Timeout, &why, RetryHint::Backoff))
            }
        }
    }

    fn ended(&self, status: ExitStatus, said: &[u8]) -> Error {
        let said = String::from_utf8_lossy(said);
        let why = match said.trim() {
            "" => status.to_string(),
            said => format!("{status}: {said}"),
        };
        match status.code() {
            Some(64 | 65 | 77 | 78) => self.failed(ErrorKind::Refused, &why, RetryHint::Never),
            _ => self.failed(ErrorKind::Command, &why, RetryHint::Backoff),
        }
    }

    fn failed(&self, kind: ErrorKind, why: &str, hint: RetryHint) -> Error {
        let delivery = if kind == ErrorKind::Refused { Delivery::Answered } else { Delivery::MaybeSent };
        Error::new(kind, self.target.clone()).with_detail(why).with_delivery(delivery).with_hint(hint)
    }
}

/// It could not be started: a wrong name is a wrong setting, too many processes are not.
fn not_started(target: &Target, error: io::Error) -> Error {
    let setting = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied);
    let (kind, hint) = match setting {
        true => (ErrorKind::Config, RetryHint::Never),
        false => (ErrorKind::Command, RetryHint::Backoff),
    };
    let e = Error::new(kind, target.clone()).with_detail(format!("cannot be started: {error}"));
    e.with_delivery(Delivery::NotSent).with_hint(hint).with_source(error)
}

fn variables(n: &Notification) -> [(&'static str, String); 7] {
    [
        ("ALERT_KEY", n.key.as_str()),
        ("ALERT_EVENT", n.event.as_str()),
        ("ALERT_SEVERITY", n.severity.as_str()),
        ("ALERT_TITLE", n.title.as_str()),
        ("ALERT_SOURCE", n.source.as_str()),
        ("ALERT_TEXT", n.text.as_str()),
        ("ALERT_LINK", n.link.as_deref().unwrap_or_default()),
    ]
    .map(|(name, value)| {
        let end = value.floor_char_boundary(VARIABLE);
        // A variable ends at a zero byte.
        (name, value[..end].replace('\0', "\u{fffd}"))
    })
}

/// Reads all there is and keeps the end of it.
async fn tail(stream: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut stream) = stream else { return };
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = stream.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..n]);
        kept.drain(..kept.len().saturating_sub(SAID));
    }
}

impl fmt::Debug for Command {
    /// Arguments and variables may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&OsString> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Command")
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("env", &names)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            signal::killpg(pid, Signal::SIGKILL).ok();
        }
    }
}

impl Notifier for Command {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move {
            let started = self.clock.instant();
            let input = serde_json::to_vec(notification).unwrap_or_default();
            let child = self.spawn(notification).map_err(|e| not_started(&self.target, e))?;
            let done = self.run(child, input).await;
            let elapsed = self.clock.instant() - started;
            done.map_err(|e| e.with_elapsed(elapsed))?;
            Ok(Receipt::new(self.target.clone(), 1, 1, elapsed))
        })
    }
}
