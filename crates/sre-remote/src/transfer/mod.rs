//! Files to and from a host: whole or not at all, verified, and not sent when they are there already.
//!
//! **Method.** Over the shell first: one command says what is there (size, SHA-256, mode), a second takes the content on
//! its standard input, verifies it and renames it into place. That works without an SFTP subsystem, becomes another
//! user by `sudo`, and has no round trip a block. Where a host has no usable shell (a forced `internal-sftp`, an
//! appliance), a single file goes over SFTP, verified by reading it back. A folder is a list first and then its files,
//! one after the other over the same session: each is verified and renamed by itself, memory stays flat, and the host
//! needs no `tar` (whose streams neither verify nor replace atomically).
//!
//! **Never half a file.** Content goes to `.sre-upload.*` in the folder of its target, opened for us alone, and is moved
//! over the target when its size and checksum are right. A failure or a signal removes it; what a killed shell left is
//! removed by the next upload into that folder from the same host. A reboot of the host within seconds is not covered:
//! nothing is flushed to its disk.
//!
//! **Checksums** by the host's `sha256sum`, `shasum`, `openssl`, `sha256` or `busybox`. Where it has none of them, sizes
//! are compared and [`Receipt::verified`] says [`Verified::Size`].
//!
//! **Names** are data: they may hold anything but a zero byte, and must be UTF-8. A path that is not absolute counts from
//! the login folder. A trailing slash means "into this folder, under its own name".
//!
//! **Links.** Uploads send what a link points to when that is a file, and refuse links to folders. A link that stands
//! where a file shall go is replaced, not followed. Downloads follow a link that is named, and skip those
//! below a folder ([`Receipt::skipped`]): nothing a host says leads out of the local folder.
//!
//! **Mode and owner.** A file that is replaced keeps its mode, and its owner where we may set it; a new one gets
//! the mode of its source without write access for others. [`Upload::with_mode`] and [`Upload::with_owner`] decide otherwise.
//!
//! ```no_run
//! # async fn example(session: &mut dyn sre_remote::Session, context: &sre_remote::ExecContext) -> Result<(), sre_remote::Error> {
//! use sre_remote::transfer::{Upload, upload};
//! let conf = Upload::new("nginx.conf", "/etc/nginx/").with_mode(0o644).with_owner("root:root");
//! let receipt = upload(session, &conf, context).await?;
//! println!("{:?}: {} bytes", receipt.change, receipt.bytes);
//! # Ok(())
//! # }
//! ```

mod destination;
mod download;
mod listing;
mod receipt;
mod receive;
mod remote_path;
mod sftp;
mod shell;
mod source;
mod trouble;
mod upload;

pub use download::{Download, download};
pub use receipt::{Change, Method, Receipt, Verified};
pub use upload::{Upload, upload};
