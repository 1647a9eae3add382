//! The report for a pull request, an issue or a wiki page (GitHub's flavour).

use std::fmt::Write;

use sre_core::{Evidence, Severity};

use super::lines;
use super::style::Style;
use crate::report::{Entry, Report};
use crate::source::SourceState;

/// The whole report, ending with a newline.
#[must_use]
pub fn markdown(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    let verdict = &report.verdict;
    let _ = writeln!(out, "## {} — {}\n", lines::word(verdict.status), escape(&lines::counts(verdict, style)));
    let _ = writeln!(out, "{} ({})", lines::answered(verdict), report.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ"));
    for severity in Severity::ALL.into_iter().rev() {
        findings(&mut out, report, severity, style);
    }
    let unknown: Vec<String> = report
        .sources
        .iter()
        .flat_map(|s| {
            lines::unknowns(s).into_iter().map(|line| format!("- `{}` {}", code(&s.key.to_string()), escape(&line)))
        })
        .collect();
    if !unknown.is_empty() {
        let _ = writeln!(out, "\n### Unknown\n\n{}", unknown.join("\n"));
    }
    if !report.resolved.is_empty() {
        let _ = writeln!(out, "\n### Resolved\n");
        for r in &report.resolved {
            let _ = writeln!(out, "- `{}` {} ({})", code(&r.target), escape(&r.subject), r.code);
        }
    }
    let _ = writeln!(out, "\n### Sources\n\n| source | state | summary |\n| --- | --- | --- |");
    for s in &report.sources {
        let _ = writeln!(out, "| {} | {} | {} |", escape(&s.key.to_string()), state(s.state), escape(&s.summary));
    }
    out
}

fn findings(out: &mut String, report: &Report, severity: Severity, style: &Style) {
    let mut entries = report.of(severity).peekable();
    if entries.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "\n### {severity}\n\n| where | what | finding | code | |\n| --- | --- | --- | --- | --- |");
    for e in entries {
        let age = lines::age(e, style);
        let what = format!("{}{}", escape(&lines::title(e, style)), detail(e));
        let _ =
            writeln!(out, "| {} | {} | {what} | {} | {age} |", escape(e.target.as_str()), escape(&e.subject), e.code);
    }
}

fn detail(entry: &Entry) -> String {
    let mut out = String::new();
    if !entry.detail.is_empty() {
        let _ = write!(out, "<br>{}", escape(&entry.detail));
    }
    for evidence in &entry.evidence {
        let text = lines::evidence(evidence);
        let _ = match evidence {
            Evidence::Link(_) => write!(out, "<br><{}>", escape(&text)),
            _ => write!(out, "<br>`{}`", code(&text)),
        };
    }
    out
}

fn state(state: SourceState) -> &'static str {
    match state {
        SourceState::Answered => "answered",
        SourceState::Partial => "partial",
        SourceState::Failed => "failed",
        SourceState::Late => "late",
    }
}

/// Keeps text from being read as markup or from leaving its table cell.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Text inside backquotes inside a table cell.
fn code(text: &str) -> String {
    text.replace('`', "'").replace('|', "\\|").replace(['\n', '\r'], " ")
}
