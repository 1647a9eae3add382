//! A single file over SFTP, for hosts without a usable shell.
//!
//! SFTP as sessions offer it knows neither sizes nor checksums of the host, so what is there is read and compared, and what
//! was written is read back: up to three times the traffic, but nothing is believed that was not seen.

use std::path::Path;

use tempfile::NamedTempFile;

use super::receipt::{Method, Receipt};
use super::remote_path::parent;
use super::shell::nonce;
use super::source::{SourceFile, sum};
use super::trouble::{blocking, failed, local};
use crate::error::{Error, ErrorKind};
use crate::exec::ExecContext;
use crate::transport::Session;

/// Writes a file, unless it has this content.
pub(super) async fn upload(
    session: &mut dyn Session,
    file: &SourceFile,
    path: &str,
    mode: Option<u32>,
    context: &ExecContext,
) -> Result<Receipt, Error> {
    let mut receipt = Receipt::new(Method::Sftp);
    receipt.files = 1;
    match content(session, path, context).await {
        // The mode that is there cannot be told: one that is asked for is set by writing.
        Ok(now) if mode.is_none() && now == (file.size, file.sha256.clone()) => return Ok(receipt),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::Transfer => {}
        Err(error) => return Err(error),
    }
    let temporary = format!("{}/.sre-upload.{}", parent(path), nonce());
    let written = write(session, file, &temporary, path, mode, context).await;
    if let Err(error) = written {
        if error.kind() == ErrorKind::Transfer {
            let _ = session.remove_file(&temporary, context).await;
        }
        return Err(error);
    }
    receipt.wrote(file.size);
    Ok(receipt)
}

/// Reads a file into a local one.
pub(super) async fn fetch(
    session: &mut dyn Session,
    path: &str,
    to: &Path,
    context: &ExecContext,
) -> Result<(u64, String), Error> {
    let count = session.read_file(path, to, context).await?;
    let (size, sha256) = local_sum(to, context).await?;
    if size == count {
        Ok((size, sha256))
    } else {
        Err(failed(path, format!("{count} bytes were read, {size} arrived")))
    }
}

async fn write(
    session: &mut dyn Session,
    file: &SourceFile,
    temporary: &str,
    path: &str,
    mode: Option<u32>,
    context: &ExecContext,
) -> Result<(), Error> {
    session.write_file(&file.path, temporary, mode.unwrap_or(file.mode & 0o755), context).await?;
    if content(session, temporary, context).await? != (file.size, file.sha256.clone()) {
        return Err(failed(path, "what was written has another checksum; did the local file change meanwhile?"));
    }
    session.rename_file(temporary, path, context).await
}

/// Size and checksum of a file of the host, by reading it.
async fn content(session: &mut dyn Session, path: &str, context: &ExecContext) -> Result<(u64, String), Error> {
    let copy = NamedTempFile::new().map_err(|error| local(Path::new("temporary file"), error.to_string()))?;
    fetch(session, path, copy.path(), context).await
}

async fn local_sum(path: &Path, context: &ExecContext) -> Result<(u64, String), Error> {
    let owned = path.to_owned();
    blocking(path, context, move || sum(&owned).map_err(|error| local(&owned, error.to_string()))).await
}
