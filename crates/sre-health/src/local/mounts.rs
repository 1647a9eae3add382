//! Which filesystems of `/proc/self/mountinfo` are real, each once.
//!
//! Left out: what the kernel makes up (proc, sysfs, cgroups, …), images that are always full (squashfs, ISO 9660),
//! the overlay mounts of containers seen from their host (they only show the disk beneath once more), memory
//! filesystems except `/tmp` and `/run`, and every further mount of a device that is already in the list.

use std::collections::HashMap;

/// A filesystem that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) point: String,
    pub(crate) device: String,
    pub(crate) fs_type: String,
    /// The filesystem itself is; a mount of it may be read-only (systemd's `ProtectSystem=`, `docker --read-only`) while
    /// others go on to fill the disk.
    pub(crate) read_only: bool,
    /// `major:minor` of the filesystem.
    number: String,
    /// The part of the filesystem that is mounted; not `/` for a bind mount.
    part: String,
}

/// Made up by the kernel or a desktop; they have no blocks that could run out.
const PSEUDO: [&str; 35] = [
    "autofs",
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "cpuset",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fusectl",
    "hugetlbfs",
    "ipathfs",
    "mqueue",
    "nfsd",
    "none",
    "nsfs",
    "nullfs",
    "overlayfs",
    "proc",
    "pstore",
    "ramfs",
    "resctrl",
    "rootfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "smackfs",
    "sysfs",
    "tracefs",
];

/// Images: full by design and read-only.
const IMAGES: [&str; 8] =
    ["squashfs", "fuse.squashfuse", "fuse.snapfuse", "iso9660", "udf", "cramfs", "erofs", "romfs"];

/// Filesystems whose answer comes over a network or from another process, and which therefore may never come.
const REMOTE: [&str; 15] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];

/// Single files that container runtimes mount from the host's disk; the root shows that disk already.
const RUNTIME_FILES: [&str; 4] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/dev/termination-log"];

/// The memory filesystems whose overflow breaks a host: everything writes to `/tmp`, systemd and sshd need `/run`.
const TMPFS: [&str; 2] = ["/tmp", "/run"];

// === impl Mount ===

impl Mount {
    /// Whether a look at it may hang.
    pub(crate) fn is_remote(&self) -> bool {
        REMOTE.contains(&self.fs_type.as_str()) || self.fs_type.starts_with("fuse")
    }

    fn is_real(&self) -> bool {
        let kind = self.fs_type.as_str();
        if self.part != "/" && RUNTIME_FILES.contains(&self.point.as_str()) {
            return false;
        }
        match kind {
            "overlay" | "aufs" | "fuse.fuse-overlayfs" => self.point == "/",
            "tmpfs" => TMPFS.contains(&self.point.as_str()) && !self.read_only,
            _ if self.read_only && IMAGES.contains(&kind) => false,
            _ => !PSEUDO.contains(&kind),
        }
    }

    /// Smaller is better: the whole filesystem before a part of it, then the shortest path.
    fn rank(&self) -> (bool, usize, &str) {
        (self.part != "/", self.point.len(), &self.point)
    }
}

/// The real filesystems, by mount point. Lines that make no sense are skipped.
pub(crate) fn real(mountinfo: &str) -> Vec<Mount> {
    // A later mount on the same point hides the earlier one.
    let mut by_point: HashMap<String, Mount> = HashMap::new();
    for mount in mountinfo.lines().filter_map(parse_line) {
        by_point.insert(mount.point.clone(), mount);
    }
    let mut by_number: HashMap<String, Mount> = HashMap::new();
    for mount in by_point.into_values().filter(Mount::is_real) {
        match by_number.get(&mount.number) {
            Some(known) if known.rank() <= mount.rank() => {}
            _ => {
                by_number.insert(mount.number.clone(), mount);
            }
        }
    }
    let mut mounts: Vec<Mount> = by_number.into_values().collect();
    mounts.sort_by(|a, b| a.point.cmp(&b.point));
    mounts
}

/// `36 35 98:0 /part /point rw,noatime master:1 - ext3 /dev/root rw,errors=continue` (proc_pid_mountinfo(5)).
fn parse_line(line: &str) -> Option<Mount> {
    let mut words = line.split(' ');
    let number = words.nth(2)?.to_owned();
    let (part, point, _mount_options) = (words.next()?, words.next()?, words.next()?);
    let mut rest = words.skip_while(|w| *w != "-").skip(1);
    let (fs_type, device) = (rest.next()?, rest.next()?);
    let super_options = rest.next().unwrap_or_default();
    let read_only = super_options.split(',').any(|option| option == "ro");
    if !point.starts_with('/') || fs_type.is_empty() {
        return None;
    }
    Some(Mount {
        point: unescape(point),
        device: unescape(device),
        fs_type: fs_type.to_owned(),
        read_only,
        number,
        part: unescape(part),
    })
}

