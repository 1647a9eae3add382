//! What the last run found, so that this one can say what is new, what goes on and what is over.
//!
//! One JSON file in the state directory. A finding is *resolved* only when the source that had it answered in full;
//! of a source that was not asked or did not answer, everything is carried over as it was, for up to 30 days.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sre_core::{FindingId, Severity};

use crate::report::{Age, Entry, Resolved};
use crate::source::{SourceKey, SourceReport, SourceState};

/// Version of the state file; another version is treated as no last run.
const VERSION: u32 = 1;

/// What nobody was asked about for so long is dropped: the cluster may be gone for good.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The question behind findings about the settings themselves; each run answers it.
const OWN: &str = "config";

/// The remembered run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastRun {
    version: u32,
    timestamp: Timestamp,
    /// Questions that were answered in full, and when last.
    answered: BTreeMap<String, Timestamp>,
    findings: BTreeMap<FindingId, Remembered>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Remembered {
    code: String,
    severity: Severity,
    source: String,
    target: String,
    /// The question whose answer can resolve it.
    asked: String,
    subject: String,
    title: String,
    first_seen: Timestamp,
    last_seen: Timestamp,
}

/// Why the last run could not be read or this one not be kept.
#[derive(Debug, thiserror::Error)]
#[error("the last run in {path} cannot be {verb}")]
pub struct HistoryError {
    path: PathBuf,
    verb: &'static str,
    #[source]
    source: io::Error,
}

// === impl LastRun ===

impl LastRun {
    /// Reads the file; `None` when there is none yet or it is of another version or broken, which is logged.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn load(path: &Path) -> Result<Option<Self>, HistoryError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(HistoryError { path: path.to_owned(), verb: "read", source }),
        };
        match serde_json::from_slice::<Self>(&text) {
            Ok(run) if run.version == VERSION => Ok(Some(run)),
            Ok(run) => {
                tracing::warn!(path = %path.display(), version = run.version, "the last run is of another version: starting anew");
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the last run is unreadable: starting anew");
                Ok(None)
            }
        }
    }

    /// When that run was.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Puts in what another run, which ended between our reading and our writing, learned from sources that we did not
    /// ask.
    #[must_use]
    pub fn merged(mut self, other: Self, sources: &[SourceKey]) -> Self {
        let ours = |question: &str| question == OWN || sources.iter().any(|key| of_source(question, key));
        let theirs = |asked: &str| !ours(asked);
        self.findings.retain(|_, r| ours(&r.asked));
        self.findings.extend(other.findings.into_iter().filter(|(_, r)| theirs(&r.asked)));
        self.answered.extend(other.answered.into_iter().filter(|(question, _)| theirs(question)));
        self
    }

    /// The file's new content.
    ///
    /// # Errors
    /// Never in practice; serialization is fallible by type.
    pub fn to_json(&self) -> Result<Vec<u8>, HistoryError> {
        serde_json::to_vec_pretty(self).map_err(|e| HistoryError {
            path: PathBuf::from("(memory)"),
            verb: "written",
            source: io::Error::other(e),
        })
    }
}

/// What comparing two runs yields.
#[derive(Debug)]
pub struct Compared {
    /// What is over.
    pub resolved: Vec<Resolved>,
    /// What the next run shall compare with.
    pub next: LastRun,
}

