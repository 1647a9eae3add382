//! From numbers to findings.

use std::time::Duration;

use jiff::SignedDuration;
use sre_core::output::bytes;
use sre_core::{Code, Evidence, Finding, Severity, SourceId, duration};

use super::codes;
use super::disk::Disk;
use super::survey::LocalSurvey;
use super::thresholds::LocalThresholds;

/// All findings of a survey.
pub(crate) fn all(survey: &LocalSurvey, limits: &LocalThresholds) -> Vec<Finding> {
    let mut found = Vec::new();
    // What cannot be written to cannot fill up.
    for disk in survey.disks.iter().flatten().filter(|d| !d.read_only) {
        found.extend(space(survey, disk, limits));
    }
    for disk in survey.disks.iter().flatten().filter(|d| !d.read_only) {
        found.extend(inodes(survey, disk, limits));
    }
    found.extend(unknown_disks(survey));
    found.extend(memory(survey, limits));
    found.extend(swap(survey, limits));
    found.extend(load(survey, limits));
    found.extend(cpu(survey, limits));
    found.extend(units(survey));
    found.extend(zombies(survey, limits));
    found.extend(rebooted(survey, limits));
    found
}

fn finding(survey: &LocalSurvey, code: Code, severity: Severity, subject: &str, title: String) -> Finding {
    Finding::new(code, severity, SourceId::new("local"), survey.host.clone(), subject, title)
}

fn measured(name: &str, value: f64, unit: &str) -> Evidence {
    Evidence::Value { name: name.to_owned(), value, unit: unit.to_owned() }
}

fn space(survey: &LocalSurvey, disk: &Disk, limits: &LocalThresholds) -> Option<Finding> {
    let severity = limits.disk_used_percent.at_or_above(disk.used_percent)?;
    let (free, total) = (bytes::format(disk.available_bytes), bytes::format(disk.total_bytes));
    Some(
        finding(survey, codes::DISK, severity, &disk.mount, format!("disk {}% full", disk.used_percent))
            .detail(format!("{free} of {total} left ({} on {})", disk.filesystem, disk.device))
            .evidence(Evidence::Command(format!("df -h {}", quoted(&disk.mount))))
            .evidence(measured("disk used", disk.used_percent, "%")),
    )
}

fn inodes(survey: &LocalSurvey, disk: &Disk, limits: &LocalThresholds) -> Option<Finding> {
    let inodes = disk.inodes?;
    let severity = limits.inodes_used_percent.at_or_above(inodes.used_percent)?;
    Some(
        finding(survey, codes::INODES, severity, &disk.mount, format!("inodes {}% used", inodes.used_percent))
            .detail(format!("{} of {} inodes left", inodes.total - inodes.used, inodes.total))
            .evidence(Evidence::Command(format!("df -i {}", quoted(&disk.mount))))
            .evidence(measured("inodes used", inodes.used_percent, "%")),
    )
}

fn unknown_disks(survey: &LocalSurvey) -> impl Iterator<Item = Finding> {
    survey.unknown_disks.iter().map(|disk| {
        let title = "filesystem does not answer".to_owned();
        finding(survey, codes::DISK_UNKNOWN, Severity::Warning, &disk.mount, title)
            .detail(format!("{} ({} on {})", disk.reason, disk.filesystem, disk.device))
            // findmnt reads the kernel's list; df would hang as we did.
            .evidence(Evidence::Command(format!("findmnt {}", quoted(&disk.mount))))
    })
}

fn memory(survey: &LocalSurvey, limits: &LocalThresholds) -> Option<Finding> {
    let memory = survey.memory?;
    let severity = limits.memory_available_percent.below(memory.available_percent)?;
    let (free, total) = (bytes::format(memory.available_bytes), bytes::format(memory.total_bytes));
    let title = format!("memory {}% available", memory.available_percent);
    Some(
        finding(survey, codes::MEMORY, severity, "memory", title)
            .detail(format!("{free} of {total}"))
            .evidence(Evidence::Command("free -h".to_owned()))
            .evidence(measured("memory available", memory.available_percent, "%")),
    )
}

