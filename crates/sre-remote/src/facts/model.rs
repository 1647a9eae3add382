//! What is known of a host.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::parts::{Parts, release};
use super::{cpu, disks};

/// What a host said about itself. A piece that it did not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Facts {
    /// The name it has for itself.
    pub hostname: Option<String>,
    /// Name, release and architecture: `Linux 6.1.0-18-amd64 x86_64`.
    pub kernel: Option<String>,
    /// The distribution: `Debian GNU/Linux 12 (bookworm)`.
    pub os: Option<String>,
    /// Since it booted; in JSON as seconds.
    #[serde(rename = "uptime_seconds", serialize_with = "seconds")]
    pub uptime: Option<Duration>,
    /// The CPUs while the script looked twice.
    pub cpu: Option<CpuUse>,
    /// Memory.
    pub memory: Option<Memory>,
    /// Swap; a host without swap tells so.
    pub swap: Option<Swap>,
    /// Load averages.
    pub load: Option<Load>,
    /// Its real local filesystems by mount point, each device once.
    pub disks: Option<Vec<Disk>>,
}

/// How busy the CPUs were, all cores together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CpuUse {
    /// All but idle and waiting for a disk.
    pub busy_percent: f64,
    /// Idle, but only because a disk has not answered.
    pub iowait_percent: f64,
    /// Wanted and not given by the hypervisor; part of busy.
    pub steal_percent: f64,
    /// Between the two looks, where the host says so; in JSON as seconds.
    #[serde(rename = "interval_seconds", serialize_with = "seconds")]
    pub interval: Option<Duration>,
}

/// Memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Memory {
    /// All that the kernel manages.
    pub total_bytes: u64,
    /// What programs can still get without swapping (`MemAvailable`).
    pub available_bytes: u64,
    /// The same as a part of the total.
    pub available_percent: f64,
}

/// Swap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Swap {
    /// 0 on a host without swap.
    pub total_bytes: u64,
    /// In use.
    pub used_bytes: u64,
    /// The same as a part of the total; `None` without swap.
    pub used_percent: Option<f64>,
}

/// Load averages: processes that run, wait for a core or wait for a disk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
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

/// The use of one filesystem.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Disk {
    /// Where it is mounted.
    pub mount: String,
    /// What is mounted there; redacted.
    pub device: String,
    /// `ext4`, `xfs`, …
    pub filesystem: String,
    /// Nothing can be written, so it cannot fill up.
    pub read_only: bool,
    /// The size.
    pub total_bytes: u64,
    /// In use.
    pub used_bytes: u64,
    /// Free for users other than root.
    pub available_bytes: u64,
    /// Used / (used + available), as `df` counts: 100 when users can write no more.
    pub used_percent: f64,
    /// `None` where the filesystem makes inodes as it needs them (btrfs, vfat), or the host does not tell.
    pub inodes: Option<Inodes>,
}

/// The use of the inodes of a filesystem.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Inodes {
    /// How many files there may be.
    pub total: u64,
    /// How many there are.
    pub used: u64,
    /// The same as a part of the total.
    pub used_percent: f64,
}

// === impl Facts ===

