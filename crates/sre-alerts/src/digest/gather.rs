//! Puts the records of a day together, a line a problem.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use sre_core::Severity;

/// Problems that are kept of each outcome; beyond them only their number is.
const MOST: usize = 10_000;

/// What became of an alert, or of a notification about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It began to fire.
    Fired,
    /// It was over.
    Resolved,
    /// It was not sent on purpose: suppressed, silenced, inhibited, or in a maintenance window.
    Suppressed,
    /// It could not be delivered.
    Failed,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// When.
    pub at: Timestamp,
    /// What.
    pub outcome: Outcome,
    /// The same problem has the same key.
    pub key: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub title: String,
    /// Who said so.
    pub source: String,
    /// Why it was suppressed or not sent.
    pub detail: String,
}

/// The records of some time, usually a day.
#[derive(Debug, Clone)]
pub struct Digest {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) zone: TimeZone,
    pub(super) sections: BTreeMap<Outcome, Section>,
}

/// All problems of one outcome.
#[derive(Debug, Clone, Default)]
pub(super) struct Section {
    pub(super) count: usize,
    problems: BTreeMap<String, Problem>,
    /// Records of problems beyond [`MOST`].
    pub(super) others: usize,
}

/// One problem of one outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) count: usize,
    pub(super) first: Timestamp,
    /// The last one has the words.
    pub(super) last: Record,
    /// The most urgent it was.
    pub(super) severity: Severity,
}

// === impl Outcome ===

impl Outcome {
    /// All of them, in the order of a digest.
    pub const ALL: [Self; 4] = [Self::Fired, Self::Resolved, Self::Suppressed, Self::Failed];

    /// As in "4 fired, 1 not sent".
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Resolved => "resolved",
            Self::Suppressed => "suppressed",
            Self::Failed => "not sent",
        }
    }
}

// === impl Record ===

impl Record {
    /// A record without source and detail.
    #[must_use]
    pub fn new(
        at: Timestamp,
        outcome: Outcome,
        key: impl Into<String>,
        severity: Severity,
        title: impl Into<String>,
    ) -> Self {
        let (key, title) = (key.into(), title.into());
        Self { at, outcome, key, severity, title, source: String::new(), detail: String::new() }
    }

    /// Who said so.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// Why it was suppressed or not sent.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// The time from the same hour of the day before until `at`: 23 or 25 hours where the clocks change.
#[must_use]
pub fn day_before(at: &Zoned) -> (Timestamp, Timestamp) {
    let from = at.checked_sub(Span::new().days(1)).map_or(Timestamp::MIN, |z| z.timestamp());
    (from, at.timestamp())
}

// === impl Digest ===

impl Digest {
    /// An empty digest of `from` (included) to `to` (not included); times are shown in `zone`.
    #[must_use]
    pub fn new(from: Timestamp, to: Timestamp, zone: TimeZone) -> Self {
        Self { from, to, zone, sections: BTreeMap::new() }
    }

    /// Adds a record, in any order; one of another time is left out.
    pub fn add(&mut self, record: Record) {
        if record.at < self.from || record.at >= self.to {
            return;
        }
        let section = self.sections.entry(record.outcome).or_default();
        section.count += 1;
        if let Some(problem) = section.problems.get_mut(&record.key) {
            problem.add(record);
        } else if section.problems.len() < MOST {
            let problem = Problem { count: 1, first: record.at, severity: record.severity, last: record };
            section.problems.insert(problem.last.key.clone(), problem);
        } else {
            section.others += 1;
        }
    }

    /// How many records there are of an outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.sections.get(&outcome).map_or(0, |section| section.count)
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.sections.is_empty()
    }

    /// Whether it fired and was not resolved after that.
    pub(super) fn still_fires(&self, key: &str) -> bool {
        let last = |outcome| self.sections.get(&outcome)?.problems.get(key).map(|p| p.last.at);
        last(Outcome::Fired).is_some_and(|fired| last(Outcome::Resolved).is_none_or(|resolved| resolved < fired))
    }
}

impl Extend<Record> for Digest {
    fn extend<T: IntoIterator<Item = Record>>(&mut self, records: T) {
        records.into_iter().for_each(|record| self.add(record));
    }
}

// === impl Section ===

impl Section {
    /// The most urgent first, then the most frequent, then the oldest.
    pub(super) fn sorted(&self) -> Vec<&Problem> {
        let mut problems: Vec<&Problem> = self.problems.values().collect();
        problems.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.count.cmp(&a.count)).then(a.first.cmp(&b.first)));
        problems
    }
}

// === impl Problem ===

impl Problem {
    fn add(&mut self, record: Record) {
        self.count += 1;
        self.first = self.first.min(record.at);
        self.severity = self.severity.max(record.severity);
        if record.at >= self.last.at {
            self.last = record;
        }
    }
}
