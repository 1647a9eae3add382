//! Load averages against the number of cores, from `/proc/loadavg` and `/proc/stat`.

use serde::{Deserialize, Serialize};

use super::note::Missing;

pub(crate) const FILE: &str = "proc/loadavg";

/// Load averages: processes that run, wait for a core or wait for a disk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Load {
    /// Over one minute.
    pub one: f64,
    /// Over five minutes.
    pub five: f64,
    /// Over fifteen minutes.
    pub fifteen: f64,
    /// Cores that are online.
    pub cores: u32,
    /// The five-minute load for each core: one minute is noise, fifteen is history.
    pub per_core: f64,
}

pub(crate) fn parse(loadavg: &str, stat: &str) -> Result<Load, Missing> {
    let mut numbers = loadavg.split_ascii_whitespace().map(|w| w.parse::<f64>().ok().filter(|n| n.is_finite()));
    let mut next = || numbers.next().flatten().ok_or_else(|| Missing::unreadable(FILE, "three load averages"));
    let (one, five, fifteen) = (next()?, next()?, next()?);
    let cores = cores(stat).ok_or_else(|| Missing::unreadable(super::cpu::FILE, "line for a core"))?;
    let per_core = (five / f64::from(cores) * 100.0).round() / 100.0;
    Ok(Load { one, five, fifteen, cores, per_core })
}

/// Lines `cpu0`, `cpu1`, …: `/proc/stat` lists the cores that are online.
fn cores(stat: &str) -> Option<u32> {
    let is_core = |line: &&str| line.strip_prefix("cpu").is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()));
    u32::try_from(stat.lines().filter(is_core).count()).ok().filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_is_shared_by_the_cores() {
        let stat = "cpu  1 2 3 4\ncpu0 1 1 1 1\ncpu3 0 1 2 3\nintr 5\n";
        let load = parse("9.50 8.25 0.05 3/412 99999\n", stat).unwrap();
        assert_eq!((load.one, load.five, load.fifteen, load.cores, load.per_core), (9.5, 8.25, 0.05, 2, 4.13));
    }

    #[test]
    fn what_is_not_there_is_missing() {
        assert!(parse("", "cpu0 1\n").is_err());
        assert!(parse("0.1 nan 0.1", "cpu0 1\n").is_err());
        assert_eq!(parse("1 1 1", "cpu 1\n").unwrap_err().reason, "/proc/stat has no line for a core");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(a in "[0-9. naif/-]{0,40}", b in "(cpu[0-9]{0,3} .*\n){0,3}") {
            let _ = parse(&a, &b);
        }
    }
}
