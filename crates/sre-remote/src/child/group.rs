//! A child in a process group of its own, which ends with it.

use std::fs;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::deadline::Deadline;

/// Between two looks at a group that was told to end.
const POLL: Duration = Duration::from_millis(5);
const LONGEST_POLL: Duration = Duration::from_millis(100);
/// After KILL, for the kernel to be done.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// A running child and everybody in its process group. Dropped while the child runs: all of them are killed.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
    /// The group's number, until the child was waited for: from then on the number may be another's.
    id: Option<Pid>,
}

// === impl Group ===

impl Group {
    /// Starts a command as the leader of a new group.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Ok(Self { child, id })
    }

    /// The child itself, for its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until the child ends. Others of its group may go on; they are its own affair then.
    ///
    /// Cancel-safe.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.id = None;
        Ok(status)
    }

    /// Whether the child is still there.
    pub(crate) fn is_running(&mut self) -> bool {
        match self.child.try_wait() {
            Ok(None) => true,
            _ => {
                self.id = None;
                false
            }
        }
    }

    /// TERM to all, KILL to those who are still there after the grace. Whether all of them are gone.
    pub(crate) async fn end(&mut self, grace: Duration) -> bool {
        let Some(group) = self.id else { return true };
        signal(group, Signal::SIGTERM);
        if self.is_gone_within(group, grace).await {
            return true;
        }
        signal(group, Signal::SIGKILL);
        self.is_gone_within(group, AFTER_KILL).await
    }

    /// TERM to all, and KILL as soon as the child itself has ended or the grace is over: for a child whose own children
    /// are of no use without it.
    pub(crate) async fn end_with_child(&mut self, grace: Duration) {
        let Some(group) = self.id else { return };
        signal(group, Signal::SIGTERM);
        // Not `self.wait()`: the number is ours only while the child was not waited for.
        if Deadline::after(grace).limit(self.has_ended()).await.is_err() {
            tracing::debug!(%group, "does not end by itself");
        }
        signal(group, Signal::SIGKILL);
        let _ = Deadline::after(AFTER_KILL).limit(self.wait()).await;
    }

    /// Waits for the end of the child without taking it out of the process table.
    async fn has_ended(&self) {
        let Some(id) = self.id else { return };
        while !is_dead(id) {
            sleep(POLL).await;
        }
    }

    async fn is_gone_within(&mut self, group: Pid, limit: Duration) -> bool {
        let deadline = Deadline::after(limit);
        let mut pause = POLL;
        loop {
            // The leader stays in the process table, and its number ours, until it is waited for; others may outlive it.
            let _ = self.child.try_wait();
            if killpg(group, None) == Err(Errno::ESRCH) || !has_living_member(group) {
                self.id = None;
                return true;
            }
            if deadline.has_passed() {
                return false;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_POLL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.is_running()
            && let Some(group) = self.id
        {
            // The child itself is waited for by tokio, in the background.
            signal(group, Signal::SIGKILL);
        }
    }
}

fn signal(group: Pid, signal: Signal) {
    // Gone already, or another user's by sudo: there is nothing more to do from here.
    let _ = killpg(group, signal);
}

/// Whether somebody in the group is alive. The dead stay in the table until their parent has looked, and in a container
/// the parent of orphans may never look.
fn has_living_member(group: Pid) -> bool {
    let Ok(all) = fs::read_dir("/proc") else { return true };
    let group = group.to_string();
    let stats = all.filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    stats.into_iter().any(|stat| fields(&stat).is_some_and(|(state, of)| of == group && !is_over(state)))
}

fn is_dead(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    fields(&stat).is_none_or(|(state, _)| is_over(state))
}

/// State and process group of a line of `/proc/PID/stat` (proc(5)): `PID (NAME) STATE PPID PGRP …`, and a name may have
/// blanks and brackets.
fn fields(stat: &str) -> Option<(&str, &str)> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?, fields.nth(1)?))
}

fn is_over(state: &str) -> bool {
    matches!(state, "Z" | "X")
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use tokio::io::{AsyncBufReadExt as _, BufReader};

    use super::*;

    /// A shell that ignores TERM, with a child of its own; both have said that they are there.
    async fn stubborn() -> (Group, Pid) {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' TERM; sleep 60 & echo $!; wait"]).stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command).unwrap();
        let said = BufReader::new(group.child().stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
        let id = group.id.unwrap();
        assert_eq!(nix::unistd::getpgid(Some(Pid::from_raw(said.parse().unwrap()))).unwrap(), id);
        (group, id)
    }

    async fn dies(group: Pid) -> bool {
        for _ in 0..500 {
            if !has_living_member(group) {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
        false
    }

    #[tokio::test]
    async fn a_group_that_ignores_term_is_killed() {
        let (mut group, id) = stubborn().await;
        assert!(group.end(Duration::from_millis(100)).await);
        assert!(dies(id).await && !group.is_running());
        let (mut group, id) = stubborn().await;
        group.end_with_child(Duration::from_millis(100)).await;
        assert!(dies(id).await && !group.is_running());
    }

    #[tokio::test]
    async fn a_group_that_is_dropped_is_killed() {
        let (group, id) = stubborn().await;
        drop(group);
        assert!(dies(id).await);
    }

    #[tokio::test]
    async fn a_child_that_ended_leaves_its_children_alone() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "sleep 30 & echo $!"]).stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command).unwrap();
        let said = BufReader::new(group.child().stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
        assert!(group.wait().await.unwrap().success());
        drop(group);
        let other = Pid::from_raw(said.parse().unwrap());
        nix::sys::signal::kill(other, Signal::SIGKILL).expect("a daemon that a command started goes on");
    }
}
