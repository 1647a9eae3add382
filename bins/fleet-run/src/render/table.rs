//! One line a host, in the inventory's order.

use sre_core::duration;
use sre_core::output::{Column, Table};

use super::style::Style;
use super::{health, lines};
use crate::report::{Report, Row};
use crate::work::Brought;

pub(crate) fn render(report: &Report, style: &Style, quiet: bool) -> String {
    let rows = || report.rows.iter().filter(|row| !(quiet && row.is_ok()));
    let mut out = String::new();
    let facts = rows().any(|row| matches!(row.value, Some(Brought::Facts(_))));
    let titles = if facts { &health::TITLES[..] } else { &["OUTPUT"][..] };
    let fixed = [Column::left("HOST"), Column::left("STATUS"), Column::right("TIME")];
    let last = titles.len() - 1;
    let rest = titles.iter().enumerate().map(|(i, title)| match (i == last, facts) {
        (true, _) => Column::left(*title).shrink_to(20),
        (false, true) => Column::right(*title),
        (false, false) => Column::left(*title),
    });
    let mut table = Table::new(fixed.into_iter().chain(rest)).max_width(style.width).glyphs(style.glyphs);
    for row in rows() {
        let mark = if row.is_ok() { style.glyphs.ok } else { style.glyphs.failed };
        let mut cells =
            vec![row.host.clone(), format!("{mark} {}", row.status), duration::format(row.elapsed).to_string()];
        match &row.value {
            Some(Brought::Facts(facts)) => cells.extend(health::cells(facts)),
            _ => {
                cells.extend(std::iter::repeat_n(String::new(), last));
                cells.push(first_line(row));
            }
        }
        table.push(cells);
    }
    if !table.is_empty() {
        let _ = table.write(&mut out);
    }
    out
}

fn first_line(row: &Row) -> String {
    let all = lines::of(row);
    match &all[..] {
        [] => String::new(),
        [line] => line.clone(),
        [line, rest @ ..] => format!("{line} (+{} lines)", rest.len()),
    }
}
