//! Commands on this machine.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::process::Command as Process;

use super::files;
use crate::child::{Background, Ended, Group, run};
use crate::command::Command;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::exec::{ExecContext, OutputSink};
use crate::exit::Exit;
use crate::host::Host;
use crate::phase::Phase;
use crate::transport::{BoxFuture, Peer, Session};
use crate::wrap::{Kill, Wrapped};

const SHELL: &str = "/bin/sh";
/// Between TERM and KILL, as on hosts.
const GRACE: Duration = Duration::from_secs(2);
/// For sudo's part of a kill.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// This machine.
#[derive(Debug)]
pub(super) struct LocalSession {
    host: Host,
    folder: Option<PathBuf>,
    peer: Peer,
    background: Background,
}

// === impl LocalSession ===

impl LocalSession {
    pub(super) fn new(host: Host, folder: Option<PathBuf>, background: Background) -> Self {
        Self { host, folder, peer: Peer::default(), background }
    }

    async fn run(
        &mut self,
        command: &Command,
        context: &ExecContext,
        sink: &mut dyn OutputSink,
    ) -> Result<Exit, Error> {
        let fault = |kind, why: String| Error::new(kind, Phase::Exec, &self.host).with_detail(why);
        if command.pty() {
            return Err(fault(ErrorKind::Unsupported, "the local transport has no terminal".to_owned()));
        }
        let Wrapped { text, stdin, mut filter } = Wrapped::new(command).map_err(|why| fault(ErrorKind::Usage, why))?;
        if context.interrupt.is_triggered() {
            return Err(Error::new(ErrorKind::Interrupted, Phase::Exec, &self.host));
        }
        let mut shell = Process::new(SHELL);
        shell.arg("-c").arg(&text).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = &self.folder {
            shell.current_dir(folder);
        }
        let mut group = Group::spawn(&mut shell).map_err(|e| fault(ErrorKind::ExecRefused, format!("{SHELL}: {e}")))?;
        match run(&mut group, &self.host, command, &mut filter, stdin, context, sink).await {
            Ok(Ended::Itself(status)) => Ok(exit(status)),
            Ok(Ended::Left(left)) => {
                let killed = self.end(group, filter.group(), command).await;
                Err(left.into_error(&self.host, Some(killed)))
            }
            Err(e) => {
                self.end(group, filter.group(), command).await;
                Err(e)
            }
        }
    }

    async fn end(&self, mut group: Group, id: Option<u32>, command: &Command) -> bool {
        let sudo = id.zip(command.sudo()).map(|(id, sudo)| Kill::text(id, Some(sudo)));
        self.background
            .killing(async move {
                if let Some(text) = sudo {
                    kill_by_sudo(&text).await;
                }
                group.end(GRACE).await
            })
            .await
    }
}

/// What sudo started belongs to another user.
async fn kill_by_sudo(text: &str) {
    let mut shell = Process::new(SHELL);
    shell.arg("-c").arg(text).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(mut killer) = Group::spawn(&mut shell) {
        let _ = Deadline::after(KILL_LIMIT).limit(killer.wait()).await;
    }
}

/// The kernel says how it ended, so a status of 0 needs no other proof.
fn exit(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => u32::try_from(code).map_or(Exit::Lost, Exit::Code),
        (None, Some(number)) => {
            let name =
                Signal::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.as_str()[3..].to_owned());
            Exit::Signal(name)
        }
        (None, None) => Exit::Lost,
    }
}

impl Session for LocalSession {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn exec<'a>(
        &'a mut self,
        command: &'a Command,
        context: &'a ExecContext,
        sink: &'a mut dyn OutputSink,
    ) -> BoxFuture<'a, Result<Exit, Error>> {
        Box::pin(self.run(command, context, sink))
    }

    fn write_file<'a>(
        &'a mut self,
        from: &'a Path,
        to: &'a str,
        mode: u32,
        context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        let to = files::below(self.folder.as_deref(), to);
        Box::pin(files::within(&self.host, context, async move { files::copy(from, &to, Some(mode)).await }))
    }

    fn read_file<'a>(
        &'a mut self,
        from: &'a str,
        to: &'a Path,
        context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        let from = files::below(self.folder.as_deref(), from);
        Box::pin(files::within(&self.host, context, async move { files::copy(&from, to, None).await }))
    }

    fn rename_file<'a>(
        &'a mut self,
        from: &'a str,
        to: &'a str,
        context: &'a ExecContext,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let folder = self.folder.as_deref();
        let (from, to) = (files::below(folder, from), files::below(folder, to));
        Box::pin(files::within(&self.host, context, async move { tokio::fs::rename(&from, &to).await }))
    }

    fn remove_file<'a>(&'a mut self, path: &'a str, context: &'a ExecContext) -> BoxFuture<'a, Result<(), Error>> {
        let path = files::below(self.folder.as_deref(), path);
        Box::pin(files::within(&self.host, context, async move { tokio::fs::remove_file(&path).await }))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}
