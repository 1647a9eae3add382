//! What a survey asks, and from which value on an answer is a finding.
//!
//! Every struct reads from YAML or JSON with the same names, has defaults for all that is left out and refuses unknown
//! keys.
//!
//! ```
//! use sre_metrics::SurveyConfig;
//!
//! let config: SurveyConfig = serde_json::from_value(serde_json::json!({
//!     "alert_severity_threshold": "error",
//!     "watchdog": "Watchdog",
//!     "checks": {
//!         "hot_nodes": { "cpu_percent": 90 },
//!         "custom": [{ "name": "queue", "promql": "sum(queue_length)", "threshold": 1000, "severity": "critical" }],
//!     },
//! })).unwrap();
//! assert_eq!(config.checks.hot_nodes.window.as_secs(), 300);
//! config.validate().unwrap();
//! ```

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sre_core::{Severity, duration};

/// What a survey asks. Defaults: alerts from warning on, no watchdog expected, the default [`Checks`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SurveyConfig {
    /// Alerts below this are listed but are no findings.
    pub alert_severity_threshold: Severity,
    /// The alert that fires always, by name (`Watchdog` in kube-prometheus), where there is one: when it does not fire,
    /// alerting is broken.
    pub watchdog: Option<String>,
    /// The queries.
    pub checks: Checks,
}

/// The built-in queries and the user's own.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Checks {
    /// Nodes short of CPU.
    pub hot_nodes: HotNodes,
    /// Disks that will be full soon.
    pub filling_disks: FillingDisks,
    /// How requests are counted, for the two checks below.
    pub requests: Requests,
    /// Services with many server errors.
    pub error_rate: ErrorRateCheck,
    /// Services with a high share of server errors.
    pub error_ratio: ErrorRatioCheck,
    /// Targets that Prometheus cannot scrape.
    pub targets_down: TargetsDown,
    /// The user's own.
    pub custom: Vec<CustomCheck>,
}

/// Nodes short of CPU, from node exporter's `node_cpu_seconds_total`. Default: a warning above 80 % over 5 minutes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HotNodes {
    /// Whether to ask.
    pub enabled: bool,
    /// Busy above this share of all cores.
    pub cpu_percent: f64,
    /// Averaged over this time; at least four scrapes.
    #[serde(with = "duration::serde")]
    pub window: Duration,
    /// How much it matters.
    pub severity: Severity,
}

/// Disks that will be full soon, from node exporter's `node_filesystem_*`: the line through the last hours reaches
/// zero in time, little is left, and it is not read-only. Default: a warning when full within 24 h, going by the last 6 h,
/// with less than 40 % left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FillingDisks {
    /// Whether to ask.
    pub enabled: bool,
    /// Full within this time.
    #[serde(with = "duration::serde")]
    pub within: Duration,
    /// Going by this much of the past.
    #[serde(with = "duration::serde")]
    pub history: Duration,
    /// Only disks with less than this left.
    pub free_below_percent: f64,
    /// Label matchers that choose the filesystems.
    pub filter: String,
    /// How much it matters.
    pub severity: Severity,
}

/// How requests are counted. Default: `http_requests_total`, with the status in `code`, by cluster, namespace, service and
/// job (those labels that exist), over 5 minutes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Requests {
    /// A counter of requests.
    pub metric: String,
    /// Its label with the HTTP status.
    pub code_label: String,
    /// More label matchers, as in `namespace="shop"`; may be empty.
    pub filter: String,
    /// The labels that make a service.
    pub by: Vec<String>,
    /// Rates are over this time; at least four scrapes.
    #[serde(with = "duration::serde")]
    pub window: Duration,
}

/// Services with many server errors. Default: a warning above 0.1 a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ErrorRateCheck {
    /// Whether to ask.
    pub enabled: bool,
    /// More than this many answers with 5xx a second.
    pub per_second: f64,
    /// How much it matters.
    pub severity: Severity,
}

/// Services with a high share of server errors. Default: a warning above 5 % of at least 0.1 requests a second (below
/// that a single error would be a high share).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ErrorRatioCheck {
    /// Whether to ask.
    pub enabled: bool,
    /// More than this share of answers with 5xx, as a percentage.
    pub percent: f64,
    /// Only services with more requests a second than this.
    pub min_requests_per_second: f64,
    /// How much it matters.
    pub severity: Severity,
}