/// Marks each entry as new or ongoing and finds what is over. `hidden` are findings that are still there and that an
/// ignore rule took out.
pub fn compare(
    last: Option<&LastRun>,
    entries: &mut [Entry],
    hidden: &BTreeSet<FindingId>,
    sources: &[SourceReport],
    now: Timestamp,
) -> Compared {
    let first = LastRun { version: VERSION, timestamp: now, answered: BTreeMap::new(), findings: BTreeMap::new() };
    let before = last.unwrap_or(&first);
    let questions: BTreeMap<&SourceKey, String> = sources.iter().map(|s| (&s.key, s.question())).collect();
    let fresh = |at: &Timestamp| now.duration_since(*at) < FORGOTTEN;
    let mut next = LastRun { timestamp: now, ..first.clone() };
    next.answered.extend(before.answered.iter().filter(|(_, at)| fresh(at)).map(|(q, at)| (q.clone(), *at)));
    let answered = sources.iter().filter(|s| s.state == SourceState::Answered).map(SourceReport::question);
    let answered: BTreeSet<String> = answered.chain([OWN.to_owned()]).collect();
    next.answered.extend(answered.iter().map(|question| (question.clone(), now)));
    for entry in entries.iter_mut() {
        let asked = questions.get(&entry.origin).cloned().unwrap_or_else(|| OWN.to_owned());
        let known = before.findings.get(&entry.id);
        let first_seen = known.map_or(now, |r| r.first_seen);
        entry.first_seen = Some(first_seen);
        entry.age = match known {
            Some(_) => Age::Ongoing,
            // Nobody asked this before: it may have been there for years.
            None if !before.answered.contains_key(&asked) => Age::Unknown,
            None => Age::New,
        };
        next.findings.insert(entry.id.clone(), remember(entry, asked, first_seen, now));
    }
    let found: BTreeSet<&FindingId> = entries.iter().map(|e| &e.id).collect();
    let mut resolved = Vec::new();
    for (id, old) in before.findings.iter().filter(|(id, _)| !found.contains(id)) {
        if answered.contains(&old.asked) && !hidden.contains(id) {
            resolved.push(old.clone().resolve(id.clone()));
        } else if fresh(&old.last_seen) {
            next.findings.insert(id.clone(), old.clone());
        }
    }
    resolved.sort_by(|a, b| (b.severity, &a.target, &a.subject).cmp(&(a.severity, &b.target, &b.subject)));
    Compared { resolved, next }
}

