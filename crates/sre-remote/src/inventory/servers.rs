//! The servers file: one host a line.
//!
//! ```text
//! # comment
//! web-01.example
//! sre@web-02.example:2222          # a user, a port
//! [2001:db8::7]:22
//! web-[03-20].example  user=deploy key="~/.ssh/deploy key"
//! ```

use std::io::Read;
use std::sync::Arc;

use super::error::{Flaw, InventoryError, InventoryErrorKind, Place, clip};
use super::expression::{self, Meaning, Operator};
use super::roster::Roster;
use super::settings::{Settings, is_key};
use super::spec::Spec;

/// The most bytes of an inventory file: some 600 a host at the limit of hosts would be more than any has.
pub(super) const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The hosts of the text. `source` stands for it in errors.
pub(super) fn read(text: &str, source: &str) -> Result<Roster, InventoryError> {
    let source: Arc<str> = source.into();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_BYTES {
        return Err(too_large(&source));
    }
    let mut roster = Roster::default();
    for (number, line) in text.lines().enumerate() {
        let flawed = |flaw: Flaw| {
            let place = Place::in_line(&source, number + 1, line, flaw.at);
            flaw.at_place(place)
        };
        read_line(line, &mut roster).map_err(flawed)?;
    }
    roster.settle_names();
    Ok(roster)
}

/// All of a reader as text, within bounds.
pub(super) fn read_text(reader: impl Read, source: &str) -> Result<String, InventoryError> {
    let source: Arc<str> = source.into();
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| {
        InventoryError::new(InventoryErrorKind::Unreadable, format!("the inventory cannot be read: {error}"))
            .at(Place::whole_file(&source))
            .source(error)
    })?;
    if bytes.len() > MAX_BYTES {
        return Err(too_large(&source));
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(error.as_bytes(), error.utf8_error().valid_up_to(), &source))
}

fn too_large(source: &Arc<str>) -> InventoryError {
    let message = format!("the inventory is larger than {MAX_BYTES} bytes");
    InventoryError::new(InventoryErrorKind::Limit, message).at(Place::whole_file(source))
}

fn not_utf8(bytes: &[u8], offset: usize, source: &Arc<str>) -> InventoryError {
    let before = &bytes[..offset];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let message = if utf16 { "the text is UTF-16, not UTF-8" } else { "the text is not UTF-8" };
    InventoryError::new(InventoryErrorKind::NotUtf8, message)
        .at(Place::File { source: Arc::clone(source), line, column })
        .help(Some("save the file as UTF-8".to_owned()))
}

fn read_line(line: &str, roster: &mut Roster) -> Result<(), Flaw> {
    let mut words = Words { line, at: 0 };
    let Some((at, hosts)) = words.host()? else { return Ok(()) };
    let mut settings = Settings::default();
    while let Some((at, word)) = words.next()? {
        let Some((key, value)) = word.split_once('=').filter(|(key, _)| is_key(key)) else {
            let flaw = Flaw::syntax(at, format!("expected `key=value`, found `{}`", clip(&word)));
            return Err(flaw.help("one host a line; for its user, write `user=NAME` or `NAME@host`"));
        };
        settings.set(key, value).map_err(|flaw| flaw.shifted(at))?;
    }
    add_hosts(hosts, &settings, roster).map_err(|flaw| flaw.shifted(at))
}

fn add_hosts(hosts: &str, settings: &Settings, roster: &mut Roster) -> Result<(), Flaw> {
    if hosts.starts_with('[') && hosts.ends_with(']') && !hosts.contains([':', '-', ',']) {
        let flaw = Flaw::syntax(0, format!("`{}` looks like a group of an INI file", clip(hosts)));
        return Err(flaw.help("a servers file has no groups: write a YAML inventory"));
    }
    for term in expression::parse(hosts)? {
        let Meaning::Hosts(pattern) = &term.meaning else {
            return Err(Flaw::syntax(term.at, "groups and wildcards are for the command line: here stand hosts"));
        };
        if term.operator != Operator::Union {
            return Err(Flaw::syntax(term.at, "only `,` stands between the hosts of a line"));
        }
        pattern
            .expand(|name| roster.add(Spec::parse(name)?, settings).map(drop))
            .map_err(|flaw: Flaw| flaw.shifted(term.at))?;
    }
    Ok(())
}

/// The words of a line up to a comment.
struct Words<'l> {
    line: &'l str,
    at: usize,
}

// === impl Words ===

impl<'l> Words<'l> {
    fn rest(&mut self) -> Option<&'l str> {
        let rest = &self.line[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        // Only at the beginning of a word: a `#` in the middle of one belongs to it.
        (!trimmed.is_empty() && !trimmed.starts_with('#')).then_some(trimmed)
    }

