//! A host as it ends: one line, and its output below when that has several.

use std::fmt::Write;

use sre_core::duration;

use super::lines;
use super::style::Style;
use crate::report::Row;

pub(crate) fn host(row: &Row, style: &Style) -> Vec<u8> {
    let mut out = format!("{} {}", style.mark(&row.status), row.host);
    if !row.is_ok() {
        let _ = write!(out, "  {}", style.bad(&row.status.to_string()));
    }
    let _ = write!(out, "  {}", style.faint(&duration::format(row.elapsed).to_string()));
    if row.attempts > 1 {
        let _ = write!(out, "  {}", style.faint(&format!("{} attempts", row.attempts)));
    }
    match &lines::of(row)[..] {
        [] => out.push('\n'),
        [line] => {
            let _ = writeln!(out, "  {line}");
        }
        lines => {
            out.push('\n');
            for line in lines {
                let _ = writeln!(out, "    {line}");
            }
        }
    }
    out.into_bytes()
}
