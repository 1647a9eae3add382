//! The report for a terminal, a pipe or a mail.

use std::fmt::Write;

use sre_core::{Evidence, Severity};
use unicode_width::UnicodeWidthStr;

use super::lines;
use super::style::Style;
use super::when::clock_time;
use crate::report::{Entry, Report, SourceEntry};
use crate::source::SourceKind;

/// Columns are aligned up to these widths; longer texts push the rest to the right.
const WIDEST_TARGET: usize = 28;
const WIDEST_SUBJECT: usize = 44;
const WIDEST_TITLE: usize = 56;

/// The whole report, ending with a newline.
#[must_use]
pub fn text(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    let verdict = &report.verdict;
    let word = style.status(verdict.status, lines::word(verdict.status));
    let _ = writeln!(out, "{word}  {}   {}", lines::counts(verdict, style), lines::answered(verdict));
    for severity in Severity::ALL.into_iter().rev() {
        section(&mut out, report, severity, style);
    }
    unknown(&mut out, report, style);
    resolved(&mut out, report, style);
    summaries(&mut out, report, style);
    out
}

fn section(out: &mut String, report: &Report, severity: Severity, style: &Style) {
    let (entries, hidden) = lines::shown(report, severity, style.most);
    if entries.is_empty() {
        return;
    }
    let heading = severity.as_str().to_uppercase();
    let _ = writeln!(out, "\n{}", style.severity(severity, &heading));
    let widest = |most: usize, f: &dyn Fn(&Entry) -> usize| {
        entries.iter().map(|e| f(e)).filter(|w| *w <= most).max().unwrap_or(0)
    };
    let columns = Columns {
        target: widest(WIDEST_TARGET, &|e| e.target.as_str().width()),
        subject: widest(WIDEST_SUBJECT, &|e| e.subject.width()),
        title: widest(WIDEST_TITLE, &|e| lines::title(e, style).width()),
    };
    for entry in entries {
        columns.entry(out, entry, style);
    }
    if hidden > 0 {
        let _ = writeln!(out, "   {}", style.faint(&format!("and {hidden} more: -v or -o json shows all")));
    }
}

struct Columns {
    target: usize,
    subject: usize,
    title: usize,
}

impl Columns {
    fn entry(&self, out: &mut String, entry: &Entry, style: &Style) {
        let title = lines::title(entry, style);
        let head = format!(
            "{}  {}  {}",
            pad(entry.target.as_str(), self.target),
            pad(&entry.subject, self.subject),
            pad(&title, self.title)
        );
        let age = lines::age(entry, style);
        let tail = if age.is_empty() { entry.code.to_string() } else { format!("{:<16} {age}", entry.code) };
        let symbol = style.severity(entry.severity, style.glyphs.severity(entry.severity));
        if style.width.is_none_or(|w| head.width() + tail.width() + 6 <= w) {
            let _ = writeln!(out, " {symbol} {head}   {}", style.faint(&tail));
        } else {
            let _ = writeln!(out, " {symbol} {}", head.trim_end());
            let _ = writeln!(out, "     {}", style.faint(&tail));
        }
        // Never cut: a command has to survive being copied.
        // A measured value stands in the title already; it is for programs.
        let told = entry.evidence.iter().filter(|e| !matches!(e, Evidence::Value { .. }));
        let mut pieces: Vec<String> = told.map(lines::evidence).collect();
        if !entry.detail.is_empty() {
            pieces.insert(0, entry.detail.clone());
        }
        let joined = pieces.join("   ");
        let short = pieces.len() <= 2 && !joined.contains('\n');
        if short && style.width.is_none_or(|w| joined.width() + 5 <= w) {
            if !joined.is_empty() {
                let _ = writeln!(out, "     {}", told_apart(&joined));
            }
        } else {
            for line in pieces.iter().flat_map(|piece| piece.lines()) {
                let _ = writeln!(out, "     {}", told_apart(line));
            }
        }
    }
}

fn unknown(out: &mut String, report: &Report, style: &Style) {
    let unknown: Vec<(&SourceEntry, String)> =
        report.sources.iter().flat_map(|s| lines::unknowns(s).into_iter().map(move |line| (s, line))).collect();
    if unknown.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", style.severity(Severity::Warning, "UNKNOWN"));
    let widest = unknown.iter().map(|(s, _)| s.key.target.width()).filter(|w| *w <= WIDEST_TARGET).max().unwrap_or(0);
    for (source, line) in unknown {
        let mark = style.severity(Severity::Warning, style.glyphs.unknown);
        let target = pad(&source.key.target, widest);
        // What to do about it stands last; it moves down where both do not fit.
        match line.rsplit_once("   ") {
            Some((what, advice)) if style.width.is_some_and(|w| target.width() + line.width() + 5 > w) => {
                let _ = writeln!(out, " {mark} {target}  {what}\n     {advice}");
            }
            _ => {
                let _ = writeln!(out, " {mark} {target}  {line}");
            }
        }
    }
}

fn resolved(out: &mut String, report: &Report, style: &Style) {
    if report.resolved.is_empty() {
        return;
    }
    let since = report.verdict.compared_with.map(|t| format!(" since {}", clock_time(t, style.now, style.zone.get())));
    let _ = writeln!(out, "\n{}", style.good(&format!("RESOLVED{}", since.unwrap_or_default())));
    let shown = style.most.unwrap_or(usize::MAX);
    for r in report.resolved.iter().take(shown) {
        let _ = writeln!(out, " {} {}  {}  {}", style.good(style.glyphs.ok), r.target, r.subject, style.faint(&r.code));
    }
    if report.resolved.len() > shown {
        let _ = writeln!(out, "   {}", style.faint(&format!("and {} more", report.resolved.len() - shown)));
    }
}

fn summaries(out: &mut String, report: &Report, style: &Style) {
    if report.sources.iter().all(|s| s.summary.is_empty()) {
        return;
    }
    let _ = writeln!(out);
    for kind in SourceKind::ALL {
        let parts: Vec<String> = report
            .sources
            .iter()
            .filter(|s| s.key.kind == kind && !s.summary.is_empty())
            .map(|s| format!("{}: {}", s.key.target, s.summary))
            .collect();
        let joined = parts.join(&format!(" {} ", style.glyphs.dot));
        let rows = if style.width.is_none_or(|w| joined.width() + 13 <= w) { vec![joined] } else { parts };
        for (i, row) in rows.iter().filter(|r| !r.is_empty()).enumerate() {
            let label = if i == 0 { kind.as_str() } else { "" };
            let _ = writeln!(out, " {label:<10}  {row}");
        }
    }
}

/// A CI runner takes a line that begins with `::` for a command to itself; words from outside shall not give any.
fn told_apart(line: &str) -> String {
    if line.trim_start().starts_with("::") { format!("| {line}") } else { line.to_owned() }
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}
