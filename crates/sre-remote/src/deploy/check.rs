//! What the gate asks.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sre_core::Severity;

use super::step::{check_shell, check_words, optional_duration};
use super::subject::Subject;
use super::template::Template;
use crate::facts::HealthThresholds;
use crate::quote;

/// One check of a gate.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawCheck")]
#[non_exhaustive]
pub struct Check {
    /// What people call it; shown instead of what it asks.
    pub name: Option<String>,
    /// What it asks.
    pub question: Question,
    /// How long one answer may take. Default 10 s.
    pub timeout: Duration,
    /// Whether a command runs as root, by `sudo`.
    pub sudo: bool,
}

/// What a check asks.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Question {
    /// Whether a URL, asked from here, answers with this status, and with this text in its body.
    Http {
        /// Which URL.
        url: Template,
        /// The status that is wanted. Default 200.
        status: u16,
        /// Text that the body must have.
        contains: Option<Template>,
    },
    /// Whether a program on the host ends with status 0.
    Command(Vec<Template>),
    /// Whether shell text on the host ends with status 0.
    Shell(String),
    /// Whether no part of the host is beyond a limit ([`facts`](crate::facts)); a host that does not tell its CPU, memory,
    /// load and disks is not well.
    Health {
        /// The limits.
        limits: Box<HealthThresholds>,
        /// From which severity on a finding makes the host unhealthy. Default critical.
        fail_on: Severity,
    },
    /// Whether the value of a PromQL query is within a limit. Without a hole for the host it is about the batch as a
    /// whole.
    Query {
        /// The query; its result is one number.
        query: Template,
        /// Which Prometheus.
        prometheus: String,
        /// What the value must be.
        limit: Limit,
    },
}

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Limit {
    /// Less than this.
    Below(f64),
    /// More than this.
    Above(f64),
}

/// One answer's time.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A check as the plan file spells it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawCheck {
    name: Option<String>,
    http: Option<Template>,
    status: Option<u16>,
    contains: Option<Template>,
    command: Option<Vec<Template>>,
    shell: Option<String>,
    health: Option<HealthThresholds>,
    fail_on: Option<Severity>,
    query: Option<Template>,
    prometheus: Option<String>,
    below: Option<f64>,
    above: Option<f64>,
    #[serde(with = "optional_duration")]
    timeout: Option<Duration>,
    sudo: bool,
}

const KINDS: &str = "health, http, command, shell, query";

// === impl Check ===

impl Check {
    /// What is asked, in a word or two.
    #[must_use]
    pub fn title(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        match &self.question {
            Question::Http { status, .. } => format!("http {status}"),
            Question::Command(words) => words.first().map(ToString::to_string).unwrap_or_default(),
            Question::Shell(text) => text.split_whitespace().next().unwrap_or_default().to_owned(),
            Question::Health { .. } => "health".to_owned(),
            Question::Query { .. } => "prometheus".to_owned(),
        }
    }

    /// What is asked about a host, in a line.
    pub(super) fn describe(&self, subject: Subject<'_>) -> String {
        let what = match &self.question {
            Question::Http { url, status, contains } => {
                let text = contains.as_ref().map(|text| format!(" with `{}` in it", subject.fill(text)));
                format!("http {status} from {}{}", subject.fill_url(url), text.unwrap_or_default())
            }
            Question::Command(words) => format!("run {}", quote::words(words.iter().map(|word| subject.fill(word)))),
            Question::Shell(text) => format!("shell: {}", text.trim().lines().collect::<Vec<_>>().join("; ")),
            Question::Health { fail_on, .. } => format!("health, nothing {fail_on} or worse"),
            Question::Query { query, limit, .. } => format!("{} {limit}", subject.fill(query)),
        };
        let sudo = if self.sudo { "sudo " } else { "" };
        self.name.as_ref().map_or_else(|| format!("{sudo}{what}"), |name| format!("{name}: {sudo}{what}"))
    }

