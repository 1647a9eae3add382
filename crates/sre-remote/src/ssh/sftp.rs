//! Files by the server's SFTP subsystem, for hosts without a shell.

use std::io::{ErrorKind as IoKind, Read as _, Write as _};
use std::path::Path;

use ssh2::{FileStat, OpenFlags, OpenType, RenameFlags, Sftp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::link::Link;
use super::refusal::{from_stopped, timed_out};
use crate::error::{Error, ErrorKind};
use crate::exec::ExecContext;
use crate::host::Host;
use crate::phase::Phase;

/// libssh2 keeps that much on its way at a time.
const PIECE: usize = 256 * 1024;

pub(super) async fn write(
    link: &Link,
    host: &Host,
    from: &Path,
    to: &str,
    mode: u32,
    context: &ExecContext,
) -> Result<u64, Error> {
    until_stopped(host, context, async {
        let sftp = open(link, host, context).await?;
        let mut source = tokio::fs::File::open(from).await.map_err(|e| local(host, from, &e))?;
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let mode = i32::try_from(mode & 0o7777).unwrap_or(0o600);
        let opened = link.drive(context.deadline, |_| sftp.open_mode(to, flags, mode, OpenType::File)).await;
        let mut file = opened.map_err(|s| from_stopped(s, Phase::Transfer, host))?;
        let mut buffer = vec![0; PIECE];
        let mut total = 0;
        loop {
            let read = source.read(&mut buffer).await.map_err(|e| local(host, from, &e))?;
            if read == 0 {
                break;
            }
            let mut sent = 0;
            while sent < read {
                sent += io(link, host, || file.write(&buffer[sent..read])).await?;
            }
            total += read as u64;
        }
        // The mode given when it is opened goes through the server's umask.
        let perm = u32::try_from(mode).ok();
        let stat = || FileStat { size: None, uid: None, gid: None, perm, atime: None, mtime: None };
        let set = link.drive(context.deadline, |_| file.setstat(stat())).await;
        set.map_err(|s| from_stopped(s, Phase::Transfer, host))?;
        link.drive(context.deadline, |_| file.close()).await.map_err(|s| from_stopped(s, Phase::Transfer, host))?;
        Ok(total)
    })
    .await
}

pub(super) async fn read(link: &Link, host: &Host, from: &str, to: &Path, context: &ExecContext) -> Result<u64, Error> {
    until_stopped(host, context, async {
        let sftp = open(link, host, context).await?;
        let opened = link.drive(context.deadline, |_| sftp.open(from)).await;
        let mut file = opened.map_err(|s| from_stopped(s, Phase::Transfer, host))?;
        let mut target = tokio::fs::File::create(to).await.map_err(|e| local(host, to, &e))?;
        let mut buffer = vec![0; PIECE];
        let mut total = 0;
        loop {
            let got = io(link, host, || file.read(&mut buffer)).await?;
            if got == 0 {
                break;
            }
            target.write_all(&buffer[..got]).await.map_err(|e| local(host, to, &e))?;
            total += got as u64;
        }
        target.sync_all().await.map_err(|e| local(host, to, &e))?;
        link.drive(context.deadline, |_| file.close()).await.map_err(|s| from_stopped(s, Phase::Transfer, host))?;
        Ok(total)
    })
    .await
}

/// Version 3 of SFTP, which is what servers speak, refuses a target that exists, and libssh2's Rust binding lacks OpenSSH's
/// extension for it. Then the target steps aside first: for a moment nobody has its name, and its content is never lost.
pub(super) async fn rename(link: &Link, host: &Host, from: &str, to: &str, context: &ExecContext) -> Result<(), Error> {
    until_stopped(host, context, async {
        let sftp = open(link, host, context).await?;
        let flags = RenameFlags::OVERWRITE | RenameFlags::ATOMIC | RenameFlags::NATIVE;
        let aside = format!("{from}.old");
        let (from, to, aside) = (Path::new(from), Path::new(to), Path::new(&aside));
        let rename =
            async |from, to| link.drive(context.deadline, |_| Sftp::rename(&sftp, from, to, Some(flags))).await;
        let fail = |stopped| from_stopped(stopped, Phase::Transfer, host);
        let Err(refused) = rename(from, to).await else { return Ok(()) };
        let there = link.drive(context.deadline, |_| sftp.lstat(to)).await;
        if there.map_or(true, |stat| stat.is_dir()) {
            return Err(fail(refused));
        }
        rename(to, aside).await.map_err(fail)?;
        if let Err(refused) = rename(from, to).await {
            let _ = rename(aside, to).await;
            return Err(fail(refused));
        }
        link.drive(context.deadline, |_| sftp.unlink(aside)).await.map_err(fail)
    })
    .await
}

pub(super) async fn remove(link: &Link, host: &Host, path: &str, context: &ExecContext) -> Result<(), Error> {
    until_stopped(host, context, async {
        let sftp = open(link, host, context).await?;
        let removed = link.drive(context.deadline, |_| sftp.unlink(Path::new(path))).await;
        removed.map_err(|s| from_stopped(s, Phase::Transfer, host))
    })
    .await
}

async fn open(link: &Link, host: &Host, context: &ExecContext) -> Result<Sftp, Error> {
    link.drive(context.deadline, |session| session.sftp()).await.map_err(|stopped| {
        let error = from_stopped(stopped, Phase::Transfer, host);
        if error.kind() == ErrorKind::Timeout || error.kind() == ErrorKind::Broken {
            return error;
        }
        Error::new(ErrorKind::Unsupported, Phase::Transfer, host)
            .with_detail(format!("the server has no SFTP subsystem ({})", error.detail()))
    })
}

/// One read or write, repeated when the socket is ready.
async fn io(link: &Link, host: &Host, mut step: impl FnMut() -> std::io::Result<usize>) -> Result<usize, Error> {
    loop {
        let failed = match step() {
            Err(e) if e.kind() == IoKind::WouldBlock => link.wait().await.err(),
            Err(e) => Some(e),
            Ok(count) => return Ok(count),
        };
        if let Some(e) = failed {
            return Err(Error::new(ErrorKind::Transfer, Phase::Transfer, host).with_detail(format!("SFTP: {e}")));
        }
    }
}

async fn until_stopped<T>(
    host: &Host,
    context: &ExecContext,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        biased;
        () = context.interrupt.triggered() => Err(Error::new(ErrorKind::Interrupted, Phase::Transfer, host)),
        done = context.deadline.limit(work) => done.unwrap_or_else(|_| Err(timed_out(Phase::Transfer, host))),
    }
}

fn local(host: &Host, path: &Path, e: &std::io::Error) -> Error {
    Error::new(ErrorKind::Transfer, Phase::Transfer, host).with_detail(format!("{} here: {e}", path.display()))
}
