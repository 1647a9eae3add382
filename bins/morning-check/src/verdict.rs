//! What a run means, in one word and one exit code.

use serde::Serialize;
use sre_core::exit::ExitCode;
use sre_core::{ErrorClass, Severity};

use crate::report::{Age, Entry};
use crate::source::{SourceKind, SourceReport, SourceState};

/// The word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// Every source answered and nothing reaches the threshold.
    Healthy,
    /// Something reaches the threshold.
    Unhealthy,
    /// Nothing known reaches the threshold, but some source did not answer.
    Unknown,
}

/// From which severity on a finding makes the run unhealthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FailOn {
    /// Critical only.
    #[default]
    Critical,
    /// Error and critical.
    Error,
    /// Warning and above.
    Warning,
    /// Every finding.
    Info,
    /// No finding at all; an incomplete run is still no success.
    Never,
}

/// What a run means.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The word.
    pub status: Status,
    /// The exit code that follows from it, before `--exit-zero`.
    pub exit_code: u8,
    /// Findings that are critical.
    pub critical: usize,
    /// Findings that are errors.
    pub error: usize,
    /// Findings that are warnings.
    pub warning: usize,
    /// Findings that are only worth knowing.
    pub info: usize,
    /// Findings that the last run did not have; null without a last run.
    pub new: Option<usize>,
    /// Findings that an ignore rule took out.
    pub ignored: usize,
    /// Sources that answered, wholly or in part.
    pub sources_answered: usize,
    /// Sources that were asked.
    pub sources_asked: usize,
    /// When the run before this one was; null without one.
    pub compared_with: Option<jiff::Timestamp>,
    /// Time of the whole run.
    pub elapsed_seconds: f64,
}

// === impl FailOn ===

impl FailOn {
    pub(crate) fn reached_by(self, severity: Severity) -> bool {
        match self {
            Self::Critical => severity >= Severity::Critical,
            Self::Error => severity >= Severity::Error,
            Self::Warning => severity >= Severity::Warning,
            Self::Info => true,
            Self::Never => false,
        }
    }
}

// === impl Verdict ===

impl Verdict {
    /// Judges a run; `ignored`, `compared_with` and `elapsed_seconds` are the caller's to fill in.
    #[must_use]
    pub fn of(sources: &[SourceReport], findings: &[Entry], fail_on: FailOn) -> Self {
        let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
        let answered =
            sources.iter().filter(|s| matches!(s.state, SourceState::Answered | SourceState::Partial)).count();
        let incomplete = sources.is_empty() || sources.iter().any(|s| s.state != SourceState::Answered);
        let (status, exit) = if findings.iter().any(|f| fail_on.reached_by(f.severity)) {
            (Status::Unhealthy, ExitCode::FINDINGS)
        } else if nobody_let_us_in(sources) {
            (Status::Unknown, ExitCode::AUTH)
        } else if incomplete {
            (Status::Unknown, ExitCode::INCOMPLETE)
        } else {
            (Status::Healthy, ExitCode::OK)
        };
        let compared = findings.is_empty() || findings.iter().any(|f| f.age != Age::Unknown);
        Self {
            status,
            exit_code: exit.get(),
            critical: count(Severity::Critical),
            error: count(Severity::Error),
            warning: count(Severity::Warning),
            info: count(Severity::Info),
            new: compared.then(|| findings.iter().filter(|f| f.age == Age::New).count()),
            ignored: 0,
            sources_answered: answered,
            sources_asked: sources.len(),
            compared_with: None,
            elapsed_seconds: 0.0,
        }
    }
}

/// Every source that wants credentials refused ours. This host wants none, so it does not count.
fn nobody_let_us_in(sources: &[SourceReport]) -> bool {
    let mut asked = sources.iter().filter(|s| s.key.kind != SourceKind::Local).peekable();
    asked.peek().is_some() && asked.all(|s| s.error.as_ref().is_some_and(|e| e.class == ErrorClass::Auth))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;
    use sre_core::{Code, Finding, SourceId, Target};

    use super::*;
    use crate::source::{SourceError, SourceKey};

    fn source(kind: SourceKind, class: Option<ErrorClass>) -> SourceReport {
        let key = SourceKey::new(kind, "t");
        let error = SourceError {
            class: ErrorClass::Auth,
            target: "t".into(),
            message: "m".into(),
            attempts: 1,
            elapsed_seconds: 0.0,
            advice: String::new(),
        };
        match class {
            Some(class) => SourceReport::failed(key, Duration::ZERO, SourceError { class, ..error }),
            None => SourceReport {
                state: SourceState::Answered,
                error: None,
                facts: Value::Null,
                ..SourceReport::failed(key, Duration::ZERO, error)
            },
        }
    }

    fn finding(severity: Severity) -> Entry {
        Entry::new(
            SourceKey::new(SourceKind::Local, "h"),
            Finding::new(Code::new("X"), severity, SourceId::new("s"), Target::new("t"), "s", "t"),
        )
    }

    fn exit(sources: &[SourceReport], findings: &[Entry], fail_on: FailOn) -> u8 {
        Verdict::of(sources, findings, fail_on).exit_code
    }

    #[test]
    fn incomplete_is_never_success() {
        use ErrorClass::{Application, Auth, Connection};
        let ok = || source(SourceKind::Kubernetes, None);
        let down = || source(SourceKind::Aws, Some(Connection));
        let refused = || source(SourceKind::Prometheus, Some(Auth));
        assert_eq!(exit(&[ok()], &[], FailOn::Critical), 0);
        assert_eq!(exit(&[ok(), down()], &[], FailOn::Never), 2);
        assert_eq!(exit(&[ok(), refused()], &[], FailOn::Critical), 2);
        assert_eq!(exit(&[refused(), refused()], &[], FailOn::Critical), 3);
        assert_eq!(exit(&[refused(), source(SourceKind::Local, None)], &[], FailOn::Critical), 3);
        assert_eq!(exit(&[source(SourceKind::Aws, Some(Application))], &[], FailOn::Critical), 2);
        assert_eq!(exit(&[], &[], FailOn::Critical), 2);
        let partial = SourceReport { state: SourceState::Partial, ..ok() };
        assert_eq!(exit(&[partial], &[], FailOn::Critical), 2);
    }

    #[test]
    fn findings_count_from_the_threshold_on() {
        let ok = [source(SourceKind::Local, None)];
        for (severity, fail_on, expected) in [
            (Severity::Critical, FailOn::Critical, 1),
            (Severity::Error, FailOn::Critical, 0),
            (Severity::Warning, FailOn::Warning, 1),
            (Severity::Info, FailOn::Warning, 0),
            (Severity::Info, FailOn::Info, 1),
            (Severity::Critical, FailOn::Never, 0),
        ] {
            assert_eq!(exit(&ok, &[finding(severity)], fail_on), expected, "{severity} {fail_on:?}");
        }
    }
}
