//! Which of the mounts that the script chose are filesystems of their own, each once.

use std::collections::HashMap;

/// A filesystem that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount<'t> {
    pub(super) point: String,
    pub(super) device: String,
    pub(super) filesystem: &'t str,
    /// The filesystem itself is; a mount of it may be read-only while others go on to fill the disk.
    pub(super) read_only: bool,
    /// `major:minor` of the filesystem.
    number: &'t str,
    /// The part of the filesystem that is mounted; not `/` for a bind mount.
    part: &'t str,
}

/// Single files that container runtimes mount from the host's disk; the root shows that disk already.
const RUNTIME_FILES: [&str; 4] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/dev/termination-log"];

// === impl Mount ===

impl Mount<'_> {
    /// Smaller is better: the whole filesystem before a part of it, then the shortest path.
    fn rank(&self) -> (bool, usize, &str) {
        (self.part != "/", self.point.len(), &self.point)
    }

    fn is_real(&self) -> bool {
        let runtime_file = self.part != "/" && RUNTIME_FILES.contains(&self.point.as_str());
        let frozen = self.filesystem == "tmpfs" && self.read_only;
        !runtime_file && !frozen
    }
}

/// The real filesystems by mount point. Lines that make no sense are skipped.
pub(super) fn real(mountinfo: &str) -> Vec<Mount<'_>> {
    // A later mount on the same point hides the earlier one.
    let mut by_point: HashMap<String, Mount<'_>> = HashMap::new();
    for mount in mountinfo.lines().filter_map(parse_line) {
        by_point.insert(mount.point.clone(), mount);
    }
    let mut by_number: HashMap<&str, Mount<'_>> = HashMap::new();
    for mount in by_point.into_values().filter(Mount::is_real) {
        match by_number.get(mount.number) {
            Some(known) if known.rank() <= mount.rank() => {}
            _ => {
                by_number.insert(mount.number, mount);
            }
        }
    }
    let mut mounts: Vec<Mount<'_>> = by_number.into_values().collect();
    mounts.sort_by(|a, b| a.point.cmp(&b.point));
    mounts
}

/// `36 35 98:0 /part /point rw,noatime master:1 - ext3 /dev/root rw,errors=continue` (proc_pid_mountinfo(5)).
fn parse_line(line: &str) -> Option<Mount<'_>> {
    let mut words = line.split(' ');
    let number = words.nth(2)?;
    let (part, point, _options) = (words.next()?, words.next()?, words.next()?);
    let mut rest = words.skip_while(|word| *word != "-").skip(1);
    let (filesystem, device) = (rest.next()?, rest.next()?);
    let read_only = rest.next().unwrap_or_default().split(',').any(|option| option == "ro");
    if !point.starts_with('/') || filesystem.is_empty() {
        return None;
    }
    Some(Mount { point: unescape(point), device: unescape(device), filesystem, read_only, number, part })
}

/// Space, tab, newline and backslash are written as `\040`, `\011`, `\012` and `\134`.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let code = after.get(..3).filter(|_| *byte == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(code) => {
                out.push(code);
                rest = &after[3..];
            }
            None => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_device_once_by_its_best_mount() {
        let text = "\
22 1 254:1 / / rw - ext4 /dev/vda1 rw
23 22 254:1 /srv/www /var/www rw shared:1 - ext4 /dev/vda1 rw
24 22 8:1 / /data rw - ext4 /dev/sda1 rw
25 22 8:2 / /data rw - xfs /dev/sdb1 ro
26 22 0:9 / /run rw - tmpfs tmpfs rw
27 22 254:3 /c/hosts /etc/hosts rw - ext4 /dev/vdc rw
28 22 254:4 / /my\\040disk rw - ext4 /dev/vdd rw
rubbish
";
        let told: Vec<_> = real(text).into_iter().map(|m| (m.point, m.filesystem, m.read_only)).collect();
        let expected = [
            ("/".to_owned(), "ext4", false),
            ("/data".to_owned(), "xfs", true),
            ("/my disk".to_owned(), "ext4", false),
            ("/run".to_owned(), "tmpfs", false),
        ];
        assert_eq!(told, expected);
        assert_eq!(unescape(r"a\040b\134c\09\é\"), "a b\\c\\09\\é\\");
    }
}
