//! Disk and inode use, with `statvfs(2)` on threads of their own.
//!
//! A dead NFS server makes `statvfs` wait for ever, and nothing can stop it. So each look happens on a thread that may
//! be left behind; at the deadline what has not answered is unknown. A filesystem that still hangs from an earlier
//! survey is not asked again, so that a daemon leaves behind one thread a filesystem and not one a survey.

use std::collections::HashSet;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sre_core::redact;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::mounts::Mount;
use super::note::Missing;

/// Threads for filesystems that may hang, and for the others: one dead disk must not hide its neighbours.
const REMOTE_THREADS: usize = 16;
const LOCAL_THREADS: usize = 4;

/// The use of one filesystem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Disk {
    /// Where it is mounted.
    pub mount: String,
    /// What is mounted there; redacted.
    pub device: String,
    /// `ext4`, `xfs`, `nfs4`, …
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
    /// `None` where the filesystem makes inodes as it needs them (btrfs, vfat).
    pub inodes: Option<Inodes>,
}

/// The use of the inodes of a filesystem.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Inodes {
    /// How many files there may be.
    pub total: u64,
    /// How many there are.
    pub used: u64,
    /// The same as a part of the total.
    pub used_percent: f64,
}

/// A filesystem that did not say how full it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnknownDisk {
    /// Where it is mounted.
    pub mount: String,
    /// What is mounted there; redacted.
    pub device: String,
    /// `nfs4`, …
    pub filesystem: String,
    /// Why, as a lower-case fragment.
    pub reason: String,
}

/// All that was found out about the filesystems.
#[derive(Debug, Default)]
pub(crate) struct Disks {
    pub(crate) known: Vec<Disk>,
    pub(crate) unknown: Vec<UnknownDisk>,
    /// What this user may not look at.
    pub(crate) forbidden: Option<Missing>,
}

/// The numbers of `statvfs(2)` that matter, in bytes and inodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) total: u64,
    pub(crate) free: u64,
    pub(crate) available: u64,
    pub(crate) inodes: u64,
    pub(crate) inodes_free: u64,
}

/// Looks at one filesystem; a test puts one that hangs in its place.
pub(crate) type Look = Arc<dyn Fn(&Path) -> io::Result<Space> + Send + Sync>;

/// Looks at filesystems, and remembers which ones still hang.
#[derive(Clone)]
pub(crate) struct Prober {
    look: Look,
    root: PathBuf,
    hanging: Arc<Mutex<HashSet<String>>>,
}

type Answer = (usize, io::Result<Space>);

// === impl Prober ===

impl Prober {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self::with(root, Arc::new(statvfs))
    }

    pub(crate) fn with(root: PathBuf, look: Look) -> Self {
        Self { look, root, hanging: Arc::default() }
    }

    /// One result a filesystem, in the order of `mounts`, at the latest at the deadline.
    pub(crate) async fn probe(&self, mounts: Vec<Mount>, deadline: Instant) -> Disks {
        let mut found: Vec<Option<io::Result<Space>>> = mounts.iter().map(|_| None).collect();
        let mut still: Vec<bool> = vec![false; mounts.len()];
        let (mut local, mut remote) = (VecDeque::new(), VecDeque::new());
        for (i, mount) in mounts.iter().enumerate() {
            still[i] = self.hanging().contains(&mount.point);
            if !still[i] {
                if mount.is_remote() { &mut remote } else { &mut local }.push_back((i, mount.point.clone()));
            }
        }
        let mut waiting = local.len() + remote.len();
        let (answers, mut inbox) = mpsc::unbounded_channel();
        self.start(local, LOCAL_THREADS, &answers);
        self.start(remote, REMOTE_THREADS, &answers);
        drop(answers);
        while waiting > 0 {
            let Ok(Some((i, answer))) = timeout_at(deadline, inbox.recv()).await else { break };
            found[i] = Some(answer);
            waiting -= 1;
        }
        let mut disks = Disks::default();
        for ((mount, answer), still) in mounts.into_iter().zip(found).zip(still) {
            disks.add(mount, answer, still);
        }
        disks
    }

    fn start(&self, queue: VecDeque<(usize, String)>, threads: usize, answers: &mpsc::UnboundedSender<Answer>) {
        let threads = threads.min(queue.len());
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let (prober, queue, answers) = (self.clone(), Arc::clone(&queue), answers.clone());
            // A thread of our own and not tokio's pool: a runtime waits for its pool when it ends. Where no thread can
            // be had, the filesystems are unknown.
            let _ = std::thread::Builder::new().name("statvfs".to_owned()).spawn(move || {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    // Nobody listens after the deadline: leave the rest of the queue alone.
                    let Some((i, point)) = next.filter(|_| !answers.is_closed()) else { return };
                    prober.hanging().insert(point.clone());
                    let answer = (prober.look)(&prober.root.join(point.trim_start_matches('/')));
                    prober.hanging().remove(&point);
                    let _ = answers.send((i, answer));
                }
            });
        }
    }

    fn hanging(&self) -> MutexGuard<'_, HashSet<String>> {
        self.hanging.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Prober {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prober").field("root", &self.root).field("hanging", &self.hanging).finish_non_exhaustive()
    }
}

