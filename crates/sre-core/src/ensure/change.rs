//! What came of it: nothing, a change, or a change that a dry run would make.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use similar::TextDiff;

use crate::effects::{Applied, Effects};
use crate::path_error::{PathError, PathErrorKind};

/// The longest that a diff may take; after that it is correct but no longer the shortest.
const DIFF_TIMEOUT: Duration = Duration::from_millis(500);

/// What came of bringing a path into a state. `Display` is one word, and the diff if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// It was so already.
    Unchanged,
    /// It was changed, and looking again showed the wanted state.
    Changed {
        /// A unified diff of content and attributes.
        diff: String,
    },
    /// A dry run: it would be changed.
    WouldChange {
        /// A unified diff of content and attributes.
        diff: String,
    },
}

/// A change that is needed.
pub(crate) struct Plan<'a> {
    pub(crate) path: &'a Path,
    /// Verb and object, for the record.
    pub(crate) what: String,
    pub(crate) diff: String,
}

// === impl Change ===

impl Change {
    /// Whether the state differed, really changed or not.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        !matches!(self, Self::Unchanged)
    }

    /// The diff, when the state differed.
    #[must_use]
    pub fn diff(&self) -> Option<&str> {
        match self {
            Self::Unchanged => None,
            Self::Changed { diff } | Self::WouldChange { diff } => Some(diff),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("unchanged"),
            Self::Changed { diff } => write!(f, "changed\n{diff}"),
            Self::WouldChange { diff } => write!(f, "would change\n{diff}"),
        }
    }
}

// === impl Plan ===

impl Plan<'_> {
    /// Acts and looks again; `holds` says whether the wanted state is there now.
    pub(crate) fn carry_out(
        self,
        effects: &Effects,
        act: impl FnOnce() -> Result<(), PathError>,
        holds: impl FnOnce() -> Result<bool, PathError>,
    ) -> Result<Change, PathError> {
        let Self { path, what, diff } = self;
        match effects.apply(what, act)? {
            Applied::Would => Ok(Change::WouldChange { diff }),
            Applied::Done(()) if holds()? => Ok(Change::Changed { diff }),
            Applied::Done(()) => Err(PathError::refused(PathErrorKind::NotKept, "change", path)
                .advice("another program changes it too; find out which")),
        }
    }
}

/// A unified diff from one text to another, headed by the path. Control characters other than tabs are replaced, so
/// that the content of a file cannot steer a terminal.
pub(crate) fn unified(path: &Path, before: &str, after: &str) -> String {
    let name = path.display().to_string();
    let diff = TextDiff::configure().timeout(DIFF_TIMEOUT).diff_lines(before, after);
    let text = diff.unified_diff().context_radius(3).header(&name, &name).to_string();
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_is_unified_and_harmless() {
        let diff = unified(Path::new("/etc/x"), "a\nb\n", "a\n\u{1b}[2Jc");
        assert_eq!(
            diff,
            "--- /etc/x\n+++ /etc/x\n@@ -1,2 +1,2 @@\n a\n-b\n+\u{fffd}[2Jc\n\\ No newline at end of file\n"
        );
    }

    #[test]
    fn a_change_that_does_not_stay_is_an_error() {
        let plan = || Plan { path: Path::new("/x"), what: "write /x".into(), diff: "d".into() };
        let e = plan().carry_out(&Effects::real(), || Ok(()), || Ok(false)).unwrap_err();
        assert_eq!(e.kind(), PathErrorKind::NotKept);
        let would = plan().carry_out(&Effects::dry_run(), || Ok(()), || Ok(false)).unwrap();
        assert_eq!(serde_json::to_string(&would).unwrap(), r#"{"change":"would_change","diff":"d"}"#);
    }
}
