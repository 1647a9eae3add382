//! serde's complaints in the words of a configuration file.

use std::fmt;

use serde::de::{Expected, Unexpected};

use super::error::{Error, ErrorKind};
use super::{secret, suggest};

/// An [`Error`] on its way up through serde.
#[derive(Debug)]
pub(super) struct Fault(pub(super) Error);

// === impl Fault ===

impl Fault {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self(Error::new(ErrorKind::InvalidValue, message))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::invalid(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected_text(&expected.to_string());
        let fault = Self::invalid(format!("expected {expected}, found {}", found_text(found)));
        match (expected.as_str(), found) {
            ("a list", Unexpected::Str(text)) => {
                Self(fault.0.help(format!("write `[{}]`, or one item a line after `- `", suggest::clip(text))))
            }
            _ => fault,
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::invalid(format!("expected {}, found {length} items", expected_text(&expected.to_string())))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let error = Error::new(ErrorKind::InvalidValue, format!("`{}` is not known here", suggest::clip(variant)));
        Self(match suggest::help(variant, expected) {
            Some(help) => error.help(help),
            None => error,
        })
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self(unknown_key(field, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self(Error::new(ErrorKind::MissingKey, format!("missing key `{field}`")).under(field))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self(Error::new(ErrorKind::DuplicateKey, format!("key `{field}` is given twice")))
    }
}

/// A key that is none of `known`.
pub(super) fn unknown_key(name: &str, known: &[&str]) -> Error {
    if let Some(error) = secret::instead_of(name, known) {
        return error.under(name);
    }
    let error = Error::new(ErrorKind::UnknownKey, format!("unknown key `{}`", suggest::clip(name))).under(name);
    match suggest::help(name, known) {
        Some(help) => error.help(help),
        None => error,
    }
}

fn found_text(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("`{}`", suggest::clip(text)),
        Unexpected::Bool(b) => format!("`{b}`"),
        Unexpected::Unsigned(n) => format!("`{n}`"),
        Unexpected::Signed(n) => format!("`{n}`"),
        Unexpected::Float(n) => format!("`{n}`"),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}

/// serde's names for Rust's types, in the words of a configuration file.
fn expected_text(expected: &str) -> String {
    match expected {
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" | "u64" | "u128" | "usize" => "a whole number, 0 or more".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "a borrowed string" | "path string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a map of keys and values".to_owned(),
        other if other.starts_with("struct ") => "a section with keys".to_owned(),
        other => other.strip_prefix("enum ").map_or_else(|| other.to_owned(), |_| "one of the known words".to_owned()),
    }
}
