//! The value of `-o`: in which format a result is written.
//!
//! ```
//! use sre_core::output::Format;
//! assert_eq!("json".parse::<Format>().unwrap(), Format::Json);
//!
//! let e = Format::parse_among("jsn", &[Format::Text, Format::Json]).unwrap_err();
//! assert_eq!(e.to_string(), "`jsn` is not an output format: expected text or json; did you mean `json`?");
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a tool can write. Each tool names the ones it knows; see [`Format::parse_among`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// For people, at a terminal or in a log.
    #[default]
    Text,
    /// For programs: documented and versioned.
    Json,
    /// What is posted to Slack, as JSON (Block Kit).
    Slack,
    /// For a ticket, a wiki page, a CI summary.
    Markdown,
    /// JUnit XML: what CI servers show as test results.
    Junit,
    /// One page that stands alone.
    Html,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Text, Self::Json, Self::Slack, Self::Markdown, Self::Junit, Self::Html];

    /// The word on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Slack => "slack",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
            Self::Html => "html",
        }
    }

    /// Reads a word, in any case; `md` and `xml` are understood too.
    ///
    /// # Errors
    /// When it is none of `choices`; the error lists them.
    pub fn parse_among(text: &str, choices: &[Self]) -> Result<Self, ParseFormatError> {
        let word = text.trim().to_ascii_lowercase();
        let word = match word.as_str() {
            "md" => "markdown",
            "xml" => "junit",
            other => other,
        };
        choices
            .iter()
            .copied()
            .find(|f| f.as_str() == word)
            .ok_or_else(|| ParseFormatError { text: text.to_owned(), choices: choices.to_vec() })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse_among(s, &Self::ALL)
    }
}

/// A word that is no format, with the list of those that are.
#[derive(Debug, Clone)]
pub struct ParseFormatError {
    text: String,
    choices: Vec<Format>,
}

impl fmt::Display for ParseFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an output format: expected ", self.text)?;
        for (i, choice) in self.choices.iter().enumerate() {
            let joint = match i {
                0 => "",
                _ if i + 1 == self.choices.len() => " or ",
                _ => ", ",
            };
            write!(f, "{joint}{choice}")?;
        }
        let near = |c: &&Format| strsim::damerau_levenshtein(c.as_str(), &self.text.to_ascii_lowercase()) <= 2;
        match self.choices.iter().find(near) {
            Some(choice) => write!(f, "; did you mean `{choice}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ParseFormatError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_the_usual_short_forms() {
        for f in Format::ALL {
            assert_eq!(f.as_str().parse::<Format>().unwrap(), f);
        }
        assert_eq!("MD".parse::<Format>().unwrap(), Format::Markdown);
        assert_eq!("xml".parse::<Format>().unwrap(), Format::Junit);
    }

    #[test]
    fn a_format_that_the_tool_does_not_write_is_refused() {
        let e = Format::parse_among("html", &[Format::Text, Format::Json, Format::Junit]).unwrap_err();
        assert_eq!(e.to_string(), "`html` is not an output format: expected text, json or junit");
    }
}
