//! The report for a CI server: a suite a source, a case a check.
//!
//! Each suite begins with the case `answered`. Then comes one case for each finding code of that kind of source: it
//! failed when a finding of that code reaches the threshold, and is skipped when the source did not answer.

use sre_core::output::junit::{Case, Report as Junit, Suite};

use super::lines;
use super::style::Style;
use crate::catalogue;
use crate::report::{Entry, Report, SourceEntry};
use crate::source::SourceState;
use crate::verdict::FailOn;

/// The XML document.
#[must_use]
pub fn junit(report: &Report, style: &Style, fail_on: FailOn) -> String {
    let mut xml =
        Junit::new("morning-check").timestamp(report.timestamp).time(lines::seconds(report.verdict.elapsed_seconds));
    for source in &report.sources {
        xml = xml.suite(suite(report, source, style, fail_on));
    }
    xml.to_xml()
}

fn suite(report: &Report, source: &SourceEntry, style: &Style, fail_on: FailOn) -> Suite {
    let took = lines::seconds(source.elapsed_seconds);
    let mut suite = Suite::new(&source.key.to_string()).timestamp(report.timestamp).time(took);
    suite = suite.case(answered(source).time(took));
    for doc in catalogue::of(source.key.kind) {
        let code = doc.code.as_str();
        let name = format!("{code} {}", doc.title);
        if matches!(source.state, SourceState::Failed | SourceState::Late) {
            suite = suite.case(Case::skipped(&name, "the source did not answer"));
            continue;
        }
        let found: Vec<&Entry> =
            report.findings.iter().filter(|f| f.code == doc.code && f.origin == source.key).collect();
        suite = suite.case(check(&name, code, &found, style, fail_on));
    }
    suite
}

fn answered(source: &SourceEntry) -> Case {
    let unknowns = lines::unknowns(source);
    match unknowns.first() {
        None => Case::passed("answered"),
        Some(first) => {
            let class = source.error.as_ref().map_or("partial", |e| e.class.as_str());
            Case::error("answered", class, first).text(&unknowns.join("\n"))
        }
    }
}

fn check(name: &str, code: &str, found: &[&Entry], style: &Style, fail_on: FailOn) -> Case {
    let rows: Vec<String> = found.iter().map(|e| row(e, style)).collect();
    let counting = found.iter().filter(|e| fail_on.reached_by(e.severity)).count();
    match (counting, rows.is_empty()) {
        (0, true) => Case::passed(name),
        (0, false) => Case::passed(name).output(&rows.join("\n")),
        (n, _) => Case::failed(name, code, &format!("{n} found")).text(&rows.join("\n")),
    }
}

fn row(entry: &Entry, style: &Style) -> String {
    let mut parts =
        vec![format!("[{}] {} {}: {}", entry.severity, entry.target, entry.subject, lines::title(entry, style))];
    if !entry.detail.is_empty() {
        parts.push(format!("  {}", entry.detail));
    }
    parts.extend(entry.evidence.iter().map(|e| format!("  {}", lines::evidence(e))));
    parts.join("\n")
}
