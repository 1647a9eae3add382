//! Reads small files below a root, `/` as a rule.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::note::Missing;

/// More than any file of `/proc` that we read has on a sane host; mountinfo with 10,000 mounts has about 2 MiB.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// Where `/proc`, `/run` and the mount points are looked for.
#[derive(Debug, Clone)]
pub(crate) struct Procfs {
    root: PathBuf,
}

// === impl Procfs ===

impl Procfs {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// `path` without a leading slash.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn is_real_root(&self) -> bool {
        self.root == Path::new("/")
    }

    /// The file as text; bytes that are not UTF-8 are replaced.
    pub(crate) fn read(&self, path: &str) -> Result<String, Missing> {
        let mut bytes = Vec::new();
        let read = File::open(self.path(path)).and_then(|f| f.take(MAX_FILE).read_to_end(&mut bytes));
        match read {
            Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(e) => Err(Missing::new(format!("cannot read /{path}: {e}"))),
        }
    }

    /// The host's name, in one line.
    pub(crate) fn hostname(&self) -> Result<String, Missing> {
        const FILE: &str = "proc/sys/kernel/hostname";
        let text = self.read(FILE)?;
        match text.trim() {
            "" | "(none)" => Err(Missing::unreadable(FILE, "name")),
            name => Ok(name.to_owned()),
        }
    }
}