impl Facts {
    /// Reads the script's output, whole or cut off. Never fails: what is not understood is missing.
    #[must_use]
    pub fn parse(stdout: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stdout);
        let parts = Parts::of(&text);
        let (meminfo, stat) = (parts.get("meminfo"), parts.get("stat"));
        Self {
            hostname: parts.line("hostname"),
            kernel: parts.line("kernel"),
            os: release(parts.get("os"), "PRETTY_NAME"),
            uptime: uptime(parts.get("uptime")),
            cpu: cpu::between(stat, parts.get("stat-after"), cpu_interval(&parts)),
            memory: memory(meminfo),
            swap: swap(meminfo),
            load: load(parts.get("loadavg"), stat),
            disks: disks::all(&parts),
        }
    }

    /// The pieces that the host did not tell, as words for a report.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let pieces = [
            ("hostname", self.hostname.is_some()),
            ("uptime", self.uptime.is_some()),
            ("cpu", self.cpu.is_some()),
            ("memory", self.memory.is_some()),
            ("swap", self.swap.is_some()),
            ("load", self.load.is_some()),
            ("disks", self.disks.is_some()),
        ];
        pieces.into_iter().filter(|(_, there)| !there).map(|(name, _)| name).collect()
    }

    /// A few words for a line: `cpu 12%, memory 41%, load 0.3, disk 63% /var`. Memory is what is not available, the disk
    /// is the fullest one that can be written; what is missing is left out.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.cpu.map(|cpu| format!("cpu {:.0}%", cpu.busy_percent)));
        words.extend(self.memory.map(|memory| format!("memory {:.0}%", 100.0 - memory.available_percent)));
        words.extend(self.load.map(|load| format!("load {:.1}", load.per_core)));
        let writable = self.disks.iter().flatten().filter(|disk| !disk.read_only);
        let fullest = writable.max_by(|a, b| a.used_percent.total_cmp(&b.used_percent));
        words.extend(fullest.map(|disk| format!("disk {:.0}% {}", disk.used_percent, disk.mount)));
        words.join(", ")
    }
}

#[expect(clippy::ref_option, reason = "serde hands out a reference")]
fn seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}

/// The first number of `/proc/uptime`; the second is the idle time of all cores together.
fn uptime(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.split_ascii_whitespace().next()?.parse().ok()?).ok()
}

fn cpu_interval(parts: &Parts<'_>) -> Option<Duration> {
    uptime(parts.get("uptime-after"))?.checked_sub(uptime(parts.get("uptime"))?).filter(|time| !time.is_zero())
}

fn memory(meminfo: &str) -> Option<Memory> {
    let total_bytes = field(meminfo, "MemTotal").filter(|total| *total > 0)?;
    let available_bytes = field(meminfo, "MemAvailable")?.min(total_bytes);
    Some(Memory { total_bytes, available_bytes, available_percent: percent(available_bytes, total_bytes) })
}

fn swap(meminfo: &str) -> Option<Swap> {
    let total_bytes = field(meminfo, "SwapTotal")?;
    let used_bytes = total_bytes.saturating_sub(field(meminfo, "SwapFree")?);
    Some(Swap { total_bytes, used_bytes, used_percent: (total_bytes > 0).then(|| percent(used_bytes, total_bytes)) })
}

