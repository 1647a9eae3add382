//! Processes that a server has started: its own children by their parent, what they left behind by a mark in the
//! environment. Each connection is a session of its own, so that killing a process group would miss them.

use std::collections::HashMap;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Kills a server and everything below it, or marked by it.
pub(super) fn kill_tree(root: u32, marker: &str) {
    // Stopped first: it accepts nobody while we look.
    signal(root, Signal::SIGSTOP);
    let below = descendants(root);
    signal(root, Signal::SIGKILL);
    for pid in below {
        signal(pid, Signal::SIGKILL);
    }
    // What was started meanwhile; three rounds are plenty for a process that starts another one as it dies.
    for _ in 0..3 {
        let left = marked(marker);
        if left.is_empty() {
            return;
        }
        for pid in left {
            signal(pid, Signal::SIGKILL);
        }
    }
}

/// The live children of a process.
pub(super) fn children(parent: u32) -> Vec<u32> {
    processes().into_iter().filter(|&(_, ppid)| ppid == parent).map(|(pid, _)| pid).collect()
}

/// Live processes that have the marker as a variable of their environment.
pub(super) fn marked(marker: &str) -> Vec<u32> {
    let variable = format!("{marker}=1");
    let has = |pid: &u32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|&byte| byte == 0).any(|entry| entry == variable.as_bytes())
    };
    processes().into_iter().map(|(pid, _)| pid).filter(has).collect()
}

fn descendants(root: u32) -> Vec<u32> {
    let mut by_parent: HashMap<u32, Vec<u32>> = HashMap::new();
    for (pid, ppid) in processes() {
        by_parent.entry(ppid).or_default().push(pid);
    }
    let (mut found, mut next) = (Vec::new(), vec![root]);
    while let Some(pid) = next.pop() {
        let below = by_parent.remove(&pid).unwrap_or_default();
        next.extend(&below);
        found.extend(below);
    }
    found
}

/// Process and parent ids of all that are not zombies.
fn processes() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").expect("list /proc");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let parent = |pid: u32| {
        // pid (name, which may hold anything) state ppid …
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        (fields.next()? != "Z").then_some(())?;
        Some((pid, fields.next()?.parse().ok()?))
    };
    pids.filter_map(parent).collect()
}

fn signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        kill(Pid::from_raw(pid), signal).ok();
    }
}
