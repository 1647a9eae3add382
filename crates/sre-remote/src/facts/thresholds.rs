//! From which value on a person should know, and a deployment should stop.
//!
//! ```
//! use sre_core::Severity;
//! use sre_remote::facts::HealthThresholds;
//! let t: HealthThresholds = serde_json::from_str(r#"{"disk_used_percent": {"warning": 70}}"#).unwrap();
//! assert_eq!(t.disk_used_percent.at_or_above(75.0), Some(Severity::Warning));
//! assert_eq!(t.disk_used_percent.at_or_above(90.0), Some(Severity::Critical));
//! assert_eq!(t.validate().map_err(|e| e.to_string()), Ok(()));
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sre_core::{Severity, duration};

/// Two limits of one value; either may be absent and then never fires.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Limits {
    /// From here on it is a warning.
    pub warning: Option<f64>,
    /// From here on it is critical.
    pub critical: Option<f64>,
}

/// The limits of a host. In a file, a limit that is not named keeps its default and `null` turns it off.
///
/// The defaults are those of `morning-check` for the local host, so that both judge a host alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Patch")]
#[non_exhaustive]
pub struct HealthThresholds {
    /// Used part of a filesystem as `df` shows it. Default: 80 and 90.
    pub disk_used_percent: Limits,
    /// Used inodes of a filesystem. Default: 80 and 90.
    pub inodes_used_percent: Limits,
    /// Available memory, below which it fires. Default: 10 and 5.
    pub memory_available_percent: Limits,
    /// Used swap. Default: 50, never critical.
    pub swap_used_percent: Limits,
    /// Five-minute load for each core. Default: 2 and 4.
    pub load_per_core: Limits,
    /// CPU use between two looks. Default: 90, never critical: a busy CPU does its work.
    pub cpu_busy_percent: Limits,
    /// A boot more recent than this is worth knowing. Default: 10 min; zero turns it off.
    #[serde(with = "duration::serde")]
    pub rebooted_within: Duration,
}

/// Limits that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("health thresholds: {name}: {why}")]
pub struct InvalidThresholds {
    name: &'static str,
    why: &'static str,
}

// === impl Limits ===

impl Limits {
    /// Both limits.
    #[must_use]
    pub const fn new(warning: f64, critical: f64) -> Self {
        Self { warning: Some(warning), critical: Some(critical) }
    }

    /// A warning only.
    #[must_use]
    pub const fn warning(warning: f64) -> Self {
        Self { warning: Some(warning), critical: None }
    }

    /// Never fires.
    #[must_use]
    pub const fn off() -> Self {
        Self { warning: None, critical: None }
    }

    /// For values that are bad when high.
    #[must_use]
    pub fn at_or_above(&self, value: f64) -> Option<Severity> {
        self.severity(|limit| value >= limit)
    }

    /// For values that are bad when low.
    #[must_use]
    pub fn below(&self, value: f64) -> Option<Severity> {
        self.severity(|limit| value < limit)
    }

    fn severity(&self, crossed: impl Fn(f64) -> bool) -> Option<Severity> {
        match (self.warning, self.critical) {
            (_, Some(limit)) if crossed(limit) => Some(Severity::Critical),
            (Some(limit), _) if crossed(limit) => Some(Severity::Warning),
            _ => None,
        }
    }
}

// === impl HealthThresholds ===

impl Default for HealthThresholds {
    fn default() -> Self {
        Self {
            disk_used_percent: Limits::new(80.0, 90.0),
            inodes_used_percent: Limits::new(80.0, 90.0),
            memory_available_percent: Limits::new(10.0, 5.0),
            swap_used_percent: Limits::warning(50.0),
            load_per_core: Limits::new(2.0, 4.0),
            cpu_busy_percent: Limits::warning(90.0),
            rebooted_within: Duration::from_secs(600),
        }
    }
}

