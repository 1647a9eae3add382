//! One source: what it is called and what it handed back.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sre_core::output::width;
use sre_core::{Classify, Delivery, ErrorClass, Failure, FailureKind, Finding, SourceId};

/// The kinds of source, as `--only` and `--skip` name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SourceKind {
    /// Kubernetes clusters.
    Kubernetes,
    /// Prometheus, with Alertmanager where one is named.
    Prometheus,
    /// AWS regions.
    Aws,
    /// The host that this runs on.
    Local,
}

/// A source: its kind and its target, as in `kubernetes prod-us-east-1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceKey {
    /// What kind of system was asked.
    #[serde(rename = "source")]
    pub kind: SourceKind,
    /// Which one: a context, a region, a server, a host.
    pub target: String,
}

/// How far a source got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SourceState {
    /// It answered everything.
    Answered,
    /// It answered, but not everything: see its notes.
    Partial,
    /// It did not answer: see its error.
    Failed,
    /// It had not answered when the deadline came.
    Late,
}

/// What a source handed back, whatever happened.
#[derive(Debug, Clone)]
pub struct SourceReport {
    /// Which source.
    pub key: SourceKey,
    /// How far it got.
    pub state: SourceState,
    /// Time from its start to its result.
    pub elapsed: Duration,
    /// The facts, as they stand in the JSON report.
    pub facts: Value,
    /// What a person should know.
    pub findings: Vec<Finding>,
    /// The facts in a line for people.
    pub summary: String,
    /// What is missing from a partial answer.
    pub notes: Vec<String>,
    /// Why it did not answer.
    pub error: Option<SourceError>,
    /// How much of it was asked, where that can differ from run to run: only an answer to the same question can say that
    /// something is over.
    pub scope: String,
}

/// Why a source did not answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceError {
    /// What has to be mended.
    pub class: ErrorClass,
    /// Whom we asked.
    pub target: String,
    /// What happened.
    pub message: String,
    /// How many attempts were made.
    pub attempts: u32,
    /// Time over all attempts.
    pub elapsed_seconds: f64,
    /// What to do about it.
    pub advice: String,
}

// === impl SourceKind ===

impl SourceKind {
    /// Every kind, in the order of the report.
    pub const ALL: [Self; 4] = [Self::Kubernetes, Self::Prometheus, Self::Aws, Self::Local];

    /// The lower-case word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Prometheus => "prometheus",
            Self::Aws => "aws",
            Self::Local => "local",
        }
    }

    /// The id that findings of this kind carry.
    #[must_use]
    pub fn id(self) -> SourceId {
        SourceId::new(self.as_str())
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// === impl SourceKey ===

impl SourceKey {
    /// Names a source.
    #[must_use]
    pub fn new(kind: SourceKind, target: impl Into<String>) -> Self {
        Self { kind, target: width::clean(&target.into()).into_owned() }
    }
}

impl fmt::Display for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.target)
    }
}

// === impl SourceReport ===

impl SourceReport {
    /// A source that answered; with notes on what is missing, in part.
    pub fn answered(
        key: SourceKey,
        facts: &impl Serialize,
        findings: Vec<Finding>,
        summary: String,
        notes: Vec<String>,
    ) -> Self {
        let state = if notes.is_empty() { SourceState::Answered } else { SourceState::Partial };
        // Facts are plain structs with text keys; should one not serialize, its findings still count.
        let facts = serde_json::to_value(facts).unwrap_or_default();
        Self { key, state, elapsed: Duration::ZERO, facts, findings, summary, notes, error: None, scope: String::new() }
    }

    /// Says how much was asked: the settings that decide which findings there can be.
    #[must_use]
    pub fn scoped(self, asked: &impl fmt::Debug) -> Self {
        let mut hash = DefaultHasher::new();
        format!("{asked:?}").hash(&mut hash);
        Self { scope: format!("{:016x}", hash.finish()), ..self }
    }

    /// Names the question that was asked.
    #[must_use]
    pub fn question(&self) -> String {
        if self.scope.is_empty() { self.key.to_string() } else { format!("{} {}", self.key, self.scope) }
    }

    /// A source that did not answer.
    #[must_use]
    pub fn failed(key: SourceKey, elapsed: Duration, error: SourceError) -> Self {
        Self {
            key,
            state: SourceState::Failed,
            elapsed,
            facts: Value::Null,
            findings: Vec::new(),
            summary: String::new(),
            notes: Vec::new(),
            error: Some(error),
            scope: String::new(),
        }
    }

    /// A source that had not answered when the time was up.
    #[must_use]
    pub fn late(key: SourceKey, elapsed: Duration, message: &str) -> Self {
        let error = SourceError {
            class: ErrorClass::Connection,
            target: key.target.clone(),
            message: message.to_owned(),
            attempts: 1,
            elapsed_seconds: elapsed.as_secs_f64(),
            advice: "raise --timeout or --deadline if it is only slow, else see whether it hangs".to_owned(),
        };
        Self { state: SourceState::Late, ..Self::failed(key, elapsed, error) }
    }
}

// === impl SourceError ===

impl SourceError {
    /// Takes over the facts of any error of the workspace.
    pub fn new<K: FailureKind>(kind: SourceKind, error: &Failure<K>) -> Self {
        Self {
            class: error.class(),
            target: error.target().to_string(),
            message: match error.detail() {
                "" => error.kind().as_str().to_owned(),
                detail => format!("{}: {detail}", error.kind().as_str()),
            },
            attempts: error.attempts(),
            elapsed_seconds: error.elapsed().unwrap_or_default().as_secs_f64(),
            advice: match (error.class(), error.delivery()) {
                (ErrorClass::Application, Delivery::NotSent) => "correct the setting; nothing was asked".to_owned(),
                (class, _) => advice(kind, class, error.status()).to_owned(),
            },
        }
    }

    /// An error that only concerns what we were told to do.
    #[must_use]
    pub fn settings(key: &SourceKey, message: &str, advice: &str) -> Self {
        Self {
            class: ErrorClass::Application,
            target: key.target.clone(),
            message: message.to_owned(),
            attempts: 0,
            elapsed_seconds: 0.0,
            advice: advice.to_owned(),
        }
    }
}

fn advice(kind: SourceKind, class: ErrorClass, status: Option<u16>) -> &'static str {
    match (kind, class) {
        (_, ErrorClass::Connection) => "check VPN, firewall, name and port; the credentials were not tried",
        (SourceKind::Kubernetes, ErrorClass::Auth) => "log in again (kubectl auth whoami shows who you are)",
        (SourceKind::Aws, ErrorClass::Auth) => "renew the credentials (aws sts get-caller-identity shows who you are)",
        (_, ErrorClass::Auth) => "check the token or password and what it may read",
        _ if status.is_some_and(|s| s == 429 || s >= 500) => {
            "the server is in trouble or overloaded: look at it, then run again"
        }
        _ => "the server is reached: check the address, its version and the request",
    }
}