    /// Whether it is about the batch as a whole.
    #[must_use]
    pub fn is_about_all(&self) -> bool {
        matches!(&self.question, Question::Query { query, .. } if !query.mentions_host())
    }

    pub(super) fn templates(&self) -> Vec<&Template> {
        match &self.question {
            Question::Http { url, contains, .. } => std::iter::once(url).chain(contains).collect(),
            Question::Command(words) => words.iter().collect(),
            Question::Shell(_) | Question::Health { .. } => Vec::new(),
            Question::Query { query, .. } => vec![query],
        }
    }
}

// === impl Limit ===

impl Limit {
    /// Whether a value is within it; NaN never is.
    #[must_use]
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::Below(limit) => value < limit,
            Self::Above(limit) => value > limit,
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Below(limit) => write!(f, "below {limit}"),
            Self::Above(limit) => write!(f, "above {limit}"),
        }
    }
}

impl TryFrom<RawCheck> for Check {
    type Error = String;

    fn try_from(raw: RawCheck) -> Result<Self, String> {
        raw.check()?;
        let (name, sudo) = (raw.name, raw.sudo);
        let timeout = raw.timeout.unwrap_or(TIMEOUT);
        let question = match (raw.http, raw.command, raw.shell, raw.query, raw.health) {
            (.., Some(limits)) => {
                limits.validate().map_err(|e| e.to_string())?;
                Question::Health { limits: Box::new(limits), fail_on: raw.fail_on.unwrap_or(Severity::Critical) }
            }
            (Some(url), ..) => {
                if !["http://", "https://"].iter().any(|scheme| url.as_str().starts_with(scheme)) {
                    return Err(format!("`{url}` is no URL; write http://{{address}}:8080/healthz"));
                }
                Question::Http { url, status: raw.status.unwrap_or(200), contains: raw.contains }
            }
            (_, Some(words), ..) => check_words(&words).map(|()| Question::Command(words))?,
            (_, _, Some(text), ..) => check_shell(&text).map(|()| Question::Shell(text))?,
            (.., Some(query), None) => {
                let prometheus = raw.prometheus.ok_or("a query needs `prometheus`, the server's URL")?;
                let limit = match (raw.below, raw.above) {
                    (Some(limit), None) => Limit::Below(limit),
                    (None, Some(limit)) => Limit::Above(limit),
                    _ => return Err("a query needs one limit: `below` or `above`".to_owned()),
                };
                Question::Query { query, prometheus, limit }
            }
            _ => return Err(format!("a check needs one of {KINDS}")),
        };
        Ok(Self { name, question, timeout, sudo })
    }
}

// === impl RawCheck ===

impl RawCheck {
    fn check(&self) -> Result<(), String> {
        let kinds = [
            ("http", self.http.is_some()),
            ("command", self.command.is_some()),
            ("shell", self.shell.is_some()),
            ("health", self.health.is_some()),
            ("query", self.query.is_some()),
        ];
        let given: Vec<&str> = kinds.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        let [kind] = given[..] else {
            return Err(match given[..] {
                [] => format!("a check needs one of {KINDS}"),
                _ => format!("a check asks one thing, this one has {}", given.join(" and ")),
            });
        };
        for (name, given, fits) in [
            ("fail_on", self.fail_on.is_some(), kind == "health"),
            ("status", self.status.is_some(), kind == "http"),
            ("contains", self.contains.is_some(), kind == "http"),
            ("prometheus", self.prometheus.is_some(), kind == "query"),
            ("below", self.below.is_some(), kind == "query"),
            ("above", self.above.is_some(), kind == "query"),
            ("sudo", self.sudo, matches!(kind, "command" | "shell")),
        ] {
            if given && !fits {
                return Err(format!("`{name}` has no meaning for `{kind}`"));
            }
        }
        if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err("a timeout of nothing lets nothing happen".to_owned());
        }
        Ok(())
    }
}

/// For the hash of a plan and for reports.
impl Serialize for Check {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.question))
    }
}
