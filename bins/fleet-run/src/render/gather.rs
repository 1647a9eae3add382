//! Identical output once, its hosts folded.

use std::fmt::Write;

use indexmap::IndexMap;
use similar::TextDiff;
use sre_remote::inventory::fold;

use super::lines;
use super::style::Style;
use crate::report::Row;

/// Hosts by what they said and how they ended.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: IndexMap<Key, Vec<String>>,
    quiet: bool,
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
        let mut text = lines::of(row).join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        let key = Key { ok: row.is_ok(), status: row.status.to_string(), text };
        self.groups.entry(key).or_default().push(row.host.clone());
    }

    /// The biggest group last, where the eye is; with `diff`, the biggest first and the others as they differ from it.
    pub(crate) fn render(mut self, style: &Style, diff: bool) -> Vec<u8> {
        self.groups.sort_by(|_, a, _, b| a.len().cmp(&b.len()));
        let mut out = String::new();
        if !diff {
            for (key, hosts) in &self.groups {
                head(&mut out, key, hosts, style);
                out += &key.text;
            }
            return out.into_bytes();
        }
        let Some((most, hosts)) = self.groups.last() else { return Vec::new() };
        head(&mut out, most, hosts, style);
        out += &most.text;
        for (key, hosts) in self.groups.iter().rev().skip(1) {
            head(&mut out, key, hosts, style);
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

fn head(out: &mut String, key: &Key, hosts: &[String], style: &Style) {
    let names = style.strong(&fold(hosts.iter().map(String::as_str)));
    let _ = write!(out, "--- {names} ({})", hosts.len());
    let _ = match key.ok {
        true => writeln!(out, " ---"),
        false => writeln!(out, " {} ---", style.bad(&format!("{} {}", style.glyphs.failed, key.status))),
    };
}
