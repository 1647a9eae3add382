//! From which value on a person should know.
//!
//! ```
//! use sre_core::Severity;
//! use sre_health::LocalThresholds;
//! let t: LocalThresholds = serde_json::from_str(r#"{"disk_used_percent": {"warning": 70}}"#).unwrap();
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

/// The limits of the local host. In a file, a limit that is not named keeps its default and `null` turns it off.
///
/// Where the defaults come from: disk, inodes and load are what node alerts commonly use; 10 and 5 % of available
/// memory is where the kernel begins to reclaim under pressure on small hosts; all are proposals to be tuned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Patch")]
#[non_exhaustive]
pub struct LocalThresholds {
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
    /// Zombie processes. Default: 20, never critical.
    pub zombies: Limits,
    /// A boot more recent than this is worth knowing. Default: 10 min; zero turns it off.
    #[serde(with = "duration::serde")]
    pub rebooted_within: Duration,
}

/// Limits that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("local thresholds: {name}: {why}")]
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

// === impl LocalThresholds ===

impl Default for LocalThresholds {
    fn default() -> Self {
        Self {
            disk_used_percent: Limits::new(80.0, 90.0),
            inodes_used_percent: Limits::new(80.0, 90.0),
            memory_available_percent: Limits::new(10.0, 5.0),
            swap_used_percent: Limits::warning(50.0),
            load_per_core: Limits::new(2.0, 4.0),
            cpu_busy_percent: Limits::warning(90.0),
            zombies: Limits::warning(20.0),
            rebooted_within: Duration::from_secs(600),
        }
    }
}

impl LocalThresholds {
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
            ("zombies", self.zombies, false),
        ] {
            let fail = |why| Err(InvalidThresholds { name, why });
            if limits.warning.into_iter().chain(limits.critical).any(|l| !l.is_finite() || l < 0.0) {
                return fail("a limit is a number, not below zero");
            }
            if name.ends_with("_percent") && limits.warning.into_iter().chain(limits.critical).any(|l| l > 100.0) {
                return fail("a limit in percent is not above 100");
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
    zombies: LimitsPatch,
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

impl Default for Patch {
    fn default() -> Self {
        Self {
            disk_used_percent: LimitsPatch::default(),
            inodes_used_percent: LimitsPatch::default(),
            memory_available_percent: LimitsPatch::default(),
            swap_used_percent: LimitsPatch::default(),
            load_per_core: LimitsPatch::default(),
            cpu_busy_percent: LimitsPatch::default(),
            zombies: LimitsPatch::default(),
            rebooted_within: LocalThresholds::default().rebooted_within,
        }
    }
}

fn named<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::<f64>::deserialize(deserializer).map(Some)
}

impl From<Patch> for LocalThresholds {
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
            zombies: fill(&patch.zombies, d.zombies),
            rebooted_within: patch.rebooted_within,
        }
    }
}

/// `part` of `whole` in percent, with one decimal; 0 of nothing is 0.
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    // Rounded here once, so that text, JSON and the comparison with a limit agree.
    (part as f64 / whole as f64 * 1000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_not_named_keeps_its_default_and_null_turns_it_off() {
        let t: LocalThresholds = serde_json::from_str(
            r#"{"zombies": {"warning": null, "critical": 500}, "rebooted_within": "1h", "load_per_core": {}}"#,
        )
        .unwrap();
        assert_eq!(t.zombies, Limits { warning: None, critical: Some(500.0) });
        assert_eq!(t.load_per_core, Limits::new(2.0, 4.0));
        assert_eq!(t.rebooted_within, Duration::from_secs(3600));
        assert_eq!(t.zombies.at_or_above(100.0), None);
        for bad in [r#"{"disc": {}}"#, r#"{"zombies": {"warn": 1}}"#, r#"{"zombies": 3}"#] {
            assert!(serde_json::from_str::<LocalThresholds>(bad).is_err(), "{bad}");
        }
        let whole = serde_json::to_string(&t).unwrap();
        assert_eq!(serde_json::from_str::<LocalThresholds>(&whole).unwrap(), t);
    }

    #[test]
    fn limits_that_contradict_each_other_are_refused_by_name() {
        let mut t = LocalThresholds { memory_available_percent: Limits::new(5.0, 10.0), ..LocalThresholds::default() };
        assert_eq!(
            t.validate().unwrap_err().to_string(),
            "local thresholds: memory_available_percent: critical must not be above warning"
        );
        t.memory_available_percent = Limits::off();
        t.disk_used_percent = Limits::warning(150.0);
        assert_eq!(
            t.validate().unwrap_err().to_string(),
            "local thresholds: disk_used_percent: a limit in percent is not above 100"
        );
        t.disk_used_percent = Limits::off();
        t.zombies = Limits::warning(150.0);
        t.validate().unwrap();
        t.zombies = Limits::warning(f64::NAN);
        assert!(t.validate().is_err());
    }
}
