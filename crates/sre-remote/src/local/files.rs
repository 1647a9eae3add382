//! Files of this machine.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

use crate::error::{Error, ErrorKind};
use crate::exec::ExecContext;
use crate::host::Host;
use crate::phase::Phase;

/// A path that is not absolute counts from the folder that commands run in.
pub(super) fn below(folder: Option<&Path>, path: &str) -> PathBuf {
    folder.map_or_else(|| PathBuf::from(path), |folder| folder.join(path))
}

/// Works on files until the deadline passes or the interrupt is thrown.
pub(super) async fn within<T>(
    host: &Host,
    context: &ExecContext,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, Error> {
    let fault = |kind| Error::new(kind, Phase::Transfer, host);
    tokio::select! {
        biased;
        () = context.interrupt.triggered() => Err(fault(ErrorKind::Interrupted)),
        done = context.deadline.limit(work) => match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(e)) => Err(fault(ErrorKind::Transfer).with_detail(e.to_string()).with_source(e)),
            Err(_) => Err(fault(ErrorKind::Timeout).with_detail("the file was not copied in time")),
        },
    }
}

/// Copies the content, and gives a new file its mode before anything is in it.
pub(super) async fn copy(from: &Path, to: &Path, mode: Option<u32>) -> io::Result<u64> {
    let mut source = File::open(from).await?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if let Some(mode) = mode {
        options.mode(mode);
    }
    let mut target = options.open(to).await?;
    if let Some(mode) = mode {
        target.set_permissions(Permissions::from_mode(mode)).await?;
    }
    let bytes = tokio::io::copy(&mut source, &mut target).await?;
    target.flush().await?;
    Ok(bytes)
}
