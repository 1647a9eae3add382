//! The limits of the Kubernetes checks; each has a default and a name for the configuration file.
//!
//! ```
//! use std::time::Duration;
//! use sre_cloud::kubernetes::Thresholds;
//!
//! let limits: Thresholds = serde_yaml::from_str("pods: {pending: 30m, restarts: 10}").unwrap();
//! assert_eq!((limits.pods.pending, limits.pods.restarts), (Duration::from_secs(1800), 10));
//! assert_eq!(limits.pods.crash_window, Duration::from_secs(15 * 60));
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sre_core::duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// All limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Thresholds {
    /// Limits for pods.
    pub pods: PodThresholds,
    /// Warnings last seen at most so long ago count. Default 30m.
    #[serde(with = "duration::serde")]
    pub event_window: Duration,
    /// A roll-out that moved at most so long ago is under way, not stuck. Default 10m, as `progressDeadlineSeconds`.
    #[serde(with = "duration::serde")]
    pub rollout: Duration,
}

/// Limits for pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PodThresholds {
    /// A container that ended at most so long ago, with [`crash_restarts`](Self::crash_restarts), crash-loops. Default 15m.
    #[serde(with = "duration::serde")]
    pub crash_window: Duration,
    /// So many restarts or more. Default 2.
    pub crash_restarts: i64,
    /// Pending for so long or longer. Default 15m.
    #[serde(with = "duration::serde")]
    pub pending: Duration,
    /// Not ready for so long or longer. Default 15m.
    #[serde(with = "duration::serde")]
    pub not_ready: Duration,
    /// Waiting for a reason that is not an error in itself for so long or longer. Default 1h.
    #[serde(with = "duration::serde")]
    pub waiting: Duration,
    /// More restarts than this in a pod's life are worth a look. Default 5.
    pub restarts: i64,
    /// Killed for memory at most so long ago. Default 24h.
    #[serde(with = "duration::serde")]
    pub oom_window: Duration,
    /// Evicted, or failed and replaced, at most so long ago. Default 24h.
    #[serde(with = "duration::serde")]
    pub evicted_window: Duration,
    /// Terminating for longer than this past the deletion time. Default 5m.
    #[serde(with = "duration::serde")]
    pub terminating: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { pods: PodThresholds::default(), event_window: 30 * MINUTE, rollout: 10 * MINUTE }
    }
}

impl Default for PodThresholds {
    fn default() -> Self {
        Self {
            crash_window: 15 * MINUTE,
            crash_restarts: 2,
            pending: 15 * MINUTE,
            not_ready: 15 * MINUTE,
            waiting: HOUR,
            restarts: 5,
            oom_window: 24 * HOUR,
            evicted_window: 24 * HOUR,
            terminating: 5 * MINUTE,
        }
    }
}

// === impl Thresholds ===

impl Thresholds {
    /// The limits for pods.
    #[must_use]
    pub fn pods(mut self, pods: PodThresholds) -> Self {
        self.pods = pods;
        self
    }

    /// How old a warning may be.
    #[must_use]
    pub fn event_window(mut self, window: Duration) -> Self {
        self.event_window = window;
        self
    }
}
