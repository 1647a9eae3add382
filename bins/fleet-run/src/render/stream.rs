//! Lines as they come, each behind its host's name.

use sre_core::duration;
use sre_core::output::width::{self, Align};
use sre_remote::Host;

use super::lines;
use super::style::Style;
use crate::report::Row;

/// Names longer than this are not waited for by the others.
const WIDEST: usize = 32;

/// The names, padded to one width.
#[derive(Debug)]
pub(crate) struct Prefixes {
    names: Vec<String>,
}

// === impl Prefixes ===

impl Prefixes {
    pub(crate) fn new(hosts: &[Host]) -> Self {
        let widest = hosts.iter().map(|host| width::of(host.name())).max().unwrap_or(0).min(WIDEST);
        Self { names: hosts.iter().map(|host| width::pad(host.name(), widest, Align::Left)).collect() }
    }

    pub(crate) fn lines(&self, index: usize, bytes: &[u8]) -> Vec<u8> {
        let name = &self.names[index];
        lines::split(bytes).map(|line| format!("{name}: {line}\n")).collect::<String>().into_bytes()
    }
}

pub(crate) fn end(row: &Row, prefixes: &Prefixes, style: &Style) -> Vec<u8> {
    let mut out = format!("{}: {} ", prefixes.names[row.index], style.mark(&row.status));
    out += &format!("{}  {}", row.status, style.faint(&duration::format(row.elapsed).to_string()));
    if !row.detail.is_empty() {
        out += &format!("  {}", row.detail);
    }
    if row.lines_dropped > 0 {
        out += &format!("  [{} lines not shown]", row.lines_dropped);
    }
    out.push('\n');
    out.into_bytes()
}
