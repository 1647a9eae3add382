//! Errors of a transfer, and the one that leads to another method.

use std::path::Path;

use sre_core::{Delivery, Target};

use crate::error::{Error, ErrorKind};
use crate::exec::ExecContext;
use crate::phase::Phase;

/// Why a transfer over the shell stopped.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The host runs no commands of ours, for this reason: nothing was done yet.
    NoShell(String),
    /// Anything else.
    Failed(Error),
}

// === impl Trouble ===

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A file of the host that could not be read, written or verified.
pub(super) fn failed(path: &str, detail: impl AsRef<str>) -> Error {
    Error::about(ErrorKind::Transfer, Phase::Transfer, Target::new(path)).with_detail(detail)
}

/// A local file that could not be read or written; nothing happened on the host.
pub(super) fn local(path: &Path, detail: impl AsRef<str>) -> Error {
    let target = Target::new(path.to_string_lossy());
    Error::about(ErrorKind::Transfer, Phase::Transfer, target).with_detail(detail).with_delivery(Delivery::NotSent)
}

/// A setting that cannot work.
pub(super) fn usage(path: &str, detail: impl AsRef<str>) -> Error {
    let error = Error::about(ErrorKind::Usage, Phase::Transfer, Target::new(path));
    error.with_detail(detail).with_delivery(Delivery::NotSent)
}

/// Whether there is time for another step.
pub(super) fn still_time(path: &str, context: &ExecContext) -> Result<(), Error> {
    if context.interrupt.is_triggered() {
        return Err(Error::about(ErrorKind::Interrupted, Phase::Transfer, Target::new(path)));
    }
    if context.deadline.has_passed() {
        return Err(Error::about(ErrorKind::Timeout, Phase::Transfer, Target::new(path)));
    }
    Ok(())
}

/// Work on local files that may take long, away from the network's threads and within the limits.
pub(super) async fn blocking<T: Send + 'static>(
    path: &Path,
    context: &ExecContext,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let work = tokio::task::spawn_blocking(work);
    tokio::select! {
        done = context.deadline.limit(work) => match done {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(local(path, "the work on local files was given up")),
            Err(_) => Err(late(path)),
        },
        () = context.interrupt.triggered() => {
            let target = Target::new(path.to_string_lossy());
            Err(Error::about(ErrorKind::Interrupted, Phase::Transfer, target).with_delivery(Delivery::NotSent))
        }
    }
}

/// The time was over before anything was sent.
pub(super) fn late(path: &Path) -> Error {
    let target = Target::new(path.to_string_lossy());
    Error::about(ErrorKind::Timeout, Phase::Transfer, target).with_delivery(Delivery::NotSent)
}