/// In bytes; the file counts in units of 1024 and calls them kB.
fn field(meminfo: &str, name: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    rest.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

fn load(loadavg: &str, stat: &str) -> Option<Load> {
    let number = |word: &str| word.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    let mut numbers = loadavg.split_ascii_whitespace().map(number);
    let mut next = || numbers.next().flatten();
    let (one, five, fifteen) = (next()?, next()?, next()?);
    let cores = cpu::cores(stat)?;
    Some(Load { one, five, fifteen, cores, per_core: (five / f64::from(cores) * 100.0).round() / 100.0 })
}

/// `part` of `whole` in percent, with one decimal; 0 of nothing is 0. Rounded here once, so that text, JSON and the
/// comparison with a limit agree.
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    (part as f64 / whole as f64 * 1000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "Welcome!\n\n#sre-facts hostname\nweb-01\n\n#sre-facts kernel\nLinux 6.1.0 x86_64\n\
        \n#sre-facts os\nNAME=Debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n\
        \n#sre-facts meminfo\nMemTotal: 16384000 kB\nMemAvailable: 1228800 kB\nSwapTotal: 2097152 kB\nSwapFree: 1048576 kB\n\
        \n#sre-facts loadavg\n9.50 8.25 0.05 3/412 99999\n\
        \n#sre-facts uptime\n1000.10 8405.43\n\n#sre-facts stat\ncpu  100 0 50 1000 10 0 5 0 0 0\ncpu0 1 1 1 1\ncpu3 0 1 2 3\n\
        \n#sre-facts uptime-after\n1000.70 8405.43\n\n#sre-facts stat-after\ncpu  150 0 70 1020 15 0 5 5 40 0\n\
        \n#sre-facts mounts\n27 1 254:0 / / rw - ext4 /dev/vda rw\n28 27 254:1 / /my\\040data rw - xfs /dev/vdb rw\n\
        \n#sre-facts statfs\n4096 1000 400 300 1000 250 /\n4096 1000 50 50 0 0 /my data\n\n#sre-facts end\n";

    #[test]
    fn a_whole_answer_is_understood() {
        let facts = Facts::parse(OUTPUT.as_bytes());
        assert!(facts.missing().is_empty());
        insta::assert_json_snapshot!(facts, @r#"
        {
          "hostname": "web-01",
          "kernel": "Linux 6.1.0 x86_64",
          "os": "Debian GNU/Linux 12 (bookworm)",
          "uptime_seconds": 1000.1,
          "cpu": {
            "busy_percent": 75.0,
            "iowait_percent": 5.0,
            "steal_percent": 5.0,
            "interval_seconds": 0.6
          },
          "memory": {
            "total_bytes": 16777216000,
            "available_bytes": 1258291200,
            "available_percent": 7.5
          },
          "swap": {
            "total_bytes": 2147483648,
            "used_bytes": 1073741824,
            "used_percent": 50.0
          },
          "load": {
            "one": 9.5,
            "five": 8.25,
            "fifteen": 0.05,
            "cores": 2,
            "per_core": 4.13
          },
          "disks": [
            {
              "mount": "/",
              "device": "/dev/vda",
              "filesystem": "ext4",
              "read_only": false,
              "total_bytes": 4096000,
              "used_bytes": 2457600,
              "available_bytes": 1228800,
              "used_percent": 66.7,
              "inodes": {
                "total": 1000,
                "used": 750,
                "used_percent": 75.0
              }
            },
            {
              "mount": "/my data",
              "device": "/dev/vdb",
              "filesystem": "xfs",
              "read_only": false,
              "total_bytes": 4096000,
              "used_bytes": 3891200,
              "available_bytes": 204800,
              "used_percent": 95.0,
              "inodes": null
            }
          ]
        }
        "#);
        assert_eq!(facts.summary(), "cpu 75%, memory 92%, load 4.1, disk 95% /my data");
    }

    #[test]
    fn what_is_not_told_is_missing_and_not_zero() {
        let facts = Facts::parse(b"");
        assert_eq!(facts, Facts::default());
        assert_eq!((facts.missing().len(), facts.summary().as_str()), (7, ""));
        let old = OUTPUT.replace("MemAvailable", "Other").replace("SwapTotal: 2097152", "SwapTotal: 0");
        let facts = Facts::parse(old.as_bytes());
        assert_eq!((facts.memory, facts.swap.unwrap().used_percent), (None, None));
        let cut = Facts::parse(OUTPUT.split("#sre-facts uptime-after").next().unwrap().as_bytes());
        assert_eq!(cut.missing(), ["cpu", "disks"]);
        let odd = "#sre-facts hostname\n\u{1b}[2Jweb\u{202e}\n#sre-facts uptime\ninf\n#sre-facts loadavg\nnan 1 1\n";
        let facts = Facts::parse(odd.as_bytes());
        assert_eq!((facts.hostname.as_deref(), facts.uptime, facts.load), (Some("[2Jweb"), None, None));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(
            bytes: Vec<u8>,
            text in "(#sre-facts (uptime|loadavg|stat|stat-after|meminfo|mounts|statfs|df)\n([a-zA-Z/:% -]{0,9}[0-9]{0,20}[ \n]?){0,12}\n){0,6}",
        ) {
            let _ = Facts::parse(&bytes);
            let facts = Facts::parse(text.as_bytes());
            let _ = facts.summary();
        }
    }
}
