//! The report as a Slack message: verdict on top, a coloured block a severity, the sources below.

use sre_alerts::slack::{Attachment, Block, Color, Message, Text, escape};
use sre_core::{Evidence, Severity};

use super::lines;
use super::style::Style;
use crate::report::{Entry, Report};
use crate::verdict::Status;

/// More than these of one severity are counted, not listed: a channel is read on a phone.
const MOST: usize = 15;

/// The message, of any length; [`Message::parts`] is what is sent.
#[must_use]
pub fn slack(report: &Report, style: &Style, channel: Option<&str>) -> Message {
    let verdict = &report.verdict;
    let word = lines::word(verdict.status);
    let counts = lines::counts(verdict, style);
    let mut message = Message::new(format!("morning-check: {word}, {counts}"))
        .block(Block::header(format!("{} {word}", mark(verdict.status))))
        .block(Block::section(Text::mrkdwn(format!(
            "{}\n{}",
            escape::text(&counts),
            escape::text(&lines::answered(verdict))
        ))));
    if let Some(channel) = channel {
        message = message.channel(channel);
    }
    for severity in Severity::ALL.into_iter().rev() {
        message = findings(message, report, severity, style);
    }
    if let Some(unknown) = unknown(report) {
        message = message.attachment(unknown);
    }
    if !report.resolved.is_empty() {
        let mut rows: Vec<String> = report
            .resolved
            .iter()
            .take(MOST)
            .map(|r| format!("{}  {}", escape::text(&r.target), escape::text(&r.subject)))
            .collect();
        rows.extend(more(report.resolved.len()));
        message = message.attachment(titled(Color::Good, "resolved", &rows));
    }
    let sources = report.sources.iter().filter(|s| !s.summary.is_empty());
    let sources: Vec<String> =
        sources.map(|s| escape::text(&format!("{}: {}", s.key, s.summary)).into_owned()).collect();
    if sources.is_empty() { message } else { message.block(Block::context([Text::mrkdwn(sources.join("\n"))])) }
}

fn findings(message: Message, report: &Report, severity: Severity, style: &Style) -> Message {
    let (shown, hidden) = lines::shown(report, severity, Some(MOST));
    if shown.is_empty() {
        return message;
    }
    let mut rows: Vec<String> = shown.iter().map(|e| finding(e, style)).collect();
    rows.extend(more(shown.len() + hidden));
    message.attachment(titled(Color::from(severity), severity.as_str(), &rows))
}

fn finding(entry: &Entry, style: &Style) -> String {
    let text = |t: &str| escape::text(t).into_owned();
    let age = lines::age(entry, style);
    let age = if age.is_empty() { age } else { format!("  _{}_", text(&age)) };
    let head = format!(
        "*{}*  {}: {}  `{}`{age}",
        text(entry.target.as_str()),
        text(&entry.subject),
        text(&lines::title(entry, style)),
        entry.code
    );
    let mut rows = vec![head];
    if !entry.detail.is_empty() {
        rows.push(text(&entry.detail));
    }
    for evidence in &entry.evidence {
        rows.push(match evidence {
            Evidence::Command(command) => format!("`{}`", text(command).replace('`', "'")),
            other => text(&lines::evidence(other)),
        });
    }
    rows.join("\n")
}

fn unknown(report: &Report) -> Option<Attachment> {
    let rows = report.sources.iter().flat_map(|s| {
        lines::unknowns(s)
            .into_iter()
            .map(move |line| format!("*{}*  {}", escape::text(&s.key.to_string()), escape::text(&line)))
    });
    let rows: Vec<String> = rows.collect();
    (!rows.is_empty()).then(|| titled(Color::Neutral, "unknown", &rows))
}

fn titled(color: Color, title: &str, rows: &[String]) -> Attachment {
    let text = format!("*{}*\n{}", title.to_uppercase(), rows.join("\n"));
    Attachment::new(color).block(Block::section(Text::mrkdwn(text)))
}

fn more(all: usize) -> Option<String> {
    (all > MOST).then(|| format!("_and {} more_", all - MOST))
}

fn mark(status: Status) -> &'static str {
    match status {
        Status::Healthy => "✅",
        Status::Unhealthy => "🔴",
        Status::Unknown => "⚠️",
    }
}
