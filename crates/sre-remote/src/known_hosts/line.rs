//! One line of known_hosts: `[@marker] names type key [comment]`.

use super::key::{HostKey, KeyType};

const BLANK: [char; 2] = [' ', '\t'];

/// What stands in front of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    None,
    CertAuthority,
    Revoked,
}

/// A line that holds a key.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) marker: Marker,
    pub(super) names: &'a str,
    pub(super) key: HostKey,
}

/// `None` for an empty line and a comment; an error is a lower-case fragment.
pub(super) fn parse(line: &str) -> Result<Option<Line<'_>>, String> {
    let line = line.trim_end_matches('\r').trim_start_matches(BLANK);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (marker, rest) = marker(line)?;
    let (names, rest) = word(rest);
    let (type_name, rest) = word(rest);
    let (key, _comment) = word(rest);
    if type_name.is_empty() || type_name.starts_with('#') {
        return Err("the key is missing: a line is names, type, key".to_owned());
    }
    let key_type = KeyType::from_name(type_name)
        .ok_or_else(|| format!("keys of type {:?} are not supported", short(type_name)))?;
    if key.is_empty() || key.starts_with('#') {
        return Err("the key is missing after its type".to_owned());
    }
    let key = HostKey::from_base64(key)?;
    if key.key_type() != key_type {
        return Err(format!("the line says {key_type}, and the key is {}", key.key_type()));
    }
    Ok(Some(Line { marker, names, key }))
}

fn marker(line: &str) -> Result<(Marker, &str), String> {
    if !line.starts_with('@') {
        return Ok((Marker::None, line));
    }
    let (name, rest) = word(line);
    let marker = match name {
        "@cert-authority" => Marker::CertAuthority,
        "@revoked" => Marker::Revoked,
        other => return Err(format!("the marker {:?} is not known", short(other))),
    };
    if rest.starts_with('@') {
        return Err("a line has one marker".to_owned());
    }
    Ok((marker, rest))
}

/// The text up to a blank, and what follows the blanks.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(BLANK).unwrap_or((text, ""));
    (word, rest.trim_start_matches(BLANK))
}

/// A file that is no known_hosts at all may have very long words.
fn short(text: &str) -> &str {
    text.char_indices().nth(40).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIFrSvJOmZTAgpE9qSPS5wNKAlhKrcTEVYqFGSSMS9Xgh";

    #[test]
    fn the_parts_of_a_line() {
        for (text, marker, names) in [
            (format!("web ssh-ed25519 {KEY}"), Marker::None, "web"),
            (format!(" \tweb,db\t ssh-ed25519  {KEY} a comment"), Marker::None, "web,db"),
            (format!("@revoked * ssh-ed25519 {KEY}\r"), Marker::Revoked, "*"),
            (format!("@cert-authority  *.example ssh-ed25519 {KEY}"), Marker::CertAuthority, "*.example"),
            (format!("#web ssh-ed25519 {KEY}"), Marker::None, ""),
        ] {
            match parse(&text).unwrap() {
                Some(line) => assert_eq!((line.marker, line.names), (marker, names), "{text}"),
                None => assert!(names.is_empty(), "{text}"),
            }
        }
        assert!(parse("").unwrap().is_none() && parse(" \t").unwrap().is_none());
    }

    #[test]
    fn a_bad_line_says_what_is_wrong() {
        for (text, why) in [
            ("web".to_owned(), "the key is missing: a line is names, type, key"),
            ("web #ssh".to_owned(), "the key is missing: a line is names, type, key"),
            ("web ssh-ed25519".to_owned(), "the key is missing after its type"),
            ("web ssh-ed25519 #".to_owned(), "the key is missing after its type"),
            (format!("web ssh-rsa {KEY}"), "the line says ssh-rsa, and the key is ssh-ed25519"),
            (format!("@trusted web ssh-ed25519 {KEY}"), "the marker \"@trusted\" is not known"),
            (format!("@revoked @revoked web ssh-ed25519 {KEY}"), "a line has one marker"),
            ("web 1024 35 1234".to_owned(), "keys of type \"1024\" are not supported"),
        ] {
            assert_eq!(parse(&text).unwrap_err(), why, "{text}");
        }
    }
}
