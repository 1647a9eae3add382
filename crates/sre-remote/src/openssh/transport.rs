//! From a host to a session.

use std::sync::Arc;

use sre_core::Target;
use tempfile::TempDir;
use tokio::time::Instant;

use super::arguments;
use super::master::Master;
use super::options::OpenSshOptions;
use super::session::OpenSshSession;
use crate::child::Background;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::phase::Phase;
use crate::ssh::HostKeyPolicy;
use crate::ssh_config::Jump;
use crate::timings::Timings;
use crate::transport::{BoxFuture, Peer, Session, Transport};

/// SSH by the system's `ssh`; see the [module](super) for what that means.
///
/// ```no_run
/// # async fn example() -> Result<(), sre_remote::Error> {
/// use std::time::Duration;
/// use sre_remote::openssh::{OpenSshOptions, OpenSshTransport};
/// use sre_remote::{Captured, Command, Deadline, ExecContext, Host, Transport};
///
/// let ssh = OpenSshTransport::new(OpenSshOptions::new())?;
/// let deadline = Deadline::after(Duration::from_secs(30));
/// let mut session = ssh.connect(&Host::new("web-01"), deadline).await?;
/// let mut output = Captured::with_cap(1 << 20);
/// let exit = session.exec(&Command::shell("uptime -p"), &ExecContext::until(deadline), &mut output).await?;
/// session.close().await;
/// # let _ = exit;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct OpenSshTransport {
    shared: Arc<Shared>,
}

/// What sessions share with their transport, and may outlive it with.
#[derive(Debug)]
pub(super) struct Shared {
    options: OpenSshOptions,
    folder: TempDir,
    background: Background,
}

// === impl OpenSshTransport ===

impl OpenSshTransport {
    /// Makes the private folder (mode `0700`) for the sockets.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when that cannot be made.
    pub fn new(options: OpenSshOptions) -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("sre-ssh-").tempdir_in(&options.sockets).map_err(|e| {
            let target = Target::new(options.sockets.display().to_string());
            let detail = format!("no private folder for sockets: {e}");
            Error::about(ErrorKind::Usage, Phase::Connect, target).with_detail(detail).with_source(e)
        })?;
        if options.host_keys == Some(HostKeyPolicy::Off) {
            tracing::warn!("host keys are not checked: whoever is in between can read and change everything");
        }
        Ok(Self { shared: Arc::new(Shared { options, folder, background: Background::default() }) })
    }

    async fn open(&self, host: &Host, deadline: Deadline) -> Result<Box<dyn Session>, Error> {
        let started = Instant::now();
        let master = self.shared.log_in(host, deadline).await.map_err(|e| e.with_elapsed(started.elapsed()))?;
        let said = master.log();
        let mut timings = Timings::default();
        timings.add(Phase::Connect, started.elapsed());
        let banner = Some(said.stderr.clone()).filter(|text| !text.trim().is_empty());
        let peer = Peer { address: said.address(), user: said.user(), banner, timings };
        Ok(Box::new(OpenSshSession::new(master, Arc::clone(&self.shared), host.clone(), peer)))
    }
}

// === impl Shared ===

impl Shared {
    pub(super) async fn log_in(&self, host: &Host, deadline: Deadline) -> Result<Master, Error> {
        Master::start(host, &self.options, self.folder.path(), deadline.within(self.options.login)).await
    }

    pub(super) fn background(&self) -> &Background {
        &self.background
    }
}

impl Transport for OpenSshTransport {
    fn connect<'a>(&'a self, host: &'a Host, deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Session>, Error>> {
        Box::pin(self.open(host, deadline))
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.shared.background.settle())
    }

    /// Jump hosts that only `ssh`'s configuration names are not known here.
    fn gateway(&self, host: &Host) -> Option<String> {
        let jumps = Jump::parse_list(arguments::jump(host, &self.shared.options)?).ok()?;
        jumps.into_iter().next().map(|jump| jump.host)
    }
}
