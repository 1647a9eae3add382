//! The finding codes of the local host, and what to do about each.

use sre_core::{Code, CodeDoc};

pub(crate) const DISK: Code = Code::new("HOST-DISK");
pub(crate) const INODES: Code = Code::new("HOST-INODES");
pub(crate) const DISK_UNKNOWN: Code = Code::new("HOST-DISK-UNKNOWN");
pub(crate) const MEMORY: Code = Code::new("HOST-MEMORY");
pub(crate) const SWAP: Code = Code::new("HOST-SWAP");
pub(crate) const LOAD: Code = Code::new("HOST-LOAD");
pub(crate) const CPU: Code = Code::new("HOST-CPU");
pub(crate) const UNITS: Code = Code::new("HOST-UNITS");
pub(crate) const ZOMBIES: Code = Code::new("HOST-ZOMBIES");
pub(crate) const REBOOTED: Code = Code::new("HOST-REBOOTED");

/// Every code of this crate, explained.
pub const CODES: &[CodeDoc] = &[
    CodeDoc::new(
        DISK,
        "Disk nearly full",
        "A filesystem is used to 80 % (warning) or 90 % (critical), counted as df does: what is kept for root is not \
         available. Read-only filesystems, images and kernel filesystems are not looked at.",
        "See what is large (du -xh --max-depth=1 MOUNT | sort -h), delete or move data, rotate logs, or grow the \
         filesystem. A deleted file that a process still has open takes space too: lsof +L1.",
    ),
    CodeDoc::new(
        INODES,
        "Inodes nearly used up",
        "A filesystem has used 80 % (warning) or 90 % (critical) of its inodes: no new file can be made at 100 %, \
         however much space is left.",
        "Find the folder with very many small files (du --inodes -x MOUNT | sort -n | tail): sessions, caches, mail \
         queues. Delete them or make a new filesystem with more inodes.",
    ),
    CodeDoc::new(
        DISK_UNKNOWN,
        "A filesystem does not answer",
        "A filesystem gave an error, or no answer before the deadline: a dead NFS or CIFS server, a stuck FUSE \
         process, a failing disk. How full it is remains unknown.",
        "Look at the server behind it (findmnt MOUNT) and at the kernel's log (dmesg). Unmount it lazily (umount -l) \
         when the server will not come back.",
    ),
    CodeDoc::new(
        MEMORY,
        "Little memory available",
        "Less than 10 % (warning) or 5 % (critical) of the memory is available (MemAvailable: free memory and caches \
         that can be given up).",
        "See who uses it (ps -eo pid,rss,comm --sort=-rss | head) and whether the kernel has killed something already \
         (journalctl -k -g 'out of memory').",
    ),
    CodeDoc::new(
        SWAP,
        "Much swap in use",
        "At least 50 % of the swap is in use (warning). It may be old and idle; it matters when pages move all the time.",
        "Watch si and so in vmstat 1: if they stay at zero nothing is wrong; else find the process that grew.",
    ),
    CodeDoc::new(
        LOAD,
        "High load",
        "The five-minute load average is at least 2 (warning) or 4 (critical) for each core: processes wait for a core \
         or for a disk.",
        "Compare with CPU use: high load with an idle CPU is waiting for a disk or a network filesystem (processes in \
         state D: ps -eo stat,pid,comm | grep ^D).",
    ),
    CodeDoc::new(
        CPU,
        "Busy CPUs",
        "All cores together were busy for at least 90 % of the time between two looks, one second apart (warning). \
         One second is a short look: the load tells whether it lasts.",
        "See who it is (top), and compare with the load. Much steal time means that the hypervisor gives less than was \
         promised.",
    ),
    CodeDoc::new(
        UNITS,
        "Failed systemd unit",
        "systemd lists the unit as failed: it could not be started, or it died and was not restarted (warning).",
        "Read why (systemctl status UNIT; journalctl -u UNIT), mend it and restart it; systemctl reset-failed UNIT \
         forgets a failure that no longer matters.",
    ),
    CodeDoc::new(
        ZOMBIES,
        "Many zombie processes",
        "There are at least 20 dead processes whose parent has not asked for their result (warning). They use no \
         memory, but each holds a pid.",
        "Restart or mend the parent that is named. In a container whose first process does not reap, run an init \
         (docker run --init, shareProcessNamespace).",
    ),
    CodeDoc::new(
        REBOOTED,
        "Booted a short while ago",
        "The host booted within the last 10 minutes (info).",
        "If nobody did it on purpose, look for the reason in the previous boot's log: journalctl -b -1 -e.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_once() {
        let all = [DISK, INODES, DISK_UNKNOWN, MEMORY, SWAP, LOAD, CPU, UNITS, ZOMBIES, REBOOTED];
        assert_eq!(CODES.iter().map(|d| d.code).collect::<Vec<_>>(), all);
    }
}