/// Whether a question was put to this source, in whatever scope.
fn of_source(question: &str, key: &SourceKey) -> bool {
    question.strip_prefix(&key.to_string()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

fn remember(entry: &Entry, asked: String, first_seen: Timestamp, last_seen: Timestamp) -> Remembered {
    Remembered {
        code: entry.code.to_string(),
        severity: entry.severity,
        source: entry.source.to_string(),
        target: entry.target.to_string(),
        asked,
        subject: entry.subject.clone(),
        title: entry.title.clone(),
        first_seen,
        last_seen,
    }
}

impl Remembered {
    fn resolve(self, id: FindingId) -> Resolved {
        let Self { code, severity, source, target, subject, title, first_seen, .. } = self;
        Resolved { id, code, severity, source, target, subject, title, first_seen }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;
    use sre_core::{Code, Finding, Target};

    use super::*;
    use crate::source::{SourceKey, SourceKind};

    fn at(hour: u8) -> Timestamp {
        format!("2026-03-23T{hour:02}:00:00Z").parse().unwrap()
    }

    fn entry(subject: &str) -> Entry {
        let finding =
            Finding::new(Code::new("X"), Severity::Warning, SourceKind::Local.id(), Target::new("h"), subject, "t");
        Entry::new(SourceKey::new(SourceKind::Local, "h"), finding)
    }

    fn source(state: SourceState) -> SourceReport {
        let key = SourceKey::new(SourceKind::Local, "h");
        SourceReport {
            key,
            state,
            elapsed: Duration::ZERO,
            facts: Value::Null,
            findings: vec![],
            summary: String::new(),
            notes: vec![],
            error: None,
            scope: String::new(),
        }
    }

    #[test]
    fn new_then_ongoing_then_resolved() {
        let mut run = [entry("disk /")];
        let first = compare(None, &mut run, &BTreeSet::new(), &[source(SourceState::Answered)], at(7)).next;
        assert_eq!(run[0].age, Age::Unknown);

        let mut run = [entry("disk /"), entry("disk /var")];
        let second = compare(Some(&first), &mut run, &BTreeSet::new(), &[source(SourceState::Answered)], at(8));
        assert_eq!((run[0].age, run[1].age), (Age::Ongoing, Age::New));
        assert_eq!(run[0].first_seen, Some(at(7)));

        let third = compare(Some(&second.next), &mut [], &BTreeSet::new(), &[source(SourceState::Answered)], at(9));
        assert_eq!(third.resolved.len(), 2);
        assert!(
            compare(Some(&third.next), &mut [], &BTreeSet::new(), &[source(SourceState::Answered)], at(10))
                .resolved
                .is_empty()
        );
    }

    #[test]
    fn silence_resolves_nothing() {
        let first =
            compare(None, &mut [entry("disk /")], &BTreeSet::new(), &[source(SourceState::Answered)], at(7)).next;
        for sources in [
            vec![],
            vec![source(SourceState::Failed)],
            vec![source(SourceState::Partial)],
            vec![source(SourceState::Late)],
        ] {
            let later = compare(Some(&first), &mut [], &BTreeSet::new(), &sources, at(8));
            assert!(later.resolved.is_empty());
            let mut back = [entry("disk /")];
            compare(Some(&later.next), &mut back, &BTreeSet::new(), &[source(SourceState::Answered)], at(9));
            assert_eq!((back[0].age, back[0].first_seen), (Age::Ongoing, Some(at(7))));
        }
    }

    #[test]
    fn what_is_ignored_is_not_over() {
        let first =
            compare(None, &mut [entry("disk /")], &BTreeSet::new(), &[source(SourceState::Answered)], at(7)).next;
        let hidden = BTreeSet::from([entry("disk /").id]);
        let later = compare(Some(&first), &mut [], &hidden, &[source(SourceState::Answered)], at(8));
        assert!(later.resolved.is_empty());
    }

    #[test]
    fn another_question_resolves_nothing_and_makes_nothing_new() {
        let first =
            compare(None, &mut [entry("disk /")], &BTreeSet::new(), &[source(SourceState::Answered)], at(7)).next;
        let other = source(SourceState::Answered).scoped(&"only /var");
        let mut run = [entry("disk /var")];
        let later = compare(Some(&first), &mut run, &BTreeSet::new(), &[other], at(8));
        assert!(later.resolved.is_empty());
        assert_eq!(run[0].age, Age::Unknown);
    }

    #[test]
    fn what_another_run_learned_meanwhile_is_kept() {
        let ours =
            compare(None, &mut [entry("disk /")], &BTreeSet::new(), &[source(SourceState::Answered)], at(7)).next;
        let key = SourceKey::new(SourceKind::Kubernetes, "prod");
        let report = SourceReport { key: key.clone(), ..source(SourceState::Answered) };
        let mut run = [Entry { origin: key, ..entry("pod a/b") }];
        let theirs = compare(None, &mut run, &BTreeSet::new(), &[report], at(7)).next;
        let merged = ours.merged(theirs, &[SourceKey::new(SourceKind::Local, "h")]);
        assert_eq!((merged.findings.len(), merged.answered.len()), (2, 3));
    }

    #[test]
    fn what_nobody_asks_about_is_forgotten_in_the_end() {
        let first =
            compare(None, &mut [entry("disk /")], &BTreeSet::new(), &[source(SourceState::Answered)], at(7)).next;
        let month = SignedDuration::from_hours(31 * 24);
        assert!(compare(Some(&first), &mut [], &BTreeSet::new(), &[], at(8) + month).next.findings.is_empty());
    }

    #[test]
    fn a_broken_file_is_no_last_run() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("last-run.json");
        assert!(LastRun::load(&path).unwrap().is_none());
        std::fs::write(&path, "{\"version\": 1, \"timest").unwrap();
        assert!(LastRun::load(&path).unwrap().is_none());
        assert!(LastRun::load(dir.path()).is_err());
    }
}
