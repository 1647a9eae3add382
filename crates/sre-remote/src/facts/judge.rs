//! From facts to findings, in the words and with the codes that `morning-check` has for the local host.

use sre_core::output::bytes;
use sre_core::{Code, Evidence, Finding, Severity, SourceId, Target, duration};

use super::model::{Disk, Facts};
use super::thresholds::HealthThresholds;
use crate::quote;

const DISK: Code = Code::new("HOST-DISK");
const INODES: Code = Code::new("HOST-INODES");
const MEMORY: Code = Code::new("HOST-MEMORY");
const SWAP: Code = Code::new("HOST-SWAP");
const LOAD: Code = Code::new("HOST-LOAD");
const CPU: Code = Code::new("HOST-CPU");
const REBOOTED: Code = Code::new("HOST-REBOOTED");

/// Says what of `facts` is beyond a limit, disks first. What a host did not tell gives no finding: see
/// [`Facts::missing`]. A recent boot is an info, everything else a warning or critical.
#[must_use]
pub fn judge(facts: &Facts, thresholds: &HealthThresholds, host: &Target) -> Vec<Finding> {
    let judge = Judge { facts, limits: thresholds, host };
    let writable: Vec<&Disk> = facts.disks.iter().flatten().filter(|disk| !disk.read_only).collect();
    let mut found: Vec<Finding> = writable.iter().filter_map(|disk| judge.space(disk)).collect();
    found.extend(writable.iter().filter_map(|disk| judge.inodes(disk)));
    found.extend([judge.memory(), judge.swap(), judge.load(), judge.cpu(), judge.rebooted()].into_iter().flatten());
    found
}

struct Judge<'a> {
    facts: &'a Facts,
    limits: &'a HealthThresholds,
    host: &'a Target,
}

// === impl Judge ===

impl Judge<'_> {
    fn finding(&self, code: Code, severity: Severity, subject: &str, title: String) -> Finding {
        Finding::new(code, severity, SourceId::new("remote"), self.host.clone(), subject, title)
    }

    fn space(&self, disk: &Disk) -> Option<Finding> {
        let severity = self.limits.disk_used_percent.at_or_above(disk.used_percent)?;
        let (free, total) = (bytes::format(disk.available_bytes), bytes::format(disk.total_bytes));
        Some(
            self.finding(DISK, severity, &disk.mount, format!("disk {}% full", disk.used_percent))
                .detail(format!("{free} of {total} left ({} on {})", disk.filesystem, disk.device))
                .evidence(Evidence::Command(format!("df -h {}", quote::word(&disk.mount))))
                .evidence(measured("disk used", disk.used_percent, "%")),
        )
    }

    fn inodes(&self, disk: &Disk) -> Option<Finding> {
        let inodes = disk.inodes?;
        let severity = self.limits.inodes_used_percent.at_or_above(inodes.used_percent)?;
        Some(
            self.finding(INODES, severity, &disk.mount, format!("inodes {}% used", inodes.used_percent))
                .detail(format!("{} of {} inodes left", inodes.total - inodes.used, inodes.total))
                .evidence(Evidence::Command(format!("df -i {}", quote::word(&disk.mount))))
                .evidence(measured("inodes used", inodes.used_percent, "%")),
        )
    }

    fn memory(&self) -> Option<Finding> {
        let memory = self.facts.memory?;
        let severity = self.limits.memory_available_percent.below(memory.available_percent)?;
        let (free, total) = (bytes::format(memory.available_bytes), bytes::format(memory.total_bytes));
        let title = format!("memory {}% available", memory.available_percent);
        Some(
            self.finding(MEMORY, severity, "memory", title)
                .detail(format!("{free} of {total}"))
                .evidence(Evidence::Command("free -h".to_owned()))
                .evidence(measured("memory available", memory.available_percent, "%")),
        )
    }

    fn swap(&self) -> Option<Finding> {
        let swap = self.facts.swap?;
        let used = swap.used_percent?;
        let severity = self.limits.swap_used_percent.at_or_above(used)?;
        Some(
            self.finding(SWAP, severity, "swap", format!("swap {used}% used"))
                .detail(format!("{} of {}", bytes::format(swap.used_bytes), bytes::format(swap.total_bytes)))
                .evidence(Evidence::Command("free -h; vmstat 1 5".to_owned()))
                .evidence(measured("swap used", used, "%")),
        )
    }

    fn load(&self) -> Option<Finding> {
        let load = self.facts.load?;
        let severity = self.limits.load_per_core.at_or_above(load.per_core)?;
        Some(
            self.finding(LOAD, severity, "load", format!("load {} a core", load.per_core))
                .detail(format!("{:.2} {:.2} {:.2} on {} cores", load.one, load.five, load.fifteen, load.cores))
                .evidence(Evidence::Command("uptime; ps -eo stat,pid,comm | grep '^[RD]'".to_owned()))
                .evidence(measured("load per core", load.per_core, "")),
        )
    }

    fn cpu(&self) -> Option<Finding> {
        let cpu = self.facts.cpu?;
        let severity = self.limits.cpu_busy_percent.at_or_above(cpu.busy_percent)?;
        let over = cpu.interval.map(|time| format!("over {}; ", duration::format(time))).unwrap_or_default();
        let (steal, iowait) = (cpu.steal_percent, cpu.iowait_percent);
        Some(
            self.finding(CPU, severity, "cpu", format!("CPU {}% busy", cpu.busy_percent))
                .detail(format!("{over}{steal}% stolen by the hypervisor, {iowait}% waiting for disks"))
                .evidence(Evidence::Command("top -b -n 1 | head -20".to_owned()))
                .evidence(measured("CPU busy", cpu.busy_percent, "%")),
        )
    }

    fn rebooted(&self) -> Option<Finding> {
        let up = self.facts.uptime.filter(|up| *up < self.limits.rebooted_within)?;
        Some(
            self.finding(REBOOTED, Severity::Info, "uptime", format!("booted {} ago", duration::format(up)))
                .evidence(Evidence::Command("uptime; last -x reboot | head -3".to_owned())),
        )
    }
}