fn swap(survey: &LocalSurvey, limits: &LocalThresholds) -> Option<Finding> {
    let swap = survey.swap?;
    let used = swap.used_percent?;
    let severity = limits.swap_used_percent.at_or_above(used)?;
    Some(
        finding(survey, codes::SWAP, severity, "swap", format!("swap {used}% used"))
            .detail(format!("{} of {}", bytes::format(swap.used_bytes), bytes::format(swap.total_bytes)))
            .evidence(Evidence::Command("free -h; vmstat 1 5".to_owned()))
            .evidence(measured("swap used", used, "%")),
    )
}

fn load(survey: &LocalSurvey, limits: &LocalThresholds) -> Option<Finding> {
    let load = survey.load?;
    let severity = limits.load_per_core.at_or_above(load.per_core)?;
    Some(
        finding(survey, codes::LOAD, severity, "load", format!("load {} a core", load.per_core))
            .detail(format!("{:.2} {:.2} {:.2} on {} cores", load.one, load.five, load.fifteen, load.cores))
            .evidence(Evidence::Command("uptime; ps -eo stat,pid,comm | grep '^[RD]'".to_owned()))
            .evidence(measured("load per core", load.per_core, "")),
    )
}

fn cpu(survey: &LocalSurvey, limits: &LocalThresholds) -> Option<Finding> {
    let cpu = survey.cpu?;
    let severity = limits.cpu_busy_percent.at_or_above(cpu.busy_percent)?;
    let interval = Duration::try_from_secs_f64(cpu.interval_seconds).unwrap_or_default();
    let detail = format!(
        "over {}; {}% stolen by the hypervisor, {}% waiting for disks",
        duration::format(interval),
        cpu.steal_percent,
        cpu.iowait_percent
    );
    Some(
        finding(survey, codes::CPU, severity, "cpu", format!("CPU {}% busy", cpu.busy_percent))
            .detail(detail)
            .evidence(Evidence::Command("top -b -n 1 | head -20".to_owned()))
            .evidence(measured("CPU busy", cpu.busy_percent, "%")),
    )
}

fn units(survey: &LocalSurvey) -> impl Iterator<Item = Finding> {
    survey.failed_units.iter().flatten().map(|unit| {
        finding(survey, codes::UNITS, Severity::Warning, &unit.name, "unit failed".to_owned())
            .detail(unit.description.clone())
            .evidence(Evidence::Command(format!("systemctl status {}", quoted(&unit.name))))
    })
}

fn zombies(survey: &LocalSurvey, limits: &LocalThresholds) -> Option<Finding> {
    let zombies = survey.zombies.as_ref()?;
    let severity = limits.zombies.at_or_above(f64::from(zombies.count))?;
    let parents: Vec<String> =
        zombies.parents.iter().take(3).map(|p| format!("{} of {} (pid {})", p.zombies, p.name, p.pid)).collect();
    let command = match zombies.parents.first() {
        Some(parent) => format!("ps -o pid,stat,comm --ppid {}", parent.pid),
        None => "ps -eo stat,pid,ppid,comm | grep ^Z".to_owned(),
    };
    Some(
        finding(survey, codes::ZOMBIES, severity, "zombies", format!("{} zombie processes", zombies.count))
            .detail(parents.join(", "))
            .count(zombies.count)
            .evidence(Evidence::Command(command)),
    )
}

fn rebooted(survey: &LocalSurvey, limits: &LocalThresholds) -> Option<Finding> {
    let up = Duration::try_from_secs_f64(survey.uptime_seconds?).ok()?;
    let since = SignedDuration::try_from(up).ok().and_then(|up| survey.taken_at.checked_sub(up).ok());
    (up < limits.rebooted_within).then(|| {
        finding(survey, codes::REBOOTED, Severity::Info, "uptime", format!("booted {} ago", duration::format(up)))
            .evidence(Evidence::Command("uptime; last -x reboot | head -3".to_owned()))
            .since(since)
    })
}

/// A word that a shell takes as it is; anything else goes into single quotes.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-@:+,%=".contains(c);
    match !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted_whatever_the_mount_point_is() {
        assert_eq!(quoted("/var"), "/var");
        assert_eq!(quoted("dev-disk-by\\x2duuid.swap"), "'dev-disk-by\\x2duuid.swap'");
        assert_eq!(quoted("/mnt/my disk"), "'/mnt/my disk'");
        assert_eq!(quoted("/mnt/it's; rm"), r"'/mnt/it'\''s; rm'");
    }
}
