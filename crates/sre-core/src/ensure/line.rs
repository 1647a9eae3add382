//! A line in a file, or its absence.

use std::fmt;
use std::path::{Path, PathBuf};

use super::change::Change;
use super::entry::{Kind, look};
use super::file::{FileContent, read};
use crate::effects::Effects;
use crate::path_error::{PathError, PathErrorKind};

const ACTION: &str = "edit";

/// A line that is in a text file, or is not. All other lines stay as they are, to the byte.
///
/// The file is read, changed and replaced in one step; what another program writes between the reading and the
/// replacing is lost.
///
/// ```
/// use sre_core::Effects;
/// use sre_core::ensure::LineInFile;
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("sshd_config");
/// std::fs::write(&path, "Port 22\nPermitRootLogin yes\nUsePAM yes\n").unwrap();
/// LineInFile::present(&path, "PermitRootLogin no").instead_of("PermitRootLogin ").ensure(&Effects::real()).unwrap();
/// assert_eq!(std::fs::read_to_string(&path).unwrap(), "Port 22\nPermitRootLogin no\nUsePAM yes\n");
/// ```
#[derive(Clone)]
#[must_use]
pub struct LineInFile {
    path: PathBuf,
    line: String,
    present: bool,
    instead_of: Option<String>,
    create: bool,
    secret: bool,
}

// === impl LineInFile ===

impl LineInFile {
    /// The line is there: at least once, and appended when it was not.
    pub fn present(path: impl AsRef<Path>, line: impl Into<String>) -> Self {
        let path = path.as_ref().to_owned();
        Self { path, line: line.into(), present: true, instead_of: None, create: false, secret: false }
    }

    /// The line is nowhere in the file. A missing file has no lines.
    pub fn absent(path: impl AsRef<Path>, line: impl Into<String>) -> Self {
        Self { present: false, ..Self::present(path, line) }
    }

    /// The line is the only one that begins with `prefix`: it takes the place of the first such line, and the others
    /// are removed. For settings of which there must be one. With [`absent`](Self::absent), all of them are removed.
    pub fn instead_of(mut self, prefix: impl Into<String>) -> Self {
        self.instead_of = Some(prefix.into());
        self
    }

    /// Whether a missing file is made.
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Whether the file holds secrets: the diff then shows nothing of it, and a new file gets `0600`.
    pub fn secret(mut self, secret: bool) -> Self {
        self.secret = secret;
        self
    }

    /// Checks, acts, verifies.
    ///
    /// # Errors
    /// When the line has a line break or the prefix is empty, the file is missing (unless it is to be made, or the line
    /// is to be absent), is a link, is larger than 16 MiB, or may not be read or written.
    pub fn ensure(&self, effects: &Effects) -> Result<Change, PathError> {
        let invalid = |why: &str| Err(PathError::refused(PathErrorKind::InvalidInput, ACTION, &self.path).advice(why));
        if self.line.contains(['\n', '\r', '\0']) {
            return invalid("a line has no line break in it");
        }
        if self.instead_of.as_deref().is_some_and(str::is_empty) {
            return invalid("an empty prefix would remove every line");
        }
        let old = match look(&self.path)? {
            None if !self.present => return Ok(Change::Unchanged),
            None if self.create => Vec::new(),
            None => {
                return Err(PathError::refused(PathErrorKind::NotFound, ACTION, &self.path)
                    .advice("create the file first, or allow it to be made"));
            }
            Some(entry) if entry.kind != Kind::File => return Err(entry.is_not(Kind::File, ACTION, &self.path)),
            Some(_) => read(&self.path, 0)?.ok_or_else(|| {
                PathError::refused(PathErrorKind::TooLarge, ACTION, &self.path)
                    .advice("only files up to 16 MiB are edited")
            })?,
        };
        let new = self.edited(&old);
        if new == old {
            return Ok(Change::Unchanged);
        }
        FileContent::new(&self.path, new).secret(self.secret).ensure(effects)
    }

