//! Files from a host.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::time::Instant;

use super::destination::{inside, keep, mend, temporary};
use super::listing::{Listing, RemoteFile};
use super::receipt::{Method, Receipt, Verified};
use super::receive::Receive;
use super::remote_path::{below, name, plain};
use super::sftp;
use super::shell::{self, Shell};
use super::source::sum;
use super::trouble::{Trouble, blocking, failed, local, still_time, usage};
use crate::command::{Stdin, Sudo};
use crate::error::{Error, ErrorKind};
use crate::exec::ExecContext;
use crate::interrupt::Interrupt;
use crate::phase::Phase;
use crate::transport::Session;

/// A file or folder of a host that is to be here.
///
/// ```
/// use sre_remote::transfer::Download;
/// let log = Download::new("/var/log/syslog", "logs/web-01/").with_max_bytes(100 << 20);
/// # let _ = log;
/// ```
#[derive(Debug, Clone)]
pub struct Download {
    remote: String,
    local: PathBuf,
    mode: Option<u32>,
    recursive: bool,
    max_bytes: Option<u64>,
    sudo: Option<Sudo>,
    method: Option<Method>,
}

/// A transfer in progress.
struct Work<'a> {
    download: &'a Download,
    shell: Shell<'a>,
    receipt: Receipt,
}

/// Brings a file or folder of a host here, unless it is here already. Missing local folders are made.
///
/// # Errors
/// [`ErrorKind::Transfer`] with the path it is about when a file cannot be read, written or verified, or is larger than
/// allowed; [`ErrorKind::Usage`] and [`ErrorKind::Unsupported`] for what cannot work; and whatever the session reports.
/// Files that were finished before stay.
///
/// # Cancel safety
/// Dropping the future removes the file that was being written.
pub async fn download(session: &mut dyn Session, download: &Download, context: &ExecContext) -> Result<Receipt, Error> {
    let begun = Instant::now();
    let path = plain(&download.remote)?;
    let over_shell = match download.method {
        Some(Method::Sftp) => Err(Trouble::NoShell("SFTP was asked for".to_owned())),
        _ => over_shell(session, download, &path, context).await,
    };
    let receipt = match over_shell {
        Ok(receipt) => receipt,
        Err(Trouble::Failed(error)) => return Err(error),
        Err(Trouble::NoShell(reason)) => over_sftp(session, download, &path, context, &reason).await?,
    };
    Ok(Receipt { elapsed: begun.elapsed(), ..receipt })
}

// === impl Download ===

impl Download {
    /// From a path of the host to a local one. A local folder takes a file under its own name.
    #[must_use]
    pub fn new(remote: impl Into<String>, local: impl Into<PathBuf>) -> Self {
        let (remote, local) = (remote.into(), local.into());
        Self { remote, local, mode: None, recursive: false, max_bytes: None, sudo: None, method: None }
    }

    /// The mode of the local file or files. Default: the host's, without write access for others.
    #[must_use]
    pub fn with_mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode & 0o7777);
        self
    }

    /// Takes a folder with all that is below it. Default: a folder is refused.
    #[must_use]
    pub fn recursive(mut self, recursive: bool) -> Self {
        self.recursive = recursive;
        self
    }

    /// The most bytes that all files together may have; what is larger is refused before it is fetched (over SFTP:
    /// when it has come). Default: no bound.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }

    /// Reads as another user.
    #[must_use]
    pub fn with_sudo(mut self, sudo: Sudo) -> Self {
        self.sudo = Some(sudo);
        self
    }

    /// Only by this method. Default: the shell, and SFTP where there is none.
    #[must_use]
    pub fn with_method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// The path on the host.
    #[must_use]
    pub fn remote(&self) -> &str {
        &self.remote
    }

    /// The local path.
    #[must_use]
    pub fn local(&self) -> &Path {
        &self.local
    }

    /// Where a single file goes.
    fn file_target(&self) -> Result<PathBuf, Error> {
        let is_folder = self.local.is_dir() || self.local.to_string_lossy().ends_with('/');
        if !is_folder {
            return Ok(self.local.clone());
        }
        let name = name(&self.remote).ok_or_else(|| usage(&self.remote, "it does not name a file"))?;
        Ok(self.local.join(name))
    }

    fn allow(&self, path: &str, bytes: u64) -> Result<(), Error> {
        match self.max_bytes {
            Some(most) if bytes > most => Err(failed(path, format!("{bytes} bytes, at most {most} are allowed"))),
            _ => Ok(()),
        }
    }
}

// === impl Work ===