    /// The first word, which may have spaces within its brackets.
    fn host(&mut self) -> Result<Option<(usize, &'l str)>, Flaw> {
        let Some(rest) = self.rest() else { return Ok(None) };
        let mut inside = false;
        let end = rest.find(|c: char| {
            inside = (inside || c == '[') && c != ']';
            c.is_whitespace() && !inside
        });
        let at = self.at;
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        Ok(Some((at, word)))
    }

    /// A further word with its offset; quotes are taken off.
    fn next(&mut self) -> Result<Option<(usize, String)>, Flaw> {
        let Some(rest) = self.rest() else { return Ok(None) };
        let start = self.at;
        let mut word = String::new();
        let mut quote: Option<(char, usize)> = None;
        let mut chars = rest.char_indices();
        let mut length = rest.len();
        while let Some((at, c)) = chars.next() {
            match (quote, c) {
                (Some(('"', _)), '\\') => word.extend(chars.next().map(|(_, c)| c)),
                (Some((q, _)), c) if c == q => quote = None,
                (Some(_), c) => word.push(c),
                (None, '"' | '\'') => quote = Some((c, at)),
                (None, c) if c.is_whitespace() => {
                    length = at;
                    break;
                }
                (None, c) => word.push(c),
            }
        }
        if let Some((q, at)) = quote {
            return Err(Flaw::syntax(start + at, format!("the quote `{q}` is not closed")));
        }
        self.at += length;
        Ok(Some((start, word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_comments_values_and_line_ends() {
        let text = "\u{feff}# all\r\nweb-01 # one\r\n\r\n  sre@web-[02-03]:22\tuser=root role=\"front end\" path='a\\b' n=\"\\\"q\\\"\" c=a#b #x\r\nweb-01 port=2222\r\n[::1]:22,db-a";
        let roster = read(text, "servers.txt").unwrap();
        let told: Vec<_> = roster.hosts().iter().map(|h| (h.name(), h.user(), h.port())).collect();
        let expected = [
            ("web-01", None, Some(2222)),
            ("web-02", Some("root"), Some(22)),
            ("web-03", Some("root"), Some(22)),
            ("::1", None, Some(22)),
            ("db-a", None, None),
        ];
        assert_eq!(told, expected);
        let vars: Vec<_> = roster.hosts()[1].vars().collect();
        assert_eq!(vars, [("c", "a#b"), ("n", "\"q\""), ("path", "a\\b"), ("role", "front end")]);
    }

    #[test]
    fn every_flaw_names_file_line_and_column() {
        for (text, shown) in [
            (
                "a\nb c\n",
                "expected `key=value`, found `c` at s:2:3: one host a line; for its user, write `user=NAME` or `NAME@host`",
            ),
            ("a\n  web-[3-1] x=1\n", "the range `3-1` runs backwards at s:2:8: write `1-3`"),
            ("ä port=99999", "`99999` is not a port: expected a number from 1 to 65535 at s:1:3"),
            ("a x=\"1", "the quote `\"` is not closed at s:1:5"),
            ("[web]\na\n", "`[web]` looks like an Ansible group at s:1:1"),
            ("@web", "groups and wildcards are for the command line: here stand hosts at s:1:1"),
            ("a!b", "only `,` stands between the hosts of a line at s:1:3"),
            ("-oProxyCommand=x", "'=' does not belong into a name at s:1:15"),
            ("-a", "`-a` begins with `-`, and no host does at s:1:1"),
            ("a,b:x", "`x` is not a port: expected a number from 1 to 65535 at s:1:3"),
            ("a shell=rwa", "`rwa` is not a shell at s:1:3: did you mean `raw`? (one of: posix, raw)"),
            ("a\0b", "'\\0' does not belong into a name at s:1:2"),
        ] {
            let error = format!("{:#}", read(text, "s").unwrap_err());
            let shown = shown.replace("looks like an Ansible group", "looks like a group of an INI file");
            assert!(error.starts_with(&shown), "{text:?}\n{error}\n{shown}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_by_name() {
        let told = |bytes: &[u8]| format!("{:#}", read_text(bytes, "s").unwrap_err());
        assert_eq!(told(b"a\nb \xff"), "the text is not UTF-8 at s:2:3: save the file as UTF-8");
        assert_eq!(told(b"\xff\xfea\0"), "the text is UTF-16, not UTF-8 at s:1:1: save the file as UTF-8");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "([a-c\\[\\]0-9,/:@=\"'# é-]{0,24}\r?\n){0,4}|\\PC*") {
            let _ = read(&text, "s");
        }
    }
}
