//! Sentences that several renderers share.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sre_core::output::width;
use sre_core::{Evidence, Severity, duration};

use super::style::Style;
use super::when::clock_time;
use crate::report::{Age, Entry, Report, SourceEntry};
use crate::source::{SourceKey, SourceState};
use crate::verdict::{Status, Verdict};

/// `UNHEALTHY`.
pub(super) fn word(status: Status) -> &'static str {
    match status {
        Status::Healthy => "HEALTHY",
        Status::Unhealthy => "UNHEALTHY",
        Status::Unknown => "UNKNOWN",
    }
}

/// `2 critical, 3 warnings, 1 new since yesterday 07:00`.
pub(super) fn counts(verdict: &Verdict, style: &Style) -> String {
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    if verdict.critical > 0 {
        parts.push(format!("{} critical", verdict.critical));
    }
    if verdict.error > 0 {
        parts.push(plural(verdict.error, "error"));
    }
    if verdict.warning > 0 {
        parts.push(plural(verdict.warning, "warning"));
    }
    if verdict.info > 0 {
        parts.push(format!("{} info", verdict.info));
    }
    if parts.is_empty() {
        parts.push("no findings".to_owned());
    }
    if let (Some(new), Some(since)) = (verdict.new.filter(|n| *n > 0), verdict.compared_with) {
        parts.push(format!("{new} new since {}", clock_time(since, style.now, style.zone.get())));
    }
    if verdict.ignored > 0 {
        parts.push(format!("{} ignored by rule", verdict.ignored));
    }
    parts.join(", ")
}

/// `7 of 8 sources answered in 2.1s`.
pub(super) fn answered(verdict: &Verdict) -> String {
    let took = duration::format(seconds(verdict.elapsed_seconds));
    format!("{} of {} sources answered in {took}", verdict.sources_answered, verdict.sources_asked)
}

/// `CrashLoopBackOff, since 06:41`.
pub(super) fn title(entry: &Entry, style: &Style) -> String {
    match entry.since {
        Some(since) => format!("{}, since {}", entry.title, clock_time(since, style.now, style.zone.get())),
        None => entry.title.clone(),
    }
}

/// `new`, `ongoing, 2d`, or nothing.
pub(super) fn age(entry: &Entry, style: &Style) -> String {
    match (entry.age, entry.first_seen) {
        (Age::New, _) => "new".to_owned(),
        (Age::Ongoing, Some(first)) => {
            let lasted = Duration::try_from(style.now.duration_since(first)).unwrap_or_default();
            format!("ongoing, {}", duration::format(lasted))
        }
        (Age::Ongoing, None) => "ongoing".to_owned(),
        (Age::Unknown, _) => String::new(),
    }
}

/// One piece of evidence, without what could steer a terminal. Only texts have several lines.
pub(super) fn evidence(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Command(text) | Evidence::Link(text) => width::clean(text).into_owned(),
        Evidence::Text(text) => text.lines().map(width::clean).collect::<Vec<_>>().join("\n"),
        Evidence::Value { name, value, unit } => format!("{name} = {value}{unit}"),
        _ => String::new(),
    }
}

/// What is unknown of one source, a line each: why it failed, or what is missing.
pub(super) fn unknowns(source: &SourceEntry) -> Vec<String> {
    match (&source.error, source.state) {
        (Some(e), _) => {
            let tries = (e.attempts > 1).then(|| format!("{} attempts", e.attempts));
            let took = (e.elapsed_seconds > 0.0).then(|| duration::format(seconds(e.elapsed_seconds)).to_string());
            let facts: Vec<String> = tries.into_iter().chain(took).collect();
            let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
            vec![format!("{}: {}{facts}   {}", e.class, e.message, e.advice)]
        }
        (None, SourceState::Partial) => source.notes.iter().map(|n| format!("partial: {n}")).collect(),
        (None, _) => Vec::new(),
    }
}

/// The findings of a severity that are shown, and how many are not. Where not all are, the sources take turns: forty bad
/// pods of one cluster do not hide the one alert.
pub(super) fn shown(report: &Report, severity: Severity, most: Option<usize>) -> (Vec<&Entry>, usize) {
    let all: Vec<&Entry> = report.of(severity).collect();
    let Some(most) = most.filter(|most| *most < all.len()) else { return (all, 0) };
    let mut taken: BTreeMap<&SourceKey, usize> = BTreeMap::new();
    let mut turns: Vec<(usize, usize)> = Vec::new();
    for (place, entry) in all.iter().enumerate() {
        let turn = taken.entry(&entry.origin).or_default();
        turns.push((*turn, place));
        *turn += 1;
    }
    turns.sort_unstable();
    let chosen: BTreeSet<usize> = turns.into_iter().take(most).map(|(_, place)| place).collect();
    let hidden = all.len() - chosen.len();
    let shown = all.into_iter().enumerate().filter(|(place, _)| chosen.contains(place)).map(|(_, entry)| entry);
    (shown.collect(), hidden)
}

/// A duration from a report's seconds; what is no duration is zero.
pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
