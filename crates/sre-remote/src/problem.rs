//! A line in a file of the user's that could not be read, and why.

use std::fmt;
use std::sync::Arc;

/// A place in a text file: its name as the user knows it, and the line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    file: Arc<str>,
    line: u32,
}

/// Something wrong at a place. `Display` is `FILE:LINE: WHY`, as editors and CI systems take it.
///
/// ```
/// use sre_remote::problem::Problem;
/// let problem = Problem::new("known_hosts", 7, "the key is cut off");
/// assert_eq!(problem.to_string(), "known_hosts:7: the key is cut off");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    place: Place,
    why: String,
}

// === impl Place ===

impl Place {
    /// `line` counts from 1; 0 stands for the file as a whole.
    pub fn new(file: impl Into<Arc<str>>, line: u32) -> Self {
        Self { file: file.into(), line }
    }

    /// The file's name as it was handed in.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, counted from 1; 0 when the place is the file as a whole.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

// === impl Problem ===

impl Problem {
    /// `why` is a lower-case fragment.
    pub fn new(file: impl Into<Arc<str>>, line: u32, why: impl Into<String>) -> Self {
        Self { place: Place::new(file, line), why: why.into() }
    }

    /// Where.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What is wrong there.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}
