//! Recording and alerting rules.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::AlertState;
use crate::value::Labels;

/// Rules that are evaluated together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RuleGroup {
    /// The group's name, unique in its file.
    pub name: String,
    /// Where it is written.
    #[serde(default)]
    pub file: String,
    /// Its rules, in order of evaluation.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Rule {
    /// The recorded metric's or the alert's name.
    pub name: String,
    /// Alerting or recording.
    #[serde(rename = "type")]
    pub kind: RuleKind,
    /// Its PromQL.
    #[serde(default)]
    pub query: String,
    /// Labels that it adds.
    #[serde(default)]
    pub labels: Labels,
    /// `ok`, `err` or `unknown` (not yet evaluated).
    #[serde(default)]
    pub health: String,
    /// Why the last evaluation failed, or empty.
    #[serde(default)]
    pub last_error: String,
    /// When it was last evaluated.
    #[serde(default)]
    pub last_evaluation: Option<Timestamp>,
    /// Of an alerting rule: how far its furthest alert has come.
    #[serde(default)]
    pub state: Option<AlertState>,
}

/// What a rule makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RuleKind {
    /// Alerts.
    Alerting,
    /// A metric.
    Recording,
    /// A word we do not know.
    #[serde(other)]
    Unknown,
}

/// The `data` of `/api/v1/rules`.
#[derive(Debug, Deserialize)]
pub(crate) struct RuleList {
    #[serde(default)]
    pub(crate) groups: Vec<RuleGroup>,
}