/// Space, tab, newline and backslash are written as `\040`, `\011`, `\012` and `\134`.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 4).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code.filter(u8::is_ascii) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &rest[at + 4..];
            }
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(mountinfo: &str) -> Vec<String> {
        real(mountinfo).into_iter().map(|m| format!("{} {}", m.point, m.fs_type)).collect()
    }

    const SERVER: &str = "\
22 27 0:21 / /proc rw,relatime shared:12 - proc proc rw
24 27 0:6 / /dev rw,nosuid shared:2 - devtmpfs udev rw,size=1k
25 27 0:24 / /run rw,nosuid shared:5 - tmpfs tmpfs rw,mode=755
26 25 0:28 / /run/user/1000 rw shared:6 - tmpfs tmpfs rw
27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
30 27 254:2 / /var/lib/postgresql rw shared:7 - xfs /dev/mapper/vg-pg rw
31 27 254:1 /srv/www /var/www rw shared:1 - ext4 /dev/vda1 rw
32 27 7:0 / /snap/core/123 ro shared:8 - squashfs /dev/loop0 ro
33 27 11:0 / /media/cd\\040rom ro shared:9 - iso9660 /dev/sr0 ro
34 27 0:50 / /var/lib/docker/overlay2/abc/merged rw - overlay overlay rw,lowerdir=/l
35 27 0:60 / /mnt/nfs\\040share rw shared:10 - nfs4 nas:/export rw,vers=4.2
36 27 0:61 / /mnt/ssh rw shared:11 - fuse.sshfs bob@box:/ rw
37 27 8:1 / /boot/efi rw shared:13 master:3 - vfat /dev/sda1 rw
38 27 0:70 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
";

    #[test]
    fn a_server_has_its_real_disks_once_each() {
        assert_eq!(
            points(SERVER),
            [
                "/ ext4",
                "/boot/efi vfat",
                "/mnt/nfs share nfs4",
                "/mnt/ssh fuse.sshfs",
                "/run tmpfs",
                "/var/lib/postgresql xfs",
            ]
        );
        let remote: Vec<bool> = real(SERVER).iter().map(Mount::is_remote).collect();
        assert_eq!(remote, [false, false, true, true, false, false]);
    }

    #[test]
    fn in_a_container_the_overlay_is_the_root_and_bind_mounts_are_one_disk() {
        let container = "\
600 500 0:99 / / rw,relatime - overlay overlay rw,lowerdir=/a:/b
601 600 0:100 / /proc rw - proc proc rw
602 600 254:1 /var/lib/docker/containers/x/hostname /etc/hostname rw - ext4 /dev/vda1 rw
603 600 254:1 /var/lib/docker/containers/x/hosts /etc/hosts rw - ext4 /dev/vda1 rw
604 600 254:1 /data /srv/data rw - ext4 /dev/vda1 rw
";
        assert_eq!(points(container), ["/ overlay", "/srv/data ext4"]);
    }

    #[test]
    fn a_mount_on_top_of_another_hides_it() {
        let twice = "\
30 27 8:1 / /data rw - ext4 /dev/sda1 rw
31 27 8:2 / /data ro - xfs /dev/sdb1 ro
";
        let mounts = real(twice);
        assert_eq!((mounts.len(), mounts[0].device.as_str(), mounts[0].read_only), (1, "/dev/sdb1", true));
    }

    #[test]
    fn only_the_filesystem_itself_makes_a_disk_read_only() {
        let sandbox = "\
27 1 254:1 / / ro,relatime - ext4 /dev/vda rw,errors=remount-ro
28 27 0:24 / /run ro - tmpfs tmpfs rw
29 27 8:1 / /frozen rw - ext4 /dev/sda1 ro,noquota
";
        let told: Vec<_> = real(sandbox).into_iter().map(|m| (m.point, m.read_only)).collect();
        assert_eq!(told, [("/".to_owned(), false), ("/frozen".to_owned(), true), ("/run".to_owned(), false)]);
    }

    #[test]
    fn odd_lines_are_skipped_and_escapes_undone() {
        assert_eq!(points("\n1 2 3:4\nrubbish\n1 2 8:9 / /x rw shared:1\n1 2 8:9 / /x rw - ext4 d"), ["/x ext4"]);
        assert_eq!(unescape(r"a\040b\134c\09\é"), "a b\\c\\09\\é");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(s in "([0-9]{1,2} [0-9] [0-9]:[0-9] /[a-z\\\\0-9é]{0,6} /\\PC{0,6} (ro|rw) - (ext4|tmpfs|nfs|\\PC{0,5}) \\PC{0,5}\n|.*){0,5}") {
            let _ = real(&s);
        }
    }
}
