//! The tables in Markdown, and the goals: held or not.

use std::fmt::Write as _;
use std::process::Command;

use super::contender::Contender;
use super::latency::Latency;
use super::load::{Case, Load};
use super::rounds::ACTIVE;
use crate::bench::document::{machine, thousands, version};

/// Ours may take this much of the other's memory.
const SHARE: f64 = 0.25;
/// Seconds.
const NOTIFY: f64 = 0.1;

/// A case with what both did.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) case: Case,
    pub(super) rows: [Row; 2],
}

/// What one server did in all rounds.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) contender: Contender,
    pub(super) loads: Vec<Load>,
}

/// The name of a case.
pub(super) fn title(case: Case) -> String {
    let Case { batch, distinct, connections, .. } = case;
    format!("batches of {batch} over {} distinct alerts, {connections} connections", thousands(distinct))
}

/// Circumstances, goals and tables.
pub(super) fn text(
    tables: &[Table],
    memory: &[(Contender, f64)],
    times: &[(Contender, Latency)],
    seconds: u32,
) -> String {
    let shell = "prometheus-alertmanager --version 2>&1; true";
    let alertmanager = version(Command::new("sh").args(["-c", shell])).unwrap_or_default();
    let wrk = version(Command::new("sh").args(["-c", "wrk -v 2>&1; true"])).unwrap_or_default();
    let wrk = wrk.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let alertmanager = alertmanager.split(" (").next().unwrap_or_default();
    let mut text = format!("{}; {alertmanager}; {wrk}. {seconds} s each.\n", machine());
    text.push_str("\n### Goals\n\n| goal | found | |\n| --- | --- | --- |\n");
    for (goal, found, held) in goals(tables, memory, times) {
        let _ = writeln!(text, "| {goal} | {found} | {} |", if held { "held" } else { "**not held**" });
    }
    for table in tables {
        let title = title(table.case);
        let _ = write!(text, "\n### {}{}\n\n", title[..1].to_uppercase(), &title[1..]);
        text.push_str(
            "| | alerts/s | server's CPU an alert, µs | peak memory, MiB | answer p50, ms | answer p99, ms |\n",
        );
        text.push_str("| --- | ---: | ---: | ---: | ---: | ---: |\n");
        table.rows.iter().for_each(|row| line(&mut text, row));
    }
    let _ = write!(text, "\n### {} active alerts\n\n", thousands(ACTIVE));
    text.push_str(
        "| | memory, MiB | posted → notified p50, ms | p99, ms | worst, ms |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    for ((contender, memory), (_, latency)) in memory.iter().zip(times) {
        let [p50, p99, worst] = [latency.p50, latency.p99, latency.worst].map(|seconds| seconds * 1000.0);
        let _ = writeln!(text, "| {} | {memory:.1} | {p50:.1} | {p99:.1} | {worst:.1} |", contender.name());
    }
    text
}

type Goal = (String, String, bool);

fn goals(tables: &[Table], memory: &[(Contender, f64)], times: &[(Contender, Latency)]) -> Vec<Goal> {
    let mut goals = Vec::new();
    for table in tables {
        let [ours, theirs] = &table.rows;
        let (rate, other) = (median(&ours.loads, |l| l.rate), median(&theirs.loads, |l| l.rate));
        let title = title(table.case);
        let goal = format!("{title}: more than Alertmanager and than {:.0} alerts/s", table.case.goal);
        goals.push((goal, format!("{rate:.0}, {other:.0}"), rate > other.max(table.case.goal)));
        if table.case.distinct > ACTIVE {
            let (mib, other) = (median(&ours.loads, |l| l.memory), median(&theirs.loads, |l| l.memory));
            goals.push(quarter(&format!("{title}: peak memory"), mib, other));
        }
    }
    if let [(_, ours), (_, theirs)] = memory {
        goals.push(quarter(&format!("{} active alerts: memory", thousands(ACTIVE)), *ours, *theirs));
    }
    if let Some((_, ours)) = times.iter().find(|(contender, _)| *contender == Contender::Ours) {
        let goal = format!("{} active alerts: accept → notify p99 below 100 ms", thousands(ours.active));
        goals.push((goal, format!("{:.1} ms", ours.p99 * 1000.0), ours.p99 < NOTIFY));
    }
    goals
}

fn quarter(what: &str, ours: f64, theirs: f64) -> Goal {
    let found = format!("{ours:.1} of {theirs:.1} MiB, {:.2} ×", ours / theirs);
    (format!("{what} less than a quarter of Alertmanager's"), found, ours < theirs * SHARE)
}

fn line(text: &mut String, row: &Row) {
    let figure = |figure: fn(&Load) -> f64| median(&row.loads, figure);
    let rates = row.loads.iter().map(|load| load.rate);
    let (least, most) = (rates.clone().fold(f64::INFINITY, f64::min), rates.fold(0.0, f64::max));
    let _ = writeln!(
        text,
        "| {} | {:.0} ({least:.0} – {most:.0}) | {:.1} | {:.0} | {:.1} | {:.1} |",
        row.contender.name(),
        figure(|load| load.rate),
        figure(|load| load.cpu),
        figure(|load| load.memory),
        figure(|load| load.p50) * 1000.0,
        figure(|load| load.p99) * 1000.0,
    );
}

fn median(loads: &[Load], figure: impl Fn(&Load) -> f64) -> f64 {
    let mut figures: Vec<f64> = loads.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_held_against_both_the_peer_and_the_figure() {
        let case = Case { batch: 1, distinct: 2 * ACTIVE, connections: 2, goal: 100.0 };
        let load = |rate, memory| Load { rate, cpu: 1.0, memory, p50: 0.1, p99: 0.2 };
        let judge = |ours, theirs| {
            let row = |contender, load| Row { contender, loads: vec![load] };
            let rows = [row(Contender::Ours, ours), row(Contender::Alertmanager, theirs)];
            goals(&[Table { case, rows }], &[], &[]).iter().map(|goal| goal.2).collect::<Vec<_>>()
        };
        assert_eq!(judge(load(101.0, 24.0), load(50.0, 100.0)), [true, true]);
        assert_eq!(judge(load(99.0, 25.0), load(50.0, 100.0)), [false, false]);
        assert_eq!(judge(load(150.0, 1.0), load(160.0, 100.0)), [false, true]);
    }
}
