//! The report: everything that the renderers show, in the shape of the JSON document.
//!
//! The shape is versioned ([`SCHEMA_VERSION`]) and described in `docs/morning-check.schema.json`: keys are added within a
//! version, never renamed or removed.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sre_core::output::width;
use sre_core::{Code, Evidence, Finding, FindingId, Severity, SourceId, Target};

use crate::source::{SourceError, SourceKey, SourceKind, SourceReport, SourceState};
use crate::verdict::Verdict;

/// Version of the JSON document.
pub const SCHEMA_VERSION: &str = "1.0";

/// One run, judged.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: &'static str,
    /// When the run began, UTC.
    pub timestamp: Timestamp,
    /// What it all means.
    pub verdict: Verdict,
    /// One entry a source that was asked.
    pub sources: Vec<SourceEntry>,
    /// One entry a cluster.
    pub kubernetes: Vec<Value>,
    /// What Prometheus said; null when it was not asked.
    pub prometheus: Value,
    /// One entry a region.
    pub aws: Vec<Value>,
    /// What this host said; null when it was not asked.
    pub local: Value,
    /// Most severe first.
    pub findings: Vec<Entry>,
    /// What the last run found and this one did not.
    pub resolved: Vec<Resolved>,
}

/// How one source did.
#[derive(Debug, Clone, Serialize)]
pub struct SourceEntry {
    /// Which source.
    #[serde(flatten)]
    pub key: SourceKey,
    /// How far it got.
    pub state: SourceState,
    /// Time from its start to its result.
    pub elapsed_seconds: f64,
    /// The facts in a line.
    pub summary: String,
    /// What is missing from a partial answer.
    pub notes: Vec<String>,
    /// Why it did not answer.
    pub error: Option<SourceError>,
}

/// Whether a finding was there last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Age {
    /// The last run did not have it.
    New,
    /// The last run had it too.
    Ongoing,
    /// There is no last run to compare with.
    Unknown,
}

/// A finding with its history.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Stable across runs.
    pub id: FindingId,
    /// What kind of finding; `morning-check explain CODE` tells more.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// Who found it.
    pub source: SourceId,
    /// Where.
    pub target: Target,
    /// What it is about.
    pub subject: String,
    /// A few words.
    pub title: String,
    /// A sentence with the numbers.
    pub detail: String,
    /// How many things stand behind it.
    pub count: u32,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// Since when it is so, where the system says.
    pub since: Option<Timestamp>,
    /// Whether it was there last time.
    pub age: Age,
    /// The first run that had it.
    pub first_seen: Option<Timestamp>,
    /// Whose answer it came with; a source's findings may name other targets.
    #[serde(skip)]
    pub origin: SourceKey,
}

/// Something that the last run found and this one did not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resolved {
    /// The id that it had.
    pub id: FindingId,
    /// Its code.
    pub code: String,
    /// Its severity then.
    pub severity: Severity,
    /// Who found it.
    pub source: String,
    /// Where it was.
    pub target: String,
    /// What it was about.
    pub subject: String,
    /// Its words.
    pub title: String,
    /// The first run that had it.
    pub first_seen: Timestamp,
}

// === impl Report ===

impl Report {
    /// Puts the parts in their places.
    #[must_use]
    pub fn new(
        timestamp: Timestamp,
        verdict: Verdict,
        reports: Vec<SourceReport>,
        findings: Vec<Entry>,
        resolved: Vec<Resolved>,
    ) -> Self {
        let mut report = Self {
            schema_version: SCHEMA_VERSION,
            timestamp,
            verdict,
            sources: Vec::new(),
            kubernetes: Vec::new(),
            prometheus: Value::Null,
            aws: Vec::new(),
            local: Value::Null,
            findings,
            resolved,
        };
        for source in reports {
            report.place(source);
        }
        report
    }

    fn place(&mut self, source: SourceReport) {
        let facts = match &source.error {
            Some(error) => failed_facts(&source.key, error),
            None => source.facts,
        };
        match source.key.kind {
            SourceKind::Kubernetes => self.kubernetes.push(facts),
            SourceKind::Prometheus => self.prometheus = facts,
            SourceKind::Aws => self.aws.push(facts),
            SourceKind::Local => self.local = facts,
        }
        self.sources.push(SourceEntry {
            key: source.key,
            state: source.state,
            elapsed_seconds: source.elapsed.as_secs_f64(),
            summary: width::clean(&source.summary).into_owned(),
            notes: source.notes.iter().map(|note| width::clean(note).into_owned()).collect(),
            error: source.error,
        });
    }

    /// The findings of one severity, in order.
    pub fn of(&self, severity: Severity) -> impl Iterator<Item = &Entry> {
        self.findings.iter().filter(move |f| f.severity == severity)
    }
}

/// A source that did not answer still has its place, with the error in it.
fn failed_facts(key: &SourceKey, error: &SourceError) -> Value {
    let name = match key.kind {
        SourceKind::Kubernetes => "cluster",
        SourceKind::Prometheus => "url",
        SourceKind::Aws => "region",
        SourceKind::Local => "host",
    };
    serde_json::json!({ name: key.target, "error": error })
}

// === impl Entry ===

impl Entry {
    /// A finding whose history is not known. Its words come from remote systems: they are put on one line, without what
    /// could steer a terminal.
    #[must_use]
    pub fn new(origin: SourceKey, finding: Finding) -> Self {
        Self {
            origin,
            id: finding.id,
            code: finding.code,
            severity: finding.severity,
            source: finding.source,
            target: finding.target,
            subject: width::clean(&finding.subject).into_owned(),
            title: width::clean(&finding.title).into_owned(),
            detail: width::clean(&finding.detail).into_owned(),
            count: finding.count,
            evidence: finding.evidence,
            since: finding.since,
            age: Age::Unknown,
            first_seen: None,
        }
    }
}
