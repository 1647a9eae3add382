//! One thing that a person should know, with a name that stays the same from run to run.
//!
//! ```
//! use sre_core::{Code, Evidence, Finding, Severity, SourceId, Target};
//!
//! let f = Finding::new(Code::new("K8S-CRASHLOOP"), Severity::Critical, SourceId::new("kubernetes"),
//!                      Target::new("prod-us-east-1"), "deployment payments/api", "CrashLoopBackOff")
//!     .detail("last exit OOMKilled (137); 14 restarts")
//!     .count(3)
//!     .evidence(Evidence::Command("kubectl -n payments logs deploy/api --previous".into()));
//! assert_eq!(f.id, Finding::new(f.code, f.severity, f.source.clone(), f.target.clone(), &f.subject, "other words").id);
//! ```

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::severity::Severity;
use crate::target::Target;

/// A documented, ignorable name of a kind of finding, such as `K8S-CRASHLOOP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Code(&'static str);

impl Code {
    /// Codes are upper-case words joined by `-`; each is explained in the tool's docs.
    #[must_use]
    pub const fn new(code: &'static str) -> Self {
        Self(code)
    }

    /// The code as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// Stable across runs and machines: a hash of code, target and subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FindingId(String);

impl FindingId {
    fn of(code: Code, target: &Target, subject: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [code.as_str(), target.as_str(), subject] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        Self(digest.iter().take(8).map(|b| format!("{b:02x}")).collect())
    }

    /// 16 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who found it: `kubernetes`, `prometheus`, `aws`, `local`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceId(String);

impl SourceId {
    /// A lower-case word.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What shows that the finding is true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Evidence {
    /// A command that a person can paste.
    Command(String),
    /// A page to open.
    Link(String),
    /// A measured value.
    Value {
        /// What was measured.
        name: String,
        /// The number.
        value: f64,
        /// Its unit, as in `%`, `/s`, `bytes`.
        unit: String,
    },
    /// Words of the system itself.
    Text(String),
}

/// One thing that a person should know.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of finding this is.
    pub code: Code,
    /// The same thing has the same id in every run.
    pub id: FindingId,
    /// How much it matters.
    pub severity: Severity,
    /// Who found it.
    pub source: SourceId,
    /// Where: the cluster, region, server or host.
    pub target: Target,
    /// What it is about: `deployment payments/api`, an instance id, a mount point. Part of the id.
    pub subject: String,
    /// A few words: `CrashLoopBackOff`.
    pub title: String,
    /// A sentence with the numbers, or empty.
    pub detail: String,
    /// How many things of the same kind stand behind it (replicas, events); at least 1.
    pub count: u32,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// Since when it is so, where the system says.
    pub since: Option<Timestamp>,
}

impl Finding {
    /// A finding with count 1 and no detail, evidence or start time; the id comes from code, target and subject.
    #[must_use]
    pub fn new(
        code: Code,
        severity: Severity,
        source: SourceId,
        target: Target,
        subject: impl Into<String>,
        title: impl Into<String>,
    ) -> Self {
        let subject = subject.into();
        Self {
            id: FindingId::of(code, &target, &subject),
            code,
            severity,
            source,
            target,
            subject,
            title: title.into(),
            detail: String::new(),
            count: 1,
            evidence: Vec::new(),
            since: None,
        }
    }

    /// A sentence with the numbers.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// How many things stand behind it.
    #[must_use]
    pub fn count(mut self, count: u32) -> Self {
        self.count = count.max(1);
        self
    }

    /// Adds something that shows it.
    #[must_use]
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// Since when it is so.
    #[must_use]
    pub fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }
}
