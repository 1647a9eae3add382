//! The use of the filesystems, from `stat -f` where the host has it, else from `df`.

use std::collections::HashMap;

use sre_core::redact;

use super::model::{Disk, Inodes, percent};
use super::mounts::{self, Mount};
use super::parts::{Parts, shown};

/// What one filesystem said, in bytes and inodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Space {
    total: u64,
    used: u64,
    available: u64,
    /// Total and free.
    inodes: Option<(u64, u64)>,
}

/// All filesystems that answered; `None` when none did.
pub(super) fn all(parts: &Parts<'_>) -> Option<Vec<Disk>> {
    let mut spaces: HashMap<&str, Space> = parts.get("df").lines().filter_map(df).collect();
    spaces.extend(parts.get("statfs").lines().filter_map(statfs));
    let disk = |mount: Mount<'_>| spaces.get(mount.point.as_str()).and_then(|space| space.disk(&mount));
    let disks: Vec<Disk> = mounts::real(parts.get("mounts")).into_iter().filter_map(disk).collect();
    (!disks.is_empty()).then_some(disks)
}

/// `4096 66053021 52172039 9940490 16777216 16181750 /mount`: block size, blocks, free, free for users, inodes, free.
fn statfs(line: &str) -> Option<(&str, Space)> {
    let mut words = line.splitn(7, ' ');
    let mut number = || words.next()?.parse::<u64>().ok();
    let (size, total, free, available) = (number()?, number()?, number()?, number()?);
    let (inodes, inodes_free) = (number()?, number()?);
    let mount = words.next()?;
    let space = Space {
        total: total.checked_mul(size)?,
        used: total.checked_sub(free)?.checked_mul(size)?,
        // A filesystem over its reserve has less than nothing for users; some kernels tell that as a huge number.
        available: available.min(free).checked_mul(size)?,
        inodes: (inodes > 0).then_some((inodes, inodes_free)),
    };
    Some((mount, space))
}

/// `/dev/sda 1024-blocks used available 12% /mount` (df -kP): the device may have spaces, so the columns are found from the
/// percentage.
fn df(line: &str) -> Option<(&str, Space)> {
    let (before, after) = line.split_once('%')?;
    let mut words = before.split_ascii_whitespace().rev().skip(1);
    let mut number = || words.next()?.parse::<u64>().ok()?.checked_mul(1024);
    let (available, used, total) = (number()?, number()?, number()?);
    let mount = after.trim_start();
    mount.starts_with('/').then_some((mount, Space { total, used, available, inodes: None }))
}

// === impl Space ===

impl Space {
    /// `None` for what has no blocks.
    fn disk(&self, mount: &Mount<'_>) -> Option<Disk> {
        if self.total == 0 {
            return None;
        }
        let inodes = self.inodes.map(|(total, free)| {
            let used = total.saturating_sub(free);
            Inodes { total, used, used_percent: percent(used, total) }
        });
        Some(Disk {
            mount: shown(&mount.point)?,
            device: shown(&redact::text(&mount.device)).unwrap_or_default(),
            filesystem: shown(mount.filesystem).unwrap_or_default(),
            read_only: mount.read_only,
            total_bytes: self.total,
            used_bytes: self.used,
            available_bytes: self.available,
            used_percent: percent(self.used, self.used.saturating_add(self.available)),
            inodes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn df_is_read_from_its_percentage() {
        let space = Space { total: 1024 * 1000, used: 1024 * 700, available: 1024 * 200, inodes: None };
        assert_eq!(df("/dev/mapper/my disk 1000 700 200 78% /my data"), Some(("/my data", space)));
        for bad in
            ["Filesystem 1024-blocks Used Available Capacity Mounted on", "none 0 0 0 - /x", "", "a%b", "1 2 3 4% x"]
        {
            assert_eq!(df(bad), None, "{bad}");
        }
    }

    #[test]
    fn statfs_counts_as_df_does() {
        let (mount, space) = statfs("4096 1000 400 300 1000 250 /").unwrap();
        assert_eq!(
            (mount, space.used, space.available, space.inodes),
            ("/", 600 * 4096, 300 * 4096, Some((1000, 250)))
        );
        assert_eq!(statfs("4096 10 4 18446744073709551615 0 0 /x y").unwrap().1.available, 4 * 4096);
        assert_eq!(statfs("4096 18446744073709551615 4 4 0 0 /"), None);
    }

    #[test]
    fn both_sources_are_joined() {
        let text = "#sre-facts mounts\n1 1 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /b rw - ext4 /dev/b rw\n3 1 8:3 / /c rw - ext4 /dev/c rw\n\
                    #sre-facts statfs\n1024 10 5 5 0 0 /\n#sre-facts df\n/dev/a 99 99 99 50% /\n/dev/b 10 1 9 10% /b\n";
        let disks = all(&Parts::of(text)).unwrap();
        let told: Vec<_> = disks.iter().map(|disk| (disk.mount.as_str(), disk.used_percent)).collect();
        assert_eq!(told, [("/", 50.0), ("/b", 10.0)]);
        assert_eq!(all(&Parts::of("")), None);
    }
}
