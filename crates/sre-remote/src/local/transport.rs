//! The transport: there is nothing to connect to.

use std::path::PathBuf;

use super::session::LocalSession;
use crate::child::Background;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::host::Host;
use crate::transport::{BoxFuture, Session, Transport};

/// Runs commands on this machine, whatever host is asked for.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sre_remote::Error> {
/// use std::time::Duration;
/// use sre_remote::local::LocalTransport;
/// use sre_remote::{Captured, Command, Deadline, ExecContext, Host, Transport};
/// let deadline = Deadline::after(Duration::from_secs(10));
/// let mut session = LocalTransport::new().connect(&Host::new("localhost"), deadline).await?;
/// let mut output = Captured::with_cap(1 << 20);
/// let exit = session.exec(&Command::shell("echo $((6 * 7))"), &ExecContext::until(deadline), &mut output).await?;
/// assert!(exit.is_success());
/// assert_eq!(output.stdout, b"42\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct LocalTransport {
    folder: Option<PathBuf>,
    background: Background,
}

// === impl LocalTransport ===

impl LocalTransport {
    /// Commands run in our own working folder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Commands run in this folder, as those of a login run in its home.
    #[must_use]
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }
}

impl Transport for LocalTransport {
    fn connect<'a>(&'a self, host: &'a Host, _deadline: Deadline) -> BoxFuture<'a, Result<Box<dyn Session>, Error>> {
        let session: Box<dyn Session> =
            Box::new(LocalSession::new(host.clone(), self.folder.clone(), self.background.clone()));
        Box::pin(std::future::ready(Ok(session)))
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.background.settle())
    }
}
