//! Output into files, one a host and stream.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::exec::OutputStream;

/// The folder of a run.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
    /// Names that two hosts would share once they are file names.
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

/// The files of one host; a stream that says nothing has none, but for standard output.
#[derive(Debug)]
pub(super) struct Spill {
    stem: PathBuf,
    stdout: Option<BufWriter<File>>,
    stderr: Option<BufWriter<File>>,
    error: Option<String>,
}

// === impl Folder ===

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), taken: Arc::default() }
    }

    pub(super) fn host(&self, index: usize, host: &str) -> Spill {
        let mut name = file_name(host);
        if name != host {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            if *taken.entry(name.clone()).or_insert(index) != index {
                name = format!("{name}~{index}");
            }
        }
        let mut spill = Spill { stem: self.path.join(name), stdout: None, stderr: None, error: None };
        // There is a file for each host, and what an earlier run left does not pass for this one's.
        spill.write(OutputStream::Stdout, b"");
        let _ = std::fs::remove_file(spill.path(OutputStream::Stderr));
        spill
    }
}

/// A host's name as the name of a file: no folder, nothing hidden, nothing that a shell has to quote.
fn file_name(host: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-@:+%~".contains(c) { c } else { '_' };
    let name: String = host.chars().map(plain).collect();
    match name.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => name,
    }
}

// === impl Spill ===

impl Spill {
    fn path(&self, stream: OutputStream) -> PathBuf {
        let ending = match stream {
            OutputStream::Stdout => ".out",
            OutputStream::Stderr => ".err",
        };
        let mut path = self.stem.clone().into_os_string();
        path.push(ending);
        path.into()
    }

    pub(super) fn write(&mut self, stream: OutputStream, bytes: &[u8]) {
        if self.error.is_some() {
            return;
        }
        let path = self.path(stream);
        let slot = match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        };
        let result = match slot {
            Some(file) => file.write_all(bytes),
            None => File::create(&path).and_then(|file| slot.insert(BufWriter::new(file)).write_all(bytes)),
        };
        if let Err(e) = result {
            self.error = Some(format!("{}: {e}", path.display()));
        }
    }

    /// Writes what is buffered, and says what went wrong.
    pub(super) fn finish(mut self) -> Option<String> {
        for file in [self.stdout.as_mut(), self.stderr.as_mut()].into_iter().flatten() {
            if let Err(e) = file.flush() {
                self.error.get_or_insert(format!("{}: {e}", self.stem.display()));
            }
        }
        self.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_the_folder_and_apart() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path());
        for (index, host) in ["web-01", "../x", "..%x", "a/b", "a b"].into_iter().enumerate() {
            let mut spill = folder.host(index, host);
            spill.write(OutputStream::Stdout, host.as_bytes());
            assert_eq!(spill.finish(), None);
        }
        let mut names: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["_.%x.out", "_._x.out", "a_b.out", "a_b~4.out", "web-01.out"]);
    }
}
