//! The report as one page of HTML that needs nothing else.

use askama::Template;
use sre_core::{Evidence, Severity};

use super::lines;
use super::style::Style;
use crate::report::{Entry, Report};
use crate::source::SourceState;
use crate::verdict::Status;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    word: &'static str,
    class: &'static str,
    counts: String,
    answered: String,
    time: String,
    sections: Vec<Section>,
    unknown: Vec<(String, String)>,
    sources: Vec<SourceRow>,
}

struct Section {
    severity: Severity,
    rows: Vec<Row>,
}

struct Row {
    target: String,
    subject: String,
    title: String,
    detail: String,
    evidence: Vec<Shown>,
    code: String,
    age: String,
}

struct Shown {
    text: String,
    link: bool,
}

struct SourceRow {
    name: String,
    state: &'static str,
    summary: String,
}

/// The page.
///
/// # Errors
/// Never in practice; rendering is fallible by type.
pub fn html(report: &Report, style: &Style) -> Result<String, askama::Error> {
    let sections = Severity::ALL
        .into_iter()
        .rev()
        .map(|severity| Section { severity, rows: report.of(severity).map(|e| row(e, style)).collect() });
    let unknown =
        report.sources.iter().flat_map(|s| lines::unknowns(s).into_iter().map(|line| (s.key.to_string(), line)));
    let page = Page {
        report,
        word: lines::word(report.verdict.status),
        class: match report.verdict.status {
            Status::Healthy => "healthy",
            Status::Unhealthy => "unhealthy",
            Status::Unknown => "unknown",
        },
        counts: lines::counts(&report.verdict, style),
        answered: lines::answered(&report.verdict),
        time: report.timestamp.to_zoned(style.zone.get().clone()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
        sections: sections.filter(|s| !s.rows.is_empty()).collect(),
        unknown: unknown.collect(),
        sources: report.sources.iter().map(source).collect(),
    };
    page.render()
}

fn row(entry: &Entry, style: &Style) -> Row {
    Row {
        target: entry.target.to_string(),
        subject: entry.subject.clone(),
        title: lines::title(entry, style),
        detail: entry.detail.clone(),
        evidence: entry.evidence.iter().map(shown).collect(),
        code: entry.code.to_string(),
        age: lines::age(entry, style),
    }
}

/// Only web addresses become links: a `javascript:` address in an annotation of a cluster must not.
fn shown(evidence: &Evidence) -> Shown {
    let text = lines::evidence(evidence);
    let web = text.starts_with("https://") || text.starts_with("http://");
    Shown { link: matches!(evidence, Evidence::Link(_)) && web, text }
}

fn source(entry: &crate::report::SourceEntry) -> SourceRow {
    SourceRow {
        name: entry.key.to_string(),
        state: match entry.state {
            SourceState::Answered => "answered",
            SourceState::Partial => "partial",
            SourceState::Failed => "failed",
            SourceState::Late => "late",
        },
        summary: entry.summary.clone(),
    }
}
