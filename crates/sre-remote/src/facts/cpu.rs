//! CPU use between two looks at `/proc/stat`.
//!
//! The first line counts the ticks of all cores since boot: user, nice, system, idle, iowait, irq, softirq, steal
//! (proc(5)); guest time is in user already. A kernel may let idle and iowait go back a little, so each difference is
//! taken by itself and never below zero.

use std::time::Duration;

use super::model::CpuUse;

const COLUMNS: usize = 8;
const IDLE: usize = 3;
const IOWAIT: usize = 4;
const STEAL: usize = 7;

/// Ticks (hundredths of a second as a rule) below which a percentage says nothing.
const FEWEST_TICKS: u128 = 10;

pub(super) fn between(before: &str, after: &str, interval: Option<Duration>) -> Option<CpuUse> {
    let (before, after) = (ticks(before)?, ticks(after)?);
    let mut spent = [0_u128; COLUMNS];
    for (spent, (after, before)) in spent.iter_mut().zip(after.iter().zip(before)) {
        *spent = u128::from(after.saturating_sub(before));
    }
    let total: u128 = spent.iter().sum();
    if total < FEWEST_TICKS {
        return None;
    }
    let percent = |ticks: u128| (ticks as f64 / total as f64 * 1000.0).round() / 10.0;
    Some(CpuUse {
        busy_percent: percent(total - spent[IDLE] - spent[IOWAIT]),
        iowait_percent: percent(spent[IOWAIT]),
        steal_percent: percent(spent[STEAL]),
        interval,
    })
}

/// Columns after idle came with later kernels; without them there was no such time.
fn ticks(stat: &str) -> Option<[u64; COLUMNS]> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let mut ticks = [0; COLUMNS];
    let mut seen = 0;
    for (slot, word) in ticks.iter_mut().zip(line.split_ascii_whitespace()) {
        *slot = word.parse().ok()?;
        seen += 1;
    }
    (seen > IDLE).then_some(ticks)
}

/// Lines `cpu0`, `cpu1`, …: `/proc/stat` lists the cores that are online.
pub(super) fn cores(stat: &str) -> Option<u32> {
    let is_core = |line: &&str| line.strip_prefix("cpu").is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()));
    u32::try_from(stat.lines().filter(is_core).count()).ok().filter(|cores| *cores > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(before: &str, after: &str) -> Option<(f64, f64, f64)> {
        between(before, after, None).map(|cpu| (cpu.busy_percent, cpu.iowait_percent, cpu.steal_percent))
    }

    #[test]
    fn busy_is_all_but_idle_and_iowait() {
        let before = "cpu  100 0 50 1000 10 0 5 0 0 0\ncpu0 1 1 1 1\n";
        assert_eq!(busy(before, "cpu  150 0 70 1020 15 0 5 5 40 0\n"), Some((75.0, 5.0, 5.0)));
        assert_eq!(busy(before, "cpu  100 0 50 1010 9 0 5 0\n"), Some((0.0, 0.0, 0.0)), "iowait goes back");
        assert_eq!(busy("cpu 1 2 3 4", "cpu 11 2 3 14"), Some((50.0, 0.0, 0.0)), "an old kernel");
    }

    #[test]
    fn too_short_a_look_is_none() {
        let before = "cpu  100 0 50 1000 10 0 5 0\n";
        for after in [before, "cpu  102 0 50 1000 10 0 5 0\n", "", "cpu 1 2 3", "cpu 1 2 3 x", "cpu0 500 1 1 1"] {
            assert_eq!(busy(before, after), None, "{after}");
        }
        assert_eq!((cores("cpu 1\ncpu0 1\ncpu12 1\n"), cores("cpu 1\n")), (Some(2), None));
    }
}
