//! Files to a host.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::receipt::{Method, Receipt, Verified};
use super::remote_path::{below, target};
use super::sftp;
use super::shell::{self, Answer, Shell};
use super::source::{Source, SourceFile};
use super::trouble::{Trouble, blocking, failed, late, still_time, usage};
use crate::command::{Stdin, Sudo};
use crate::error::{Error, ErrorKind};
use crate::exec::ExecContext;
use crate::phase::Phase;
use crate::transport::Session;

/// A file or folder that is to be on a host. The same one serves all hosts of a run: clones share what is read of it.
///
/// ```
/// use sre_remote::transfer::Upload;
/// let site = Upload::new("site", "/srv/www").recursive(true).with_owner("www-data:www-data");
/// # let _ = site;
/// ```
#[derive(Debug, Clone)]
pub struct Upload {
    local: PathBuf,
    remote: String,
    mode: Option<u32>,
    owner: Option<String>,
    recursive: bool,
    parents: bool,
    sudo: Option<Sudo>,
    method: Option<Method>,
    source: Arc<OnceCell<Source>>,
}

/// What is at the target now.
#[derive(Debug, PartialEq, Eq)]
enum Now {
    File { size: Option<u64>, mode: Option<u32>, owner: Option<String>, sha256: Option<String> },
    Link,
    Folder,
    Special,
    Absent,
}

/// A transfer in progress.
struct Work<'a> {
    upload: &'a Upload,
    shell: Shell<'a>,
    receipt: Receipt,
}

/// Brings a file or folder to a host, unless it is there already.
///
/// # Errors
/// [`ErrorKind::Transfer`] with the path it is about when a file cannot be read, written or verified,
/// [`ErrorKind::Usage`] and [`ErrorKind::Unsupported`] for what cannot work, and whatever the session reports
/// (connection lost, timed out, interrupted, `sudo` refused). Files that were finished before stay.
///
/// # Cancel safety
/// Dropping the future never leaves half a file under the final name.
pub async fn upload(session: &mut dyn Session, upload: &Upload, context: &ExecContext) -> Result<Receipt, Error> {
    let begun = Instant::now();
    let path = target(&upload.remote, &upload.local)?;
    upload.check_owner()?;
    let source = upload.source(context).await?;
    let over_shell = match upload.method {
        Some(Method::Sftp) => Err(Trouble::NoShell("SFTP was asked for".to_owned())),
        _ => over_shell(session, upload, source, &path, context).await,
    };
    let receipt = match over_shell {
        Ok(receipt) => receipt,
        Err(Trouble::Failed(error)) => return Err(error),
        Err(Trouble::NoShell(reason)) => over_sftp(session, upload, source, &path, context, &reason).await?,
    };
    Ok(Receipt { elapsed: begun.elapsed(), ..receipt })
}

// === impl Upload ===

impl Upload {
    /// From a local path to one of the host.
    #[must_use]
    pub fn new(local: impl Into<PathBuf>, remote: impl Into<String>) -> Self {
        Self {
            local: local.into(),
            remote: remote.into(),
            mode: None,
            owner: None,
            recursive: false,
            parents: false,
            sudo: None,
            method: None,
            source: Arc::default(),
        }
    }

    /// The mode of the file, or of all files of the folder.
    #[must_use]
    pub fn with_mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode & 0o7777);
        self
    }

    /// Whose they shall be, as `chown` takes it: `user`, `user:group` or `:group`.
    #[must_use]
    pub fn with_owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Takes a folder with all that is below it. Default: a folder is refused.
    #[must_use]
    pub fn recursive(mut self, recursive: bool) -> Self {
        self.recursive = recursive;
        self.source = Arc::default();
        self
    }

    /// Makes missing folders above the target. Default: they must be there.
    #[must_use]
    pub fn with_parents(mut self, parents: bool) -> Self {
        self.parents = parents;
        self
    }

    /// Writes as another user.
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

    /// The local path.
    #[must_use]
    pub fn local(&self) -> &std::path::Path {
        &self.local
    }

    /// The path on the host.
    #[must_use]
    pub fn remote(&self) -> &str {
        &self.remote
    }

    /// Reads the local side and sums it up, for which the first host would wait otherwise. What is wrong with it each host
    /// says by itself.
    pub async fn prepare(&self, context: &ExecContext) {
        let _ = self.source(context).await;
    }

    async fn source(&self, context: &ExecContext) -> Result<&Source, Error> {
        let read = || {
            let (path, recursive) = (self.local.clone(), self.recursive);
            blocking(&self.local, context, move || Source::read(&path, recursive))
        };
        // It may be read for somebody whose deadline is later.
        let read = context.deadline.limit(self.source.get_or_try_init(read)).await;
        read.unwrap_or_else(|_| Err(late(&self.local)))
    }

    fn check_owner(&self) -> Result<(), Error> {
        match self.owner.as_deref() {
            Some(owner) if owner.is_empty() || owner.starts_with('-') || owner.contains(char::is_control) => {
                Err(usage(&self.remote, "the owner is not a user or group"))
            }
            _ => Ok(()),
        }
    }
}

