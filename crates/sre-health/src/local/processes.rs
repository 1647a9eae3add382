//! Zombie processes, and whose children they are.
//!
//! A zombie holds a slot of the process table and nothing else; many of them mean that their parent forgets to wait.

use std::collections::HashMap;
use std::fs;

use serde::{Deserialize, Serialize};

use super::note::Missing;
use super::procfs::Procfs;

/// How many parents are named.
const MAX_PARENTS: usize = 10;

/// The zombies of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Zombies {
    /// How many.
    pub count: u32,
    /// The parents with the most zombies, at most ten.
    pub parents: Vec<ZombieParent>,
}

/// A process that does not wait for its children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ZombieParent {
    /// Its pid.
    pub pid: u32,
    /// Its name, at most 15 characters; empty when it is gone by now.
    pub name: String,
    /// How many of its children are zombies.
    pub zombies: u32,
}

#[derive(Debug, PartialEq, Eq)]
struct Stat<'a> {
    name: &'a str,
    state: char,
    parent: u32,
}

pub(crate) fn zombies(procfs: &Procfs) -> Result<Zombies, Missing> {
    let dir = fs::read_dir(procfs.path("proc")).map_err(|e| Missing::new(format!("cannot read /proc: {e}")))?;
    // With hidepid, a user sees only its own processes, and a count of those would be a lie.
    let first = procfs.read("proc/1/stat");
    first.map_err(|_| Missing::new("the processes of other users are hidden (hidepid)"))?;
    let mut by_parent: HashMap<u32, u32> = HashMap::new();
    for entry in dir.filter_map(Result::ok) {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|n| n.bytes().all(|b| b.is_ascii_digit())) else { continue };
        // A process that is gone by now was no zombie: those stay.
        let Ok(text) = procfs.read(&format!("proc/{pid}/stat")) else { continue };
        if let Some(stat) = parse(&text).filter(|s| s.state == 'Z') {
            *by_parent.entry(stat.parent).or_default() += 1;
        }
    }
    let mut parents: Vec<(u32, u32)> = by_parent.into_iter().collect();
    parents.sort_by_key(|(pid, zombies)| (std::cmp::Reverse(*zombies), *pid));
    let count = parents.iter().map(|(_, zombies)| zombies).sum();
    let name = |pid: u32| {
        let text = procfs.read(&format!("proc/{pid}/stat")).unwrap_or_default();
        parse(&text).map_or(String::new(), |s| s.name.to_owned())
    };
    let parents =
        parents.into_iter().take(MAX_PARENTS).map(|(pid, zombies)| ZombieParent { pid, name: name(pid), zombies });
    Ok(Zombies { count, parents: parents.collect() })
}

/// `4711 (name) Z 1 …`: the name may hold spaces and parentheses, so it ends at the last one (proc_pid_stat(5)).
fn parse(text: &str) -> Option<Stat<'_>> {
    let (head, tail) = text.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let mut words = tail.split_ascii_whitespace();
    let state = words.next()?.chars().next()?;
    Some(Stat { name, state, parent: words.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = parse("42 (evil) Z 1 (x)) Z 7 42 42 0 -1\n").unwrap();
        assert_eq!(stat, Stat { name: "evil) Z 1 (x)", state: 'Z', parent: 7 });
        for bad in ["", "42", "42 (x", "42 (x)", "42 (x) Z", "42 (x) Z y"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn zombies_are_counted_by_parent() {
        let dir = tempfile::tempdir().unwrap();
        let put = |pid: u32, rest: &str| {
            let folder = dir.path().join(format!("proc/{pid}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("stat"), format!("{pid} {rest}")).unwrap();
        };
        put(1, "(init) S 0 1");
        put(10, "(forgetful app) S 1 10");
        for pid in 11..14 {
            put(pid, "(worker) Z 10 10");
        }
        put(20, "(other) Z 1 20");
        put(21, "(living) R 10 20");
        fs::create_dir(dir.path().join("proc/99")).unwrap();
        let found = zombies(&Procfs::new(dir.path().to_owned())).unwrap();
        assert_eq!(found.count, 4);
        let parents: Vec<_> = found.parents.iter().map(|p| (p.pid, p.name.as_str(), p.zombies)).collect();
        assert_eq!(parents, [(10, "forgetful app", 3), (1, "init", 1)]);
    }

    #[test]
    fn hidden_processes_are_not_counted_as_none() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("proc/42")).unwrap();
        assert!(zombies(&Procfs::new(dir.path().to_owned())).unwrap_err().reason.contains("hidepid"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(s in ".*|[0-9]{1,3} \\(\\PC{0,9}\\) [A-Z] [0-9]{0,12}") {
            let _ = parse(&s);
        }
    }
}