impl HealthThresholds {
    /// Checks that no limit is negative or not a number, and that critical is never milder than warning.
    ///
    /// # Errors
    /// The first limit that is wrong, by its name in the file.
    pub fn validate(&self) -> Result<(), InvalidThresholds> {
        for (name, limits, low_is_bad) in [
            ("disk_used_percent", self.disk_used_percent, false),
            ("inodes_used_percent", self.inodes_used_percent, false),
            ("memory_available_percent", self.memory_available_percent, true),
            ("swap_used_percent", self.swap_used_percent, false),
            ("load_per_core", self.load_per_core, false),
            ("cpu_busy_percent", self.cpu_busy_percent, false),
        ] {
            let fail = |why| Err(InvalidThresholds { name, why });
            if limits.warning.into_iter().chain(limits.critical).any(|limit| !limit.is_finite() || limit < 0.0) {
                return fail("a limit is a number, not below zero");
            }
            match (limits.warning, limits.critical) {
                (Some(w), Some(c)) if low_is_bad && c > w => return fail("critical must not be above warning"),
                (Some(w), Some(c)) if !low_is_bad && c < w => return fail("critical must not be below warning"),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What a file says, before the defaults fill the rest.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Patch {
    disk_used_percent: LimitsPatch,
    inodes_used_percent: LimitsPatch,
    memory_available_percent: LimitsPatch,
    swap_used_percent: LimitsPatch,
    load_per_core: LimitsPatch,
    cpu_busy_percent: LimitsPatch,
    #[serde(with = "duration::serde")]
    rebooted_within: Duration,
}

/// `None`: not named; `Some(None)`: turned off.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LimitsPatch {
    #[serde(deserialize_with = "named")]
    warning: Option<Option<f64>>,
    #[serde(deserialize_with = "named")]
    critical: Option<Option<f64>>,
}

fn named<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::<f64>::deserialize(deserializer).map(Some)
}

// === impl Patch ===

impl Default for Patch {
    fn default() -> Self {
        Self {
            disk_used_percent: LimitsPatch::default(),
            inodes_used_percent: LimitsPatch::default(),
            memory_available_percent: LimitsPatch::default(),
            swap_used_percent: LimitsPatch::default(),
            load_per_core: LimitsPatch::default(),
            cpu_busy_percent: LimitsPatch::default(),
            rebooted_within: HealthThresholds::default().rebooted_within,
        }
    }
}

impl From<Patch> for HealthThresholds {
    fn from(patch: Patch) -> Self {
        let d = Self::default();
        let fill = |p: &LimitsPatch, default: Limits| Limits {
            warning: p.warning.unwrap_or(default.warning),
            critical: p.critical.unwrap_or(default.critical),
        };
        Self {
            disk_used_percent: fill(&patch.disk_used_percent, d.disk_used_percent),
            inodes_used_percent: fill(&patch.inodes_used_percent, d.inodes_used_percent),
            memory_available_percent: fill(&patch.memory_available_percent, d.memory_available_percent),
            swap_used_percent: fill(&patch.swap_used_percent, d.swap_used_percent),
            load_per_core: fill(&patch.load_per_core, d.load_per_core),
            cpu_busy_percent: fill(&patch.cpu_busy_percent, d.cpu_busy_percent),
            rebooted_within: patch.rebooted_within,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_not_named_keeps_its_default_and_null_turns_it_off() {
        let text =
            r#"{"swap_used_percent": {"warning": null, "critical": 99}, "rebooted_within": "1h", "load_per_core": {}}"#;
        let t: HealthThresholds = serde_json::from_str(text).unwrap();
        assert_eq!(t.swap_used_percent, Limits { warning: None, critical: Some(99.0) });
        assert_eq!((t.load_per_core, t.rebooted_within), (Limits::new(2.0, 4.0), Duration::from_secs(3600)));
        for bad in [r#"{"disc": {}}"#, r#"{"load_per_core": {"warn": 1}}"#, r#"{"load_per_core": 3}"#] {
            assert!(serde_json::from_str::<HealthThresholds>(bad).is_err(), "{bad}");
        }
        let whole = serde_json::to_string(&t).unwrap();
        assert_eq!(serde_json::from_str::<HealthThresholds>(&whole).unwrap(), t);
    }

    #[test]
    fn limits_that_contradict_each_other_are_refused_by_name() {
        let mut t =
            HealthThresholds { memory_available_percent: Limits::new(5.0, 10.0), ..HealthThresholds::default() };
        let told = t.validate().unwrap_err().to_string();
        assert_eq!(told, "health thresholds: memory_available_percent: critical must not be above warning");
        t.memory_available_percent = Limits::off();
        t.load_per_core = Limits::warning(f64::NAN);
        assert!(t.validate().is_err());
    }
}