fn statvfs(path: &Path) -> io::Result<Space> {
    let s = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(s.f_frsize);
    Ok(Space {
        total: bytes(s.f_blocks),
        free: bytes(s.f_bfree),
        available: bytes(s.f_bavail),
        inodes: s.f_files,
        inodes_free: s.f_ffree,
    })
}

// === impl Disks ===

impl Disks {
    fn add(&mut self, mount: Mount, answer: Option<io::Result<Space>>, still: bool) {
        let reason = match answer {
            // No blocks at all: one more filesystem that the kernel makes up.
            Some(Ok(space)) if space.total == 0 => return,
            Some(Ok(space)) => return self.known.push(Disk::new(mount, space)),
            // Unmounted since the list was read, or hidden under another mount.
            Some(Err(e)) if e.kind() == io::ErrorKind::NotFound => return,
            Some(Err(e)) if e.kind() == io::ErrorKind::PermissionDenied => return self.forbid(&mount),
            Some(Err(e)) => e.to_string(),
            None if still => "it still hangs from an earlier look".to_owned(),
            None => "no answer in time".to_owned(),
        };
        self.unknown.push(UnknownDisk {
            mount: mount.point,
            device: redact::text(&mount.device).into_owned(),
            filesystem: mount.fs_type,
            reason,
        });
    }

    /// Volumes of containers and FUSE mounts of other users are none of an ordinary user's business.
    fn forbid(&mut self, mount: &Mount) {
        let missing = self.forbidden.get_or_insert_with(|| Missing::expected("this user may not look at"));
        missing.reason.push(' ');
        missing.reason.push_str(&mount.point);
    }
}

// === impl Disk ===

impl Disk {
    fn new(mount: Mount, space: Space) -> Self {
        let used = space.total.saturating_sub(space.free);
        let inodes = (space.inodes > 0).then(|| {
            let used = space.inodes.saturating_sub(space.inodes_free);
            Inodes { total: space.inodes, used, used_percent: super::thresholds::percent(used, space.inodes) }
        });
        Self {
            mount: mount.point,
            device: redact::text(&mount.device).into_owned(),
            filesystem: mount.fs_type,
            read_only: mount.read_only,
            total_bytes: space.total,
            used_bytes: used,
            available_bytes: space.available,
            used_percent: super::thresholds::percent(used, used.saturating_add(space.available)),
            inodes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::mounts;
    use std::time::Duration;

    const MOUNTS: &str = "\
1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 0 8:2 / /data rw - ext4 /dev/sdb1 rw
3 0 0:5 / /mnt/dead rw - nfs4 https://bob:pw@nas/export rw
4 0 0:6 / /mnt/fine rw - nfs4 nas2:/export rw
5 0 0:7 / /mnt/mine rw - fuse.sshfs bob@x:/ rw
6 0 0:8 / /gone rw - xfs /dev/sdc1 rw
7 0 8:9 / /broken rw - xfs /dev/sdd1 rw
";

    const HALF: Space = Space { total: 1000, free: 500, available: 300, inodes: 100, inodes_free: 10 };

    fn prober() -> Prober {
        Prober::with(
            PathBuf::from("/"),
            Arc::new(|path| match path.to_str().unwrap() {
                "/mnt/dead" => loop {
                    std::thread::park();
                },
                "/mnt/mine" => Err(io::ErrorKind::PermissionDenied.into()),
                "/gone" => Err(io::ErrorKind::NotFound.into()),
                "/broken" => Err(rustix::io::Errno::IO.into()),
                "/data" => Ok(Space { total: 0, ..HALF }),
                _ => Ok(HALF),
            }),
        )
    }

    #[tokio::test]
    async fn one_dead_server_does_not_hide_the_rest_and_costs_one_thread() {
        let prober = prober();
        for reason in ["no answer in time", "it still hangs from an earlier look"] {
            let deadline = Instant::now() + Duration::from_millis(300);
            let disks = prober.probe(mounts::real(MOUNTS), deadline).await;
            let known: Vec<&str> = disks.known.iter().map(|d| d.mount.as_str()).collect();
            assert_eq!(known, ["/", "/mnt/fine"]);
            let unknown: Vec<(&str, &str)> =
                disks.unknown.iter().map(|d| (d.mount.as_str(), d.reason.as_str())).collect();
            assert_eq!(unknown[1], ("/mnt/dead", reason));
            assert_eq!(unknown[0].0, "/broken");
            assert!(!disks.unknown[1].device.contains("pw"));
            assert_eq!(disks.forbidden.unwrap().reason, "this user may not look at /mnt/mine");
        }
    }

    #[tokio::test]
    async fn percentages_are_those_of_df() {
        let disks = prober()
            .probe(mounts::real("1 0 8:1 / / rw - ext4 /dev/sda1 rw"), Instant::now() + Duration::from_secs(5))
            .await;
        let disk = &disks.known[0];
        // 500 used, 300 available and 200 kept for root: df says 62.5 %, rounded up to 63.
        assert_eq!((disk.used_bytes, disk.available_bytes, disk.used_percent), (500, 300, 62.5));
        assert_eq!(disk.inodes.unwrap().used_percent, 90.0);
    }
}
