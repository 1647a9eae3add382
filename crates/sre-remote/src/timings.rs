//! How long each phase of the work on one host took.

use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::phase::Phase;

/// Time by [`Phase`]; a phase that was not reached has none. Serializes as a map of phase to seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    spent: [Option<Duration>; Phase::ALL.len()],
}

// === impl Timings ===

impl Timings {
    /// Adds to a phase's time (a phase may be entered more than once).
    pub fn add(&mut self, phase: Phase, spent: Duration) {
        let slot = &mut self.spent[phase as usize];
        *slot = Some(slot.unwrap_or_default() + spent);
    }

    /// What a phase took, where it was reached.
    #[must_use]
    pub fn get(&self, phase: Phase) -> Option<Duration> {
        self.spent[phase as usize]
    }

    /// The phases that were reached, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Phase, Duration)> + '_ {
        Phase::ALL.into_iter().filter_map(|phase| Some((phase, self.get(phase)?)))
    }

    /// All phases together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.iter().map(|(_, spent)| spent).sum()
    }
}

impl Serialize for Timings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (phase, spent) in self.iter() {
            // Microseconds are what can be told from noise.
            map.serialize_entry(phase.as_str(), &((spent.as_secs_f64() * 1e6).round() / 1e6))?;
        }
        map.end()
    }
}