impl Work<'_> {
    async fn folder(&mut self, root: &str) -> Result<(), Error> {
        if !self.download.recursive {
            return Err(failed(root, "it is a folder, and the transfer is not recursive"));
        }
        let each = shell::text(shell::EACH);
        let answer = self.shell.run(shell::LIST, &[root.to_owned(), each], Stdin::Empty).await?;
        let listing = Listing::parse(&answer.raw, &answer.nonce, root, &answer.complaint)?;
        drop(answer);
        self.download.allow(root, listing.files.iter().map(|file| file.size).sum())?;
        self.receipt.skipped = listing.skipped;
        let target = &self.download.local;
        for folder in &listing.folders {
            let path = inside(target, folder)?;
            if !path.is_dir() {
                fs::create_dir_all(&path).map_err(|error| local(&path, error.to_string()))?;
                self.receipt.change = super::Change::Changed;
            }
        }
        for file in &listing.files {
            still_time(&file.path, self.shell.context())?;
            let path = below(root, file.path.trim_start_matches("./"));
            self.file(&path, file, &inside(target, &file.path)?).await?;
        }
        Ok(())
    }

    async fn file(&mut self, path: &str, file: &RemoteFile, target: &Path) -> Result<(), Error> {
        self.receipt.files += 1;
        if file.sha256.is_some() && is_here(target, file, self.shell.context()).await? {
            if mend(target, self.download.mode)? {
                self.receipt.mended();
            }
            return Ok(());
        }
        let mode = self.download.mode.or(file.mode.map(|mode| mode & 0o755)).unwrap_or(0o644);
        keep(self.fetch(path, file, target).await?, target, mode)?;
        if file.sha256.is_none() {
            self.receipt.verified = Verified::Size;
        }
        self.receipt.wrote(file.size);
        Ok(())
    }

    async fn fetch(&mut self, path: &str, file: &RemoteFile, target: &Path) -> Result<NamedTempFile, Error> {
        let (nonce, outer) = (shell::nonce(), self.shell.context());
        let stop = Interrupt::new();
        let mut receive = Receive::new(temporary(target)?, format!("{nonce} data\n"), file.size, stop.clone());
        let args = [path.to_owned(), file.size.to_string()];
        let inner = outer.clone().with_interrupt(stop.clone());
        let exec = self.shell.exec(shell::FETCH, &nonce, &args, Stdin::Empty, &inner, &mut receive);
        let pass_on = async {
            outer.interrupt.triggered().await;
            stop.trigger();
            std::future::pending::<()>().await;
        };
        let ended = tokio::select! {
            ended = exec => ended,
            () = pass_on => return Err(failed(path, "interrupted")),
        };
        match (receive.finish(), ended) {
            (Err(reason), Err(error)) if error.kind() == ErrorKind::Interrupted && !outer.interrupt.is_triggered() => {
                Err(failed(path, reason))
            }
            (_, Err(error)) => Err(error),
            (Err(reason), _) => Err(failed(path, reason)),
            (Ok(received), Ok(exit)) if received.size != file.size => {
                let (got, all, said) = (received.size, file.size, received.complaint);
                Err(failed(path, format!("{got} of {all} bytes came, then {exit} {said}").trim_end()))
            }
            (Ok(received), Ok(_)) => match &file.sha256 {
                Some(sha256) if *sha256 != received.sha256 => {
                    Err(failed(path, "what came has another checksum: it changed while it was read"))
                }
                _ => Ok(received.file),
            },
        }
    }
}

async fn over_shell(
    session: &mut dyn Session,
    download: &Download,
    path: &str,
    context: &ExecContext,
) -> Result<Receipt, Trouble> {
    let shell = Shell::new(session, context, download.sudo.as_ref());
    let mut work = Work { download, shell, receipt: Receipt::new(Method::Shell) };
    let answer = work.shell.greet(shell::LOOK, &[path.to_owned()], "look").await?;
    let line = answer.lines.first().map(String::as_str).unwrap_or_default();
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    match words[..] {
        ["folder"] => work.folder(path).await?,
        ["absent"] => return Err(failed(path, "there is no such file").into()),
        ["unreadable"] => return Err(failed(path, "it may not be read").into()),
        ["file", size, mode, _, _, sha256] => {
            let size = size.parse().map_err(|_| failed(path, "it cannot be read"))?;
            download.allow(path, size)?;
            let mode = u32::from_str_radix(mode, 8).ok();
            let sha256 = (sha256 != "-").then(|| sha256.to_owned());
            let file = RemoteFile { path: path.to_owned(), size, mode, sha256 };
            work.file(path, &file, &download.file_target()?).await?;
        }
        _ => return Err(failed(path, "it is neither a file nor a folder").into()),
    }
    Ok(work.receipt)
}

async fn over_sftp(
    session: &mut dyn Session,
    download: &Download,
    path: &str,
    context: &ExecContext,
    reason: &str,
) -> Result<Receipt, Error> {
    if download.method == Some(Method::Shell) || download.sudo.is_some() || download.recursive {
        let error = Error::about(ErrorKind::Unsupported, Phase::Transfer, sre_core::Target::new(path));
        return Err(error.with_detail(format!("sudo, folders and this method need a shell on the host ({reason})")));
    }
    let target = download.file_target()?;
    let copy = temporary(&target)?;
    let (size, sha256) = sftp::fetch(session, path, copy.path(), context).await.map_err(|error| {
        if error.kind() == ErrorKind::Unsupported { error.with_detail(format!("no SFTP, and {reason}")) } else { error }
    })?;
    download.allow(path, size)?;
    let mut receipt = Receipt { files: 1, verified: Verified::Size, ..Receipt::new(Method::Sftp) };
    let file = RemoteFile { path: path.to_owned(), size, mode: None, sha256: Some(sha256) };
    if is_here(&target, &file, context).await? {
        if mend(&target, download.mode)? {
            receipt.mended();
        }
        return Ok(receipt);
    }
    keep(copy, &target, download.mode.unwrap_or(0o644))?;
    receipt.wrote(size);
    Ok(receipt)
}

/// Whether a local file has this content.
async fn is_here(target: &Path, file: &RemoteFile, context: &ExecContext) -> Result<bool, Error> {
    let same_size = |about: fs::Metadata| about.is_file() && about.len() == file.size;
    if !fs::symlink_metadata(target).is_ok_and(same_size) {
        return Ok(false);
    }
    let path = target.to_owned();
    let (_, sha256) =
        blocking(target, context, move || sum(&path).map_err(|error| local(&path, error.to_string()))).await?;
    Ok(file.sha256.as_ref() == Some(&sha256))
}
