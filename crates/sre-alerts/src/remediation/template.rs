//! One argument with places for the host, labels and variables. What is filled in stays within the argument: there is
//! no shell, and no splitting at spaces.
//!
//! `{host}`, `{label.service}` come from the alert and are checked; `{var.logs}` comes from the rule. Other braces are
//! just braces, so that `find … {} +` and awk need no escapes; what only looks like a place (`{hots}`) is an error.

use std::collections::BTreeMap;
use std::fmt;

use super::rule::InvalidRule;
use crate::alert::Labels;
use crate::host::HostName;

/// The longest value taken from a label, in bytes.
const LONGEST: usize = 255;

/// An argument with places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Host,
    Label(String),
    Var(String),
}

/// A label that cannot be filled in. Its value is not repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfit {
    pub(super) label: String,
}

// === impl Template ===

impl Template {
    /// Reads it; every `{var.…}` must be one of `vars`.
    pub(super) fn parse(text: &str, vars: &BTreeMap<String, String>) -> Result<Self, InvalidRule> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            literal.push_str(before);
            match after.split_once('}').filter(|(name, _)| is_place(name)) {
                Some((name, tail)) => {
                    let piece = Piece::read(name, vars)?;
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(piece);
                    rest = tail;
                }
                None => {
                    literal.push('{');
                    rest = after;
                }
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self(pieces))
    }

    /// Fills it in.
    pub(super) fn fill(
        &self,
        host: &HostName,
        labels: &Labels,
        vars: &BTreeMap<String, String>,
    ) -> Result<String, Unfit> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Host => text.push_str(host.as_str()),
                Piece::Var(name) => text.push_str(vars.get(name).map_or("", String::as_str)),
                Piece::Label(name) => {
                    let value = labels.get(name).filter(|value| is_harmless(value));
                    text.push_str(value.ok_or_else(|| Unfit { label: name.clone() })?);
                }
            }
        }
        Ok(text)
    }

    /// Whether anything of it comes from an alert.
    pub(super) fn is_from_outside(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Host | Piece::Label(_)))
    }
}

impl Piece {
    fn read(name: &str, vars: &BTreeMap<String, String>) -> Result<Self, InvalidRule> {
        match name.split_once('.') {
            None if name == "host" => Ok(Self::Host),
            Some(("label", label)) if crate::alert::is_label_name(label) => Ok(Self::Label(label.to_owned())),
            Some(("var", var)) if vars.contains_key(var) => Ok(Self::Var(var.to_owned())),
            Some(("var", var)) => Err(InvalidRule::new(format!("there is no variable `{var}`"))),
            _ => Err(InvalidRule::new(format!("`{{{name}}}` is none of {{host}}, {{label.NAME}}, {{var.NAME}}"))),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the label {} is missing, or has a value that is not taken as an argument", self.label)
    }
}

fn is_place(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

/// Nothing that is an option, a way out of a folder, or means something to any shell: a second line of defence, as
/// there is no shell.
fn is_harmless(value: &str) -> bool {
    (1..=LONGEST).contains(&value.len())
        && !value.starts_with('-')
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._@:/+=,%-".contains(&b))
        && value.split('/').all(|part| part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str, label: &str) -> Result<String, String> {
        let vars = BTreeMap::from([("logs".to_owned(), "/var/log; $(any) thing".to_owned())]);
        let template = Template::parse(text, &vars).map_err(|error| error.to_string())?;
        let labels = Labels::from([("service".to_owned(), label.to_owned())]);
        template.fill(&"web-01".parse().unwrap(), &labels, &vars).map_err(|unfit| unfit.to_string())
    }

    #[test]
    fn places_are_filled_and_other_braces_stay() {
        for (text, expected) in [
            ("{host}:{label.service}", "web-01:api"),
            ("{var.logs}", "/var/log; $(any) thing"),
            ("{}", "{}"),
            ("NR==2 {print $5+0}", "NR==2 {print $5+0}"),
            ("${load%.*} {", "${load%.*} {"),
            ("{{host}}", "{web-01}"),
        ] {
            assert_eq!(fill(text, "api").unwrap(), expected);
        }
        assert_eq!(fill("{hots}", "api").unwrap_err(), "`{hots}` is none of {host}, {label.NAME}, {var.NAME}");
        assert_eq!(fill("{var.log}", "api").unwrap_err(), "there is no variable `log`");
        assert!(fill("{label.other}", "api").unwrap_err().starts_with("the label other is missing"));
    }

    #[test]
    fn hostile_values_are_not_filled_in() {
        let long = "x".repeat(10_000_000);
        for hostile in [
            "",
            "-rf",
            "a;b",
            "$(id)",
            "`id`",
            "a b",
            "a\nb",
            "a'b",
            "a\"b",
            "a|b",
            "a&b",
            "a>b",
            "a*",
            "~",
            "../x",
            "x/../../etc",
            "ü",
            "\0",
            "a\\b",
            "#x",
            "!x",
            &long,
        ] {
            assert!(fill("{label.service}", hostile).is_err(), "{}", &hostile[..hostile.len().min(20)]);
        }
        for fine in ["api", "payments@eu.service", "/data/x", "img:1.2+3", "a,b=c", "50%"] {
            assert!(fill("{label.service}", fine).is_ok(), "{fine}");
        }
    }
}
