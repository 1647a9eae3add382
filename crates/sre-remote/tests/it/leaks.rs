//! What a process holds: file descriptors, threads, memory. The test runner gives each test a process of its own.

use std::fs;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// A count of what this process holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
}

// === impl Held ===

impl Held {
    pub(crate) fn now() -> Self {
        let count = |folder: &str| fs::read_dir(folder).unwrap().count();
        Self { descriptors: count("/proc/self/fd"), threads: count("/proc/self/task") }
    }

    /// Fails when the process goes on holding more than this.
    pub(crate) async fn assert_back(self) {
        let mut now = Self::now();
        for _ in 0..300 {
            if now.descriptors <= self.descriptors && now.threads <= self.threads {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            now = Self::now();
        }
        panic!("held {self:?} before and {now:?} after: {:?}", open_files());
    }
}

/// Resident memory in bytes.
pub(crate) fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// A runtime whose spare threads leave at once, so that a thread that stays is a leak.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().thread_keep_alive(Duration::from_millis(20)).build().unwrap()
}

fn open_files() -> Vec<String> {
    let links = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.map(|link| link.display().to_string()).collect()
}
