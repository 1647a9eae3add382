//! Memory and swap, from `/proc/meminfo`.
//!
//! Free memory says little, because the kernel uses all it has for caches; `MemAvailable` is the kernel's own estimate
//! of what programs can still get without swapping (Linux 3.14, Documentation/filesystems/proc.rst).

use serde::{Deserialize, Serialize};

use super::note::Missing;
use super::thresholds::percent;

pub(crate) const FILE: &str = "proc/meminfo";

/// Memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Memory {
    /// All that the kernel manages.
    pub total_bytes: u64,
    /// What programs can still get without swapping.
    pub available_bytes: u64,
    /// The same as a part of the total.
    pub available_percent: f64,
}

/// Swap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Swap {
    /// 0 on a host without swap.
    pub total_bytes: u64,
    /// In use.
    pub used_bytes: u64,
    /// The same as a part of the total; `None` without swap.
    pub used_percent: Option<f64>,
}

pub(crate) fn memory(text: &str) -> Result<Memory, Missing> {
    let total = field(text, "MemTotal").filter(|t| *t > 0).ok_or_else(|| Missing::unreadable(FILE, "MemTotal"))?;
    let available = field(text, "MemAvailable").ok_or_else(|| Missing::unreadable(FILE, "MemAvailable"))?;
    Ok(Memory { total_bytes: total, available_bytes: available, available_percent: percent(available, total) })
}

pub(crate) fn swap(text: &str) -> Result<Swap, Missing> {
    let total = field(text, "SwapTotal").ok_or_else(|| Missing::unreadable(FILE, "SwapTotal"))?;
    let free = field(text, "SwapFree").ok_or_else(|| Missing::unreadable(FILE, "SwapFree"))?;
    let used = total.saturating_sub(free);
    Ok(Swap { total_bytes: total, used_bytes: used, used_percent: (total > 0).then(|| percent(used, total)) })
}

/// In bytes; the file counts in units of 1024 and calls them kB.
fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    rest.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "MemTotal:       16384000 kB\nMemFree:          200000 kB\nMemAvailable:    1228800 kB\n\
                          Buffers:          100000 kB\nSwapCached:            0 kB\nSwapTotal:       2097152 kB\n\
                          SwapFree:        1048576 kB\nHugePages_Total:       0\n";

    #[test]
    fn available_is_what_counts() {
        let m = memory(SAMPLE).unwrap();
        assert_eq!((m.total_bytes, m.available_bytes, m.available_percent), (16_777_216_000, 1_258_291_200, 7.5));
        let s = swap(SAMPLE).unwrap();
        assert_eq!((s.total_bytes, s.used_bytes, s.used_percent), (2_147_483_648, 1_073_741_824, Some(50.0)));
    }

    #[test]
    fn what_an_old_kernel_does_not_say_is_missing_and_not_zero() {
        let old = SAMPLE.replace("MemAvailable", "Other");
        assert_eq!(memory(&old).unwrap_err().reason, "/proc/meminfo has no MemAvailable");
        assert_eq!(memory("").unwrap_err().reason, "/proc/meminfo has no MemTotal");
        assert!(swap("SwapTotal: many kB\n").is_err());
    }

    #[test]
    fn no_swap_is_no_percentage() {
        let s = swap("SwapTotal:             0 kB\nSwapFree:              0 kB\n").unwrap();
        assert_eq!((s.total_bytes, s.used_percent), (0, None));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(s in ".*|(MemTotal|MemAvailable|SwapTotal|SwapFree): *[0-9]{0,25} kB\n") {
            let _ = (memory(&s), swap(&s));
        }
    }
}