// === impl Work ===

impl Work<'_> {
    async fn folder(&mut self, source: &Source, root: &str) -> Result<(), Trouble> {
        let mut folders = vec![root.to_owned()];
        folders.extend(source.folders.iter().map(|relative| below(root, relative)));
        for batch in shell::batches(&folders, |path| path) {
            let answer = self.shell.greet(shell::FOLDERS, batch, "folder").await?;
            for (folder, line) in batch.iter().zip(&answer.lines) {
                match line.as_str() {
                    "folder kept" => {}
                    "folder made" => self.receipt.change = super::Change::Changed,
                    _ => return Err(failed(folder, format!("no such folder can be made: {}", answer.complaint)).into()),
                }
            }
            complete(&answer, batch.len(), root)?;
        }
        let files: Vec<(&SourceFile, String)> =
            source.files.iter().map(|file| (file, below(root, &file.relative))).collect();
        for batch in shell::batches(&files, |(_, path)| path) {
            self.batch(batch).await?;
        }
        Ok(())
    }

    /// Compares some files with what is there, in one round trip, and sends those that differ.
    async fn batch(&mut self, files: &[(&SourceFile, String)]) -> Result<(), Trouble> {
        let args: Vec<String> = files.iter().flat_map(|(file, path)| [path.clone(), file.size.to_string()]).collect();
        let answer = self.shell.greet(shell::CHECK, &args, "check").await?;
        let found: Vec<Now> = answer.lines[1..].iter().map(|line| Now::parse(line)).collect();
        complete(&answer, files.len() + 1, &files[0].1)?;
        for ((file, path), now) in files.iter().zip(&found) {
            still_time(path, self.shell.context())?;
            self.receipt.files += 1;
            self.one(file, path, now).await?;
        }
        Ok(())
    }

    async fn one(&mut self, file: &SourceFile, path: &str, now: &Now) -> Result<(), Error> {
        let mode = self.upload.mode;
        match now {
            Now::Folder => Err(failed(path, "it is a folder")),
            Now::Special => Err(failed(path, "it is neither a file nor a folder")),
            Now::File { size: Some(size), sha256: Some(sha256), mode: old, .. }
                if *size == file.size && *sha256 == file.sha256 =>
            {
                let mode = mode.filter(|mode| *old != Some(*mode));
                if mode.is_some() || self.upload.owner.is_some() { self.mend(path, mode).await } else { Ok(()) }
            }
            Now::File { mode: old, owner, .. } => {
                // What others must not change before, they must not change now.
                let mode = mode.or(*old).unwrap_or(file.mode & 0o755);
                self.put(file, path, mode, owner.as_deref()).await
            }
            Now::Link | Now::Absent => self.put(file, path, mode.unwrap_or(file.mode & 0o755), None).await,
        }
    }

    async fn put(&mut self, file: &SourceFile, path: &str, mode: u32, keep: Option<&str>) -> Result<(), Error> {
        let word = |word: Option<&str>| word.unwrap_or("-").to_owned();
        let args = [
            path.to_owned(),
            file.size.to_string(),
            file.sha256.clone(),
            format!("{mode:04o}"),
            word(self.upload.owner.as_deref()),
            word(keep),
            u8::from(self.upload.parents).to_string(),
        ];
        let answer = self.shell.run(shell::PUT, &args, Stdin::File(file.path.clone())).await?;
        match answer.lines.first().and_then(|line| line.split_once(' ')) {
            Some(("done", sha256)) => {
                if sha256 != file.sha256 {
                    self.receipt.verified = Verified::Size;
                }
                self.receipt.wrote(file.size);
                Ok(())
            }
            Some(("failed", reason)) => Err(failed(path, explain(reason, &answer.complaint))),
            _ => Err(silent(path, &answer)),
        }
    }

    async fn mend(&mut self, path: &str, mode: Option<u32>) -> Result<(), Error> {
        let mode = mode.map_or_else(|| "-".to_owned(), |mode| format!("{mode:04o}"));
        let owner = self.upload.owner.clone().unwrap_or_else(|| "-".to_owned());
        let answer = self.shell.run(shell::OWNER, &[mode, owner, path.to_owned()], Stdin::Empty).await?;
        match answer.lines.first().map(String::as_str) {
            Some("kept") => Ok(()),
            Some("mended") => {
                self.receipt.mended();
                Ok(())
            }
            Some(line) => Err(failed(path, explain(line.trim_start_matches("failed "), &answer.complaint))),
            None => Err(silent(path, &answer)),
        }
    }
}