/// Targets that Prometheus cannot scrape: `up == 0`. Default: an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TargetsDown {
    /// Whether to ask.
    pub enabled: bool,
    /// How much it matters.
    pub severity: Severity,
}

/// A query of the user's own.
///
/// With a threshold, every series whose value compares so is a finding, and an answer without any series is unknown.
/// Without one, every series of the answer is a finding (as in an alerting rule), and `metric` must say what has to exist
/// for an empty answer to mean health.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CustomCheck {
    /// Shown and stable.
    pub name: String,
    /// The query; it gives an instant vector or a scalar.
    #[serde(alias = "query")]
    pub promql: String,
    /// The limit.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// How a value has to compare to the limit to be a finding. Default: `>`.
    #[serde(default)]
    pub comparison: Comparison,
    /// The metric or selector that has to exist, for a check without a threshold.
    #[serde(default)]
    pub metric: Option<String>,
    /// How much it matters. Default: warning.
    #[serde(default = "warning")]
    pub severity: Severity,
    /// The values' unit, as in `%` or `s`.
    #[serde(default)]
    pub unit: String,
    /// What it means, in words.
    #[serde(default)]
    pub summary: String,
}

/// How a value compares to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Comparison {
    /// Greater.
    #[default]
    #[serde(rename = ">", alias = "gt", alias = "above")]
    Above,
    /// Greater or equal.
    #[serde(rename = ">=", alias = "ge")]
    AtLeast,
    /// Less.
    #[serde(rename = "<", alias = "lt", alias = "below")]
    Below,
    /// Less or equal.
    #[serde(rename = "<=", alias = "le")]
    AtMost,
    /// Equal.
    #[serde(rename = "==", alias = "eq")]
    Equal,
    /// Not equal.
    #[serde(rename = "!=", alias = "ne")]
    NotEqual,
}

/// A setting that makes no sense, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub struct InvalidCheck {
    key: String,
    why: &'static str,
}

// === impl SurveyConfig ===

impl Default for SurveyConfig {
    fn default() -> Self {
        Self { alert_severity_threshold: Severity::Warning, watchdog: None, checks: Checks::default() }
    }
}

impl SurveyConfig {
    /// Looks for settings that no server would accept, without asking one.
    ///
    /// # Errors
    /// The first of them.
    pub fn validate(&self) -> Result<(), InvalidCheck> {
        let Checks { hot_nodes, filling_disks, requests, error_rate, error_ratio, custom, .. } = &self.checks;
        for (key, number) in [
            ("hot_nodes.cpu_percent", hot_nodes.cpu_percent),
            ("filling_disks.free_below_percent", filling_disks.free_below_percent),
            ("error_rate.per_second", error_rate.per_second),
            ("error_ratio.percent", error_ratio.percent),
            ("error_ratio.min_requests_per_second", error_ratio.min_requests_per_second),
        ] {
            invalid_if(!number.is_finite() || number < 0.0, key, "must be a number that is not negative")?;
            invalid_if(key.ends_with("percent") && number > 100.0, key, "must not be above 100 percent")?;
        }
        for (key, window) in [
            ("hot_nodes.window", hot_nodes.window),
            ("filling_disks.within", filling_disks.within),
            ("filling_disks.history", filling_disks.history),
            ("requests.window", requests.window),
        ] {
            invalid_if(window.as_secs() == 0, key, "must be a second or more")?;
        }
        for (i, check) in custom.iter().enumerate() {
            check.validate()?;
            let twice = custom[..i].iter().any(|other| other.name == check.name);
            invalid_if(twice, &check.name, "there is another check of this name")?;
        }
        Ok(())
    }
}

// === impl CustomCheck ===

