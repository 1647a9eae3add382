//! The tables of `fleet-run` in Markdown.

use std::{fmt::Write as _, process::Command};

use super::super::{
    document::{machine, thousands, version},
    sample::{Sample, Spread},
};
use super::contenders::{FANOUT, PYTHON};
use super::goals::{Goal, count};
use super::rounds::{Row, Table};

/// Where and when, the goals, and a table a scenario.
pub(super) fn text(tables: &[Table], many: Option<&(usize, Sample)>, goals: &[Goal]) -> String {
    let ssh = version(Command::new("sh").args(["-c", "ssh -V 2>&1"])).unwrap_or_default();
    let mut text = format!("{} with {}; {ssh}. Fan-out {FANOUT}.\n", machine(), PYTHON.describe());
    if !goals.is_empty() {
        text.push_str("\n### Goals\n\n| goal | found | |\n| --- | --- | --- |\n");
        for goal in goals {
            let verdict = if goal.held { "held" } else { "**not held**" };
            let _ = writeln!(text, "| {} | {} | {verdict} |", goal.text, goal.found);
        }
    }
    for table in tables {
        let _ = write!(text, "\n### {}\n\n", table.title);
        text.push_str("| | wall, s | CPU, s | CPU a host, ms | memory of the largest process, MiB | of all, MiB | hosts ok | runs |\n");
        text.push_str("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
        table.rows.iter().for_each(|row| line(&mut text, table, row));
    }
    if let Some((hosts, sample)) = many {
        let hosts = thousands(*hosts);
        let _ = write!(
            text,
            "\n`true` on {hosts} hosts with `fleet-run`, once: {:.1} s, {:.2} s CPU, {:.1} MiB.\n",
            sample.wall,
            sample.cpu,
            mib(sample.rss)
        );
    }
    text
}

/// Bytes as MiB.
#[expect(clippy::cast_precision_loss, reason = "sizes of processes are far below 2^52 bytes")]
pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

fn line(text: &mut String, table: &Table, row: &Row) {
    let samples = &row.samples;
    let spread = |figure: &dyn Fn(&Sample) -> f64| Spread::of(samples, figure);
    let (Some(wall), Some(cpu), Some(rss)) =
        (spread(&|sample| sample.wall), spread(&|sample| sample.cpu), spread(&|sample| mib(sample.rss)))
    else {
        return;
    };
    let tree =
        samples.iter().find_map(|sample| sample.tree).map_or_else(String::new, |tree| format!("{:.0}", mib(tree)));
    let _ = writeln!(
        text,
        "| {} | {:.2} ({:.2} – {:.2}) | {:.2} ({:.2} – {:.2}) | {:.2} | {:.1} | {tree} | {}/{} | {} |",
        row.name,
        wall.median,
        wall.min,
        wall.max,
        cpu.median,
        cpu.min,
        cpu.max,
        cpu.median * 1000.0 / count(table.hosts),
        rss.median,
        row.ok,
        table.good,
        samples.len()
    );
}
