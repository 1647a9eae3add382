//! CPU use between two looks at `/proc/stat`.
//!
//! The first line counts the ticks of all cores since boot: user, nice, system, idle, iowait, irq, softirq, steal
//! (proc(5)); guest time is in user already. A kernel may let idle and iowait go back a little, so each difference is
//! taken by itself and never below zero.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::note::Missing;

pub(crate) const FILE: &str = "proc/stat";

/// How busy the CPUs were, all cores together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CpuUse {
    /// All but idle and waiting for a disk.
    pub busy_percent: f64,
    /// Idle, but only because a disk has not answered.
    pub iowait_percent: f64,
    /// Wanted and not given by the hypervisor; part of busy.
    pub steal_percent: f64,
    /// Between the two looks.
    pub interval_seconds: f64,
}

/// Ticks since boot by column: user, nice, system, idle, iowait, irq, softirq, steal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticks([u64; 8]);

const IDLE: usize = 3;
const IOWAIT: usize = 4;
const STEAL: usize = 7;

pub(crate) fn parse(stat: &str) -> Result<Ticks, Missing> {
    let missing = || Missing::unreadable(FILE, "line for all CPUs");
    let line = stat.lines().find_map(|l| l.strip_prefix("cpu ")).ok_or_else(missing)?;
    let mut ticks = [0; 8];
    let mut seen = 0;
    for (slot, word) in ticks.iter_mut().zip(line.split_ascii_whitespace()) {
        *slot = word.parse().map_err(|_| missing())?;
        seen += 1;
    }
    // Columns after idle came with later kernels; without them there was no such time.
    if seen > IDLE { Ok(Ticks(ticks)) } else { Err(missing()) }
}

pub(crate) fn between(before: Ticks, after: Ticks, interval: Duration) -> Result<CpuUse, Missing> {
    let spent: Vec<u128> = after.0.iter().zip(before.0).map(|(a, b)| u128::from(a.saturating_sub(b))).collect();
    let total: u128 = spent.iter().sum();
    if total == 0 {
        return Err(Missing::new("the CPU counters did not move"));
    }
    let percent = |ticks: u128| (ticks as f64 / total as f64 * 1000.0).round() / 10.0;
    Ok(CpuUse {
        busy_percent: percent(total - spent[IDLE] - spent[IOWAIT]),
        iowait_percent: percent(spent[IOWAIT]),
        steal_percent: percent(spent[STEAL]),
        interval_seconds: interval.as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(line: &str) -> Ticks {
        parse(line).unwrap()
    }

    #[test]
    fn busy_is_all_but_idle_and_iowait() {
        let a = ticks("cpu  100 0 50 1000 10 0 5 0 0 0\ncpu0 1 1 1 1\n");
        let b = ticks("cpu  150 0 70 1020 15 0 5 5 40 0\n");
        let cpu = between(a, b, Duration::from_secs(1)).unwrap();
        assert_eq!((cpu.busy_percent, cpu.iowait_percent, cpu.steal_percent), (75.0, 5.0, 5.0));
    }

    #[test]
    fn counters_that_stand_still_or_go_back_are_no_measurement() {
        let a = ticks("cpu  100 0 50 1000 10 0 5 0\n");
        assert!(between(a, a, Duration::ZERO).is_err());
        let back = ticks("cpu  100 0 50 1010 9 0 5 0\n");
        assert_eq!(between(a, back, Duration::from_secs(1)).unwrap().busy_percent, 0.0);
    }

    #[test]
    fn an_old_kernel_has_four_columns() {
        assert_eq!(ticks("cpu 1 2 3 4").0, [1, 2, 3, 4, 0, 0, 0, 0]);
        for bad in ["", "cpu0 1 2 3 4", "cpu 1 2 3", "cpu 1 2 3 x"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn percentages_stay_percentages(a: [u64; 8], b: [u64; 8]) {
            // Rubbish may add up to more than 64 bits.
            if let Ok(cpu) = between(Ticks(a), Ticks(b), Duration::from_secs(1)) {
                for p in [cpu.busy_percent, cpu.iowait_percent, cpu.steal_percent] {
                    proptest::prop_assert!((0.0..=100.0).contains(&p), "{p}");
                }
            }
        }
    }
}