impl CustomCheck {
    /// A warning wherever `promql` is above `threshold`.
    #[must_use]
    pub fn new(name: impl Into<String>, promql: impl Into<String>, threshold: f64) -> Self {
        Self {
            name: name.into(),
            promql: promql.into(),
            threshold: Some(threshold),
            comparison: Comparison::Above,
            metric: None,
            severity: Severity::Warning,
            unit: String::new(),
            summary: String::new(),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), InvalidCheck> {
        invalid_if(self.name.trim().is_empty(), "custom", "a check needs a name")?;
        invalid_if(self.promql.trim().is_empty(), &self.name, "a check needs a query: promql")?;
        invalid_if(self.threshold.is_some_and(f64::is_nan), &self.name, "nothing compares to NaN")?;
        invalid_if(
            self.threshold.is_none() && self.metric.as_deref().is_none_or(|m| m.trim().is_empty()),
            &self.name,
            "give a threshold, or the metric that has to exist for an empty answer to mean health",
        )
    }
}

fn invalid_if(invalid: bool, key: &str, why: &'static str) -> Result<(), InvalidCheck> {
    if invalid { Err(InvalidCheck { key: key.to_owned(), why }) } else { Ok(()) }
}

// === impl Comparison ===

impl Comparison {
    /// Whether `value` compares so to `limit`; NaN compares to nothing.
    #[must_use]
    pub fn holds(self, value: f64, limit: f64) -> bool {
        #[expect(clippy::float_cmp, reason = "the user asked for equality, as PromQL has it")]
        match self {
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
            Self::Equal => value == limit,
            Self::NotEqual => value != limit && !value.is_nan(),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        })
    }
}

// === impl the built-in checks ===

impl Default for HotNodes {
    fn default() -> Self {
        Self { enabled: true, cpu_percent: 80.0, window: Duration::from_secs(300), severity: Severity::Warning }
    }
}

impl Default for FillingDisks {
    fn default() -> Self {
        Self {
            enabled: true,
            within: Duration::from_secs(24 * 3600),
            history: Duration::from_secs(6 * 3600),
            free_below_percent: 40.0,
            filter: r#"fstype!~"tmpfs|ramfs|devtmpfs|squashfs|iso9660|autofs|overlay""#.to_owned(),
            severity: Severity::Warning,
        }
    }
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            metric: "http_requests_total".to_owned(),
            code_label: "code".to_owned(),
            filter: String::new(),
            by: ["cluster", "namespace", "service", "job"].map(str::to_owned).into(),
            window: Duration::from_secs(300),
        }
    }
}

impl Default for ErrorRateCheck {
    fn default() -> Self {
        Self { enabled: true, per_second: 0.1, severity: Severity::Warning }
    }
}

impl Default for ErrorRatioCheck {
    fn default() -> Self {
        Self { enabled: true, percent: 5.0, min_requests_per_second: 0.1, severity: Severity::Warning }
    }
}

impl Default for TargetsDown {
    fn default() -> Self {
        Self { enabled: true, severity: Severity::Error }
    }
}

fn warning() -> Severity {
    Severity::Warning
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(json: serde_json::Value) -> Result<(), String> {
        let check: CustomCheck = serde_json::from_value(json).map_err(|e| e.to_string())?;
        check.validate().map_err(|e| e.to_string())
    }

    #[test]
    fn a_custom_check_needs_a_threshold_or_a_metric() {
        custom(serde_json::json!({"name": "q", "promql": "x", "threshold": 5, "comparison": "<"})).unwrap();
        custom(serde_json::json!({"name": "q", "query": "x > 5", "metric": "x"})).unwrap();
        let e = custom(serde_json::json!({"name": "q", "promql": "x > 5"})).unwrap_err();
        assert!(e.starts_with("q: give a threshold"), "{e}");
        assert!(custom(serde_json::json!({"name": "q", "promql": "x", "treshold": 5})).is_err());
    }

    #[test]
    fn senseless_settings_are_refused() {
        SurveyConfig::default().validate().unwrap();
        let mut config = SurveyConfig::default();
        config.checks.hot_nodes.cpu_percent = f64::NAN;
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "hot_nodes.cpu_percent: must be a number that is not negative"
        );
        config.checks.hot_nodes.cpu_percent = 180.0;
        assert_eq!(config.validate().unwrap_err().to_string(), "hot_nodes.cpu_percent: must not be above 100 percent");
        let mut config = SurveyConfig::default();
        config.checks.custom = vec![CustomCheck::new("a", "x", 1.0), CustomCheck::new("a", "y", 1.0)];
        assert!(config.validate().is_err());
    }

    #[test]
    fn nan_compares_to_nothing() {
        for c in [Comparison::Above, Comparison::AtMost, Comparison::Equal, Comparison::NotEqual] {
            assert!(!c.holds(f64::NAN, 1.0), "{c}");
        }
        assert!(Comparison::NotEqual.holds(2.0, 1.0) && Comparison::AtLeast.holds(1.0, 1.0));
    }
}
