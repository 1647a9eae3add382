//! Whether to colour what is written: what the user said, what the environment says, and whether anybody looks.
//!
//! `--color` decides alone when it is `always` or `never`. Otherwise [`NO_COLOR`](https://no-color.org) (set and not
//! empty) means no, then [`CLICOLOR_FORCE`](https://bixense.com/clicolors/) (set and not `0`) means yes, then
//! `CLICOLOR=0` and `TERM=dumb` mean no, and then a terminal means yes.
//!
//! ```
//! use sre_core::color::{ColorChoice, ColorHints};
//! let variables = |name: &str| (name == "NO_COLOR").then(|| "1".into());
//! let stdout = ColorHints::new(variables, true);
//! assert!(!ColorChoice::Auto.resolve(&stdout));
//! assert!(ColorChoice::Always.resolve(&stdout));
//! ```

use std::ffi::OsString;

use clap::ValueEnum;

/// The value of `--color`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum ColorChoice {
    /// Where a terminal shows it and the environment does not object.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// What speaks for and against colour on one stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColorHints {
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set and not `0`.
    pub forced: bool,
    /// `CLICOLOR` is `0`, or `TERM` is `dumb`.
    pub discouraged: bool,
    /// The stream is a terminal.
    pub is_terminal: bool,
}

// === impl ColorHints ===

impl ColorHints {
    /// `lookup` gives an environment variable (`std::env::var_os`), `is_terminal` comes from
    /// `std::io::IsTerminal` of the stream.
    #[must_use]
    pub fn new(lookup: impl Fn(&str) -> Option<OsString>, is_terminal: bool) -> Self {
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        Self {
            no_color: set("NO_COLOR").is_some(),
            forced: set("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            discouraged: set("CLICOLOR").is_some_and(|v| v == "0") || set("TERM").is_some_and(|v| v == "dumb"),
            is_terminal,
        }
    }
}

// === impl ColorChoice ===

impl ColorChoice {
    /// Whether to write colour.
    #[must_use]
    pub fn resolve(self, hints: &ColorHints) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => !hints.no_color && (hints.forced || (hints.is_terminal && !hints.discouraged)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(variables: &[(&str, &str)], is_terminal: bool) -> bool {
        let lookup = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        ColorChoice::Auto.resolve(&ColorHints::new(lookup, is_terminal))
    }

    #[test]
    fn the_first_rule_that_speaks_decides() {
        assert!(auto(&[], true) && !auto(&[], false));
        assert!(!auto(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true));
        assert!(auto(&[("NO_COLOR", "")], true));
        assert!(auto(&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], false));
        assert!(!auto(&[("CLICOLOR_FORCE", "0")], false));
        assert!(!auto(&[("TERM", "dumb")], true) && !auto(&[("CLICOLOR", "0")], true));
    }
}