fn measured(name: &str, value: f64, unit: &str) -> Evidence {
    Evidence::Value { name: name.to_owned(), value, unit: unit.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_looked_at_and_a_read_only_disk_is_not() {
        let text = "#sre-facts uptime\n61 1\n#sre-facts uptime-after\n61.6 1\n#sre-facts loadavg\n9 8 7\n\
            #sre-facts stat\ncpu 0 0 0 0\ncpu0 0\n#sre-facts stat-after\ncpu 95 0 0 5\n\
            #sre-facts meminfo\nMemTotal: 1000 kB\nMemAvailable: 80 kB\nSwapTotal: 100 kB\nSwapFree: 20 kB\n\
            #sre-facts mounts\n1 1 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /iso rw - ext4 /dev/b ro\n\
            #sre-facts statfs\n1024 100 5 5 100 15 /\n1024 100 0 0 0 0 /iso\n";
        let facts = Facts::parse(text.as_bytes());
        let found = judge(&facts, &HealthThresholds::default(), &Target::new("web-01"));
        let told: Vec<_> =
            found.iter().map(|f| format!("{} {} {}: {}", f.severity, f.code, f.subject, f.title)).collect();
        let expected = [
            "critical HOST-DISK /: disk 95% full",
            "warning HOST-INODES /: inodes 85% used",
            "warning HOST-MEMORY memory: memory 8% available",
            "warning HOST-SWAP swap: swap 80% used",
            "critical HOST-LOAD load: load 8 a core",
            "warning HOST-CPU cpu: CPU 95% busy",
            "info HOST-REBOOTED uptime: booted 1m 1s ago",
        ];
        assert_eq!(told, expected);
        assert_eq!(found[5].detail, "over 600ms; 0% stolen by the hypervisor, 0% waiting for disks");
        assert!(judge(&Facts::default(), &HealthThresholds::default(), &Target::new("x")).is_empty());
    }
}
