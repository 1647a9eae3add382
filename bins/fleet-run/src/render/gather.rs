//! Identical output once, its hosts folded.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use indexmap::IndexMap;
use similar::TextDiff;
use sre_remote::inventory::fold;

use super::lines;
use super::style::Style;
use crate::report::Row;

/// Hosts by what they said and how they ended.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: IndexMap<Key, Group>,
    quiet: bool,
}

#[derive(Debug)]
struct Group {
    hosts: Vec<String>,
    /// What the first of them said, word for word.
    first: String,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    ok: bool,
    status: String,
    text: String,
}

// === impl Groups ===

impl Groups {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { groups: IndexMap::new(), quiet }
    }

    pub(crate) fn add(&mut self, row: &Row) {
        if self.quiet && row.is_ok() {
            return;
        }
        let told = lines::of(row);
        let text = told.iter().map(|line| if *line == row.detail { anonymous(line, &row.host) } else { line.clone() });
        let key = Key { ok: row.is_ok(), status: row.status.to_string(), text: joined(text) };
        let group = self.groups.entry(key);
        group.or_insert_with(|| Group { hosts: Vec::new(), first: joined(told) }).hosts.push(row.host.clone());
    }

    /// The biggest group last, where the eye is; with `diff`, the biggest first and the others as they differ from it.
    pub(crate) fn render(mut self, style: &Style, diff: bool) -> Vec<u8> {
        self.groups.sort_by(|_, a, _, b| a.hosts.len().cmp(&b.hosts.len()));
        let mut out = String::new();
        if !diff {
            for (key, group) in &self.groups {
                head(&mut out, key, &group.hosts, style);
                out += if group.hosts.len() == 1 { &group.first } else { &key.text };
            }
            return out.into_bytes();
        }
        let Some((most, group)) = self.groups.last() else { return Vec::new() };
        head(&mut out, most, &group.hosts, style);
        out += &most.text;
        for (key, group) in self.groups.iter().rev().skip(1) {
            head(&mut out, key, &group.hosts, style);
            if key.text == most.text {
                out += "(the same output)\n";
            } else {
                let diff = TextDiff::from_lines(&most.text, &key.text);
                // Without the `---` and `+++` lines: the heads say whose output it is.
                let hunks = diff.unified_diff().context_radius(1).to_string();
                out += &hunks;
            }
        }
        out.into_bytes()
    }
}

fn joined(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().fold(String::new(), |text, line| text + &line + "\n")
}

/// Why a host failed, without its name and address, which make each of a hundred dead hosts a group of its own.
fn anonymous(detail: &str, host: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches(|c: char| "`,;:()".contains(c));
        let is_host = bare == host || bare.parse::<SocketAddr>().is_ok() || bare.parse::<IpAddr>().is_ok();
        if is_host { word.replacen(bare, "HOST", 1) } else { word.to_owned() }
    };
    detail.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn head(out: &mut String, key: &Key, hosts: &[String], style: &Style) {
    let names = style.strong(&fold(hosts.iter().map(String::as_str)));
    let _ = write!(out, "--- {names} ({})", hosts.len());
    let _ = match key.ok {
        true => writeln!(out, " ---"),
        false => writeln!(out, " {} ---", style.bad(&format!("{} {}", style.glyphs.failed, key.status))),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_does_not_depend_on_the_host() {
        let said = anonymous("no connection: 10.0.0.7:22: Connection refused (os error 111)", "web-07");
        assert_eq!(said, "no connection: HOST: Connection refused (os error 111)");
        assert_eq!(anonymous("no address: `web-07`: not known", "web-07"), "no address: `HOST`: not known");
        assert_eq!(anonymous("no answer from [fe80::1]:22", "web-07"), "no answer from HOST");
    }
}