    fn edited(&self, old: &[u8]) -> Vec<u8> {
        let wanted = self.line.as_bytes();
        let prefix = self.instead_of.as_deref().map(str::as_bytes);
        let goes = |line: &[u8]| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            line == wanted && (!self.present || prefix.is_some()) || prefix.is_some_and(|p| line.starts_with(p))
        };
        let mut new = Vec::with_capacity(old.len() + wanted.len() + 1);
        let mut placed = !self.present;
        for line in old.split_inclusive(|b| *b == b'\n') {
            if goes(line) {
                if !placed {
                    new.extend_from_slice(wanted);
                    new.push(b'\n');
                    placed = true;
                }
                continue;
            }
            placed |= self.present && line.strip_suffix(b"\n").unwrap_or(line) == wanted;
            new.extend_from_slice(line);
        }
        if !placed {
            if new.last().is_some_and(|b| *b != b'\n') {
                new.push(b'\n');
            }
            new.extend_from_slice(wanted);
            new.push(b'\n');
        }
        new
    }
}

impl fmt::Debug for LineInFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = if self.secret { "***" } else { &self.line };
        f.debug_struct("LineInFile")
            .field("path", &self.path)
            .field("line", &line)
            .field("present", &self.present)
            .field("create", &self.create)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_line_and_its_neighbours_stay_out_of_the_diff() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("env");
        std::fs::write(&path, "A=hush1\nB=hush2\n").unwrap();
        let how = LineInFile::present(&path, "B=hush3").instead_of("B=").secret(true);
        let change = how.ensure(&Effects::real()).unwrap();
        assert!(change.is_needed() && !format!("{change:?} {how:?}").contains("hush"), "{change:?} {how:?}");
    }

    fn edit(how: &LineInFile, old: &str) -> String {
        String::from_utf8(how.edited(old.as_bytes())).unwrap()
    }

    #[test]
    fn a_line_is_added_once_at_the_end() {
        let how = LineInFile::present("f", "b");
        for (old, new) in
            [("", "b\n"), ("a", "a\nb\n"), ("a\n", "a\nb\n"), ("b", "b"), ("b\na\n", "b\na\n"), ("bb\n", "bb\nb\n")]
        {
            assert_eq!(edit(&how, old), new, "{old:?}");
        }
    }

    #[test]
    fn a_setting_is_there_once_and_where_it_was() {
        let how = LineInFile::present("f", "x=1").instead_of("x=");
        for (old, new) in [
            ("a\nx=2\nb\nx=3\n", "a\nx=1\nb\n"),
            ("x=1\nx=2\n", "x=1\n"),
            ("x=2", "x=1\n"),
            ("#x=2\n", "#x=2\nx=1\n"),
            ("a\nx=1\n", "a\nx=1\n"),
        ] {
            assert_eq!(edit(&how, old), new, "{old:?}");
        }
    }

    #[test]
    fn an_absent_line_is_gone_everywhere() {
        let how = LineInFile::absent("f", "b");
        for (old, new) in [("", ""), ("a\nb\nc\nb", "a\nc\n"), ("bb\n", "bb\n")] {
            assert_eq!(edit(&how, old), new, "{old:?}");
        }
        let gone = LineInFile::absent("/no/such/file", "b").ensure(&Effects::real()).unwrap();
        assert_eq!(gone, Change::Unchanged);
    }

    #[test]
    fn bytes_that_are_no_text_survive_an_edit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, b"caf\xe9\n").unwrap();
        LineInFile::present(&path, "b").ensure(&Effects::real()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"caf\xe9\nb\n");
    }

    #[test]
    fn a_missing_file_is_made_only_when_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let how = LineInFile::present(dir.path().join("f"), "b");
        assert_eq!(how.ensure(&Effects::real()).unwrap_err().kind(), PathErrorKind::NotFound);
        assert!(how.create(true).ensure(&Effects::real()).unwrap().is_needed());
        for bad in [LineInFile::present("f", "a\nb"), LineInFile::present("f", "a").instead_of("")] {
            assert_eq!(bad.ensure(&Effects::real()).unwrap_err().kind(), PathErrorKind::InvalidInput);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_second_edit_changes_nothing(old in "([abx=]{0,3}\n?){0,6}", line in "[abx=]{0,3}", prefix in "[abx=]{1,2}", present: bool) {
            let mut how = if present { LineInFile::present("f", line) } else { LineInFile::absent("f", line) };
            proptest::prop_assert_eq!(how.edited(&how.edited(old.as_bytes())), how.edited(old.as_bytes()));
            how = how.instead_of(prefix);
            proptest::prop_assert_eq!(how.edited(&how.edited(old.as_bytes())), how.edited(old.as_bytes()));
        }
    }
}