// === impl Now ===

impl Now {
    fn parse(line: &str) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["file", size, mode, uid, gid, sha256] => Self::File {
                size: size.parse().ok(),
                mode: u32::from_str_radix(mode, 8).ok(),
                owner: (uid != "-" && gid != "-").then(|| format!("{uid}:{gid}")),
                sha256: (sha256 != "-").then(|| sha256.to_owned()),
            },
            ["link"] => Self::Link,
            ["folder"] => Self::Folder,
            ["absent"] => Self::Absent,
            _ => Self::Special,
        }
    }
}

async fn over_shell(
    session: &mut dyn Session,
    upload: &Upload,
    source: &Source,
    path: &str,
    context: &ExecContext,
) -> Result<Receipt, Trouble> {
    let shell = Shell::new(session, context, upload.sudo.as_ref());
    let mut work = Work { upload, shell, receipt: Receipt::new(Method::Shell) };
    match source.files.first() {
        Some(file) if !source.is_folder => work.batch(&[(file, path.to_owned())]).await?,
        _ => work.folder(source, path).await?,
    }
    Ok(work.receipt)
}

async fn over_sftp(
    session: &mut dyn Session,
    upload: &Upload,
    source: &Source,
    path: &str,
    context: &ExecContext,
    reason: &str,
) -> Result<Receipt, Error> {
    let unsupported = |what: &str| {
        let target = sre_core::Target::new(path);
        let error = Error::about(ErrorKind::Unsupported, Phase::Transfer, target);
        error.with_detail(format!("{what} needs a shell on the host ({reason})"))
    };
    match source.files.first() {
        _ if upload.method == Some(Method::Shell) => Err(unsupported("this transfer")),
        _ if upload.sudo.is_some() => Err(unsupported("sudo")),
        _ if upload.owner.is_some() => Err(unsupported("setting an owner")),
        _ if upload.parents => Err(unsupported("making folders")),
        Some(file) if !source.is_folder => {
            sftp::upload(session, file, path, upload.mode, context).await.map_err(|error| {
                if error.kind() == ErrorKind::Unsupported {
                    error.with_detail(format!("no SFTP, and {reason}"))
                } else {
                    error
                }
            })
        }
        _ => Err(unsupported("a folder")),
    }
}

/// An answer has a line for each question.
fn complete(answer: &Answer, lines: usize, path: &str) -> Result<(), Error> {
    if answer.lines.len() < lines { Err(silent(path, answer)) } else { Ok(()) }
}

/// The script ended without its last word.
pub(super) fn silent(path: &str, answer: &Answer) -> Error {
    let said = if answer.complaint.is_empty() { String::new() } else { format!(": {}", answer.complaint) };
    failed(path, format!("the host's shell ended with {} before it was done{said}", answer.exit))
}

/// The reason that a script gives, in words.
fn explain(reason: &str, complaint: &str) -> String {
    let words = match reason.split(' ').next().unwrap_or_default() {
        "parents" => "the folders above it cannot be made",
        "no-parent" => return "the folder above it does not exist".to_owned(),
        "folder" => return "it is a folder".to_owned(),
        "write" => "it cannot be written",
        "short" => return format!("only {} bytes arrived", reason.trim_start_matches("short ")),
        "checksum" => return "what arrived has another checksum; did the local file change meanwhile?".to_owned(),
        "owner" => "its owner cannot be set",
        "mode" => "its mode cannot be set",
        "rename" => "it cannot be moved into place",
        other => other,
    };
    if complaint.is_empty() { words.to_owned() } else { format!("{words}: {complaint}") }
}
