//! Brings a path into a wanted state and leaves it alone when it is there already.
//!
//! Each does the same three steps: **check** what is there, **act** through [`Effects`](crate::effects::Effects) if it
//! differs, **verify** by looking again. The result is a [`Change`] with a unified diff; a second run is
//! [`Change::Unchanged`], and a dry run says what a real one would do.
//!
//! | wanted | type |
//! | --- | --- |
//! | a folder | [`Directory`] |
//! | a file with this content | [`FileContent`] |
//! | a line in a file, or its absence | [`LineInFile`] |
//! | mode, owner, group of what is there | [`Attributes`] |
//! | a symbolic link | [`Symlink`] |
//!
//! Files are replaced in one step ([`atomic`](crate::atomic)). A symbolic link in the place of the last part of a path
//! is refused, never followed; links in the folders above are followed as usual. Owners are names or numbers.
//!
//! ```
//! use sre_core::Effects;
//! use sre_core::ensure::{Change, FileContent};
//! let dir = tempfile::tempdir().unwrap();
//! let path = dir.path().join("motd");
//! let motd = FileContent::new(&path, "hello\n").mode(0o644);
//!
//! assert!(matches!(motd.ensure(&Effects::dry_run()).unwrap(), Change::WouldChange { .. }));
//! let change = motd.ensure(&Effects::real()).unwrap();
//! assert!(change.diff().unwrap().contains("\n+hello\n"), "{change}");
//! assert_eq!(motd.ensure(&Effects::real()).unwrap(), Change::Unchanged);
//! ```

mod attributes;
mod change;
mod directory;
mod entry;
mod file;
mod line;
mod symlink;

pub use attributes::Attributes;
pub use change::Change;
pub use directory::Directory;
pub use file::FileContent;
pub use line::LineInFile;
pub use symlink::Symlink;
