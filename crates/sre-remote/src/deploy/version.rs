//! What is deployed, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The longest version: Debian's, Docker's (128) and Git's fit in.
const LONGEST: usize = 128;

/// The name of what is deployed: a tag, a commit, a package version. It becomes part of paths, URLs and words of
/// commands, so it is what all of these can hold: letters and digits (ASCII), `.`, `_`, `+`, `-`, `~`, `:`, `@`, beginning
/// with a letter, a digit or `_`, without `..`, at most 128 characters.
///
/// ```
/// use sre_remote::deploy::Version;
/// for good in ["v2.3.1", "1:2.36.1-8+deb12u1~bpo1", "9f86d08", "app@2026-11-22"] {
///     assert!(good.parse::<Version>().is_ok(), "{good}");
/// }
/// let refused = "v1; rm -rf /".parse::<Version>().unwrap_err();
/// assert_eq!(refused.to_string(), "a version cannot hold `;`; letters, digits and . _ + - ~ : @ are allowed");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(String);

/// Text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseVersionError {
    /// Nothing at all.
    #[error("the version is empty")]
    Empty,
    /// More than 128 characters.
    #[error("a version has at most {LONGEST} characters, this one has {0}")]
    TooLong(usize),
    /// It could be taken for an option or a hidden file.
    #[error("a version begins with a letter, a digit or _, not with `{}`", .0.escape_default())]
    Start(char),
    /// A character that means something to a shell, a path or a URL.
    #[error("a version cannot hold `{}`; letters, digits and . _ + - ~ : @ are allowed", .0.escape_default())]
    Character(char),
    /// It could lead out of a folder.
    #[error("a version cannot hold `..`")]
    Dots,
}

// === impl Version ===

impl Version {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._+-~:@".contains(c);
        let first = text.chars().next().ok_or(ParseVersionError::Empty)?;
        if let Some(odd) = text.chars().find(|c| !fits(*c)) {
            return Err(ParseVersionError::Character(odd));
        }
        if !first.is_ascii_alphanumeric() && first != '_' {
            return Err(ParseVersionError::Start(first));
        }
        if text.contains("..") {
            return Err(ParseVersionError::Dots);
        }
        match text.len() {
            0..=LONGEST => Ok(Self(text.to_owned())),
            long => Err(ParseVersionError::TooLong(long)),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_more_than_a_name_is_refused() {
        let long = "v".repeat(300);
        for hostile in [
            "",
            "v1; rm -rf /",
            "$(id)",
            "`id`",
            "v1\nv2",
            "-rf",
            ".hidden",
            "../../etc",
            "v1..2",
            "v 1",
            "v1'",
            "v1\"",
            "v1|x",
            "v1&x",
            "v1/x",
            "v1\\x",
            "v1\0",
            "v1*",
            "v1?x=1",
            "v1#",
            "v1%2e",
            "ｖ1",
            "{version}",
            &long,
        ] {
            assert!(hostile.parse::<Version>().is_err(), "{hostile:?}");
        }
        assert_eq!("v1\nv2".parse::<Version>().unwrap_err().to_string().lines().count(), 1);
    }

    proptest::proptest! {
        #[test]
        fn what_is_accepted_is_one_shell_word(text in "\\PC{0,20}") {
            if let Ok(version) = text.parse::<Version>() {
                // `~` alone needs quotes, and only at the start of a word, where a version has none.
                let word = crate::quote::word(version.as_str());
                proptest::prop_assert!(word == text || text.contains('~'));
            }
        }
    }
}
