//! What each finding code means and what to do about it: the text behind `explain CODE`.
//!
//! Every crate that makes findings exports a `CODES` table of these; a tool joins the tables it uses.
//!
//! ```
//! use sre_core::{Code, CodeDoc};
//!
//! const CODES: &[CodeDoc] = &[CodeDoc::new(
//!     Code::new("HOST-DISK"),
//!     "Disk nearly full",
//!     "A filesystem has less free space than the limit.",
//!     "Delete or move data, or grow the filesystem; raise the limit when this is how it should be.",
//! )];
//! assert_eq!(CodeDoc::find(CODES, "host-disk").map(|doc| doc.title), Some("Disk nearly full"));
//! ```

use serde::Serialize;

use crate::finding::Code;

/// The explanation of one [`Code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CodeDoc {
    /// The code that findings carry.
    pub code: Code,
    /// A few words.
    pub title: &'static str,
    /// The rule that makes such a finding, with its default limits.
    pub meaning: &'static str,
    /// What a person looks at and does next.
    pub what_to_do: &'static str,
}

impl CodeDoc {
    /// One row of a `CODES` table.
    #[must_use]
    pub const fn new(code: Code, title: &'static str, meaning: &'static str, what_to_do: &'static str) -> Self {
        Self { code, title, meaning, what_to_do }
    }

    /// The row of a code, whatever case it was typed in.
    #[must_use]
    pub fn find<'a>(table: &'a [Self], code: &str) -> Option<&'a Self> {
        table.iter().find(|doc| doc.code.as_str().eq_ignore_ascii_case(code.trim()))
    }
}
