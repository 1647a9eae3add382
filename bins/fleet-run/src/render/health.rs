//! How a host is, on one line.

use sre_core::duration;
use sre_core::output::bytes;
use sre_remote::facts::{Facts, HealthThresholds, judge};

/// The columns of a table.
pub(crate) const TITLES: [&str; 6] = ["CPU", "MEMORY FREE", "LOAD", "FULLEST DISK", "UPTIME", "FINDINGS"];

/// What was not told.
const NOTHING: &str = "-";

pub(crate) fn cells(facts: &Facts) -> Vec<String> {
    let told = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    vec![
        told(facts.cpu.map(|cpu| format!("{:.0}%", cpu.busy_percent))),
        told(facts.memory.map(|m| format!("{:.0}% of {}", m.available_percent, bytes::format(m.total_bytes)))),
        told(facts.load.map(|load| format!("{:.2}", load.one))),
        told(fullest(facts)),
        told(facts.uptime.map(|uptime| duration::format(uptime).to_string())),
        findings(facts),
    ]
}

pub(crate) fn line(facts: &Facts) -> String {
    let cells = cells(facts);
    let words = ["cpu", "memory free", "load", "disk", "up"];
    let mut text: Vec<String> = words.iter().zip(&cells).map(|(word, cell)| format!("{word} {cell}")).collect();
    if let Some(findings) = cells.last().filter(|cell| !cell.is_empty()) {
        text.push(format!("! {findings}"));
    }
    text.join("  ")
}

fn fullest(facts: &Facts) -> Option<String> {
    let disks = facts.disks.as_ref()?;
    let disk = disks.iter().max_by(|a, b| a.used_percent.total_cmp(&b.used_percent))?;
    Some(format!("{} {:.0}%", disk.mount, disk.used_percent))
}

fn findings(facts: &Facts) -> String {
    let target = sre_core::Target::new("host");
    let found = judge(facts, &HealthThresholds::default(), &target);
    found.iter().map(|finding| finding.title.clone()).collect::<Vec<_>>().join("; ")
}
