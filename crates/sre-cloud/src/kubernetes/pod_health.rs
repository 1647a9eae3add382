//! Which pods a person should know about, and why.
//!
//! | kind | when (limits: [`PodThresholds`]) |
//! | --- | --- |
//! | terminating | deleted, not ended, and past its deletion time by more than 5 min |
//! | crash loop | a container waits in CrashLoopBackOff, or ended at most 15 min ago and has 2 restarts or more |
//! | image pull, config | a container waits for a reason that is an error (init containers too) |
//! | evicted | failed and evicted at most 24 h ago |
//! | failed | failed for 15 min; if a controller replaces it, at most 24 h ago |
//! | waiting | a container waits for another reason, and the pod is not ready since 1 h |
//! | gated, pending, not ready | for 15 min |
//! | OOM | a container was killed for memory at most 24 h ago, even if it runs now |
//! | restarts | more than 5 in its life |
//!
//! Never: succeeded pods, and deleted pods that still have time. A Job's pods are judged by the Job; only what a Job
//! would wait for without end is told of them: image pull, config, waiting, terminating.
//!
//! ```
//! use sre_cloud::kubernetes::{Pod, PodThresholds, ReasonKind, judge_pod};
//!
//! let pod: Pod = serde_json::from_str(r#"{"status": {"phase": "Pending", "containerStatuses": [
//!     {"name": "app", "state": {"waiting": {"reason": "ErrImagePull"}}}]}}"#).unwrap();
//! let reasons = judge_pod(&pod, "2026-03-23T07:00:00Z".parse().unwrap(), &PodThresholds::default());
//! assert_eq!(reasons[0].kind, ReasonKind::ImagePull);
//! ```

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::message;
use super::meta::{Condition, age};
use super::owner::{is_job_owned, is_managed};
use super::pod::{ContainerStatus, Pod, Terminated};
use super::pod_status::{PodRow, is_terminal};
use super::thresholds::PodThresholds;

const IMAGE_PULL: [&str; 4] = ["ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName"];
const CONFIG: [&str; 3] = ["CreateContainerConfigError", "CreateContainerError", "RunContainerError"];

/// Why a pod is worth telling, the most telling first: of several reasons the first one makes the finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReasonKind {
    /// Deleted, but does not go.
    Terminating,
    /// Starts and ends again and again.
    CrashLoop,
    /// The image does not come.
    ImagePull,
    /// A ConfigMap, Secret, mount or command is wrong.
    Config,
    /// Put off its node.
    Evicted,
    /// Ended for good, without success.
    Failed,
    /// Waits for something else.
    Waiting,
    /// Held back on purpose.
    Gated,
    /// No node, or not started.
    Pending,
    /// Runs, but takes no traffic.
    NotReady,
    /// Was killed for memory.
    OomKilled,
    /// Restarts now and then.
    Restarts,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PodReason {
    /// What kind.
    pub kind: ReasonKind,
    /// The system's own word: `CrashLoopBackOff`, `ErrImagePull`, `Unschedulable`.
    pub word: Box<str>,
    /// The system's own sentence, or empty.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub message: Box<str>,
    /// The container, or empty when it is about the whole pod.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub container: Box<str>,
    /// Since when, or when it happened.
    pub since: Option<Timestamp>,
}

/// How a container of a pod last ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LastExit {
    /// The container.
    pub container: Box<str>,
    /// `OOMKilled`, `Error`, `Completed`.
    pub reason: Box<str>,
    /// The exit status.
    pub exit_code: i64,
    /// When.
    pub at: Option<Timestamp>,
}

/// The reasons, the most telling first; empty for a pod that is as it should be.
#[must_use]
pub fn judge_pod(pod: &Pod, now: Timestamp, limits: &PodThresholds) -> Vec<PodReason> {
    let status = &pod.status;
    if &*status.phase == "Succeeded" {
        return Vec::new();
    }
    if let Some(deletion) = pod.metadata.deletion_timestamp {
        let stuck = !is_terminal(&status.phase) && age(now, deletion) > limits.terminating;
        return stuck
            .then(|| PodReason::of(ReasonKind::Terminating, "Terminating", "", Some(deletion)))
            .into_iter()
            .collect();
    }
    let judge = Judge { pod, now, limits };
    let mut reasons = Vec::new();
    judge.waiting(&mut reasons);
    if !is_job_owned(pod) {
        reasons.extend(judge.crash_loop());
        reasons.extend(judge.whole_pod());
        reasons.extend(judge.oom());
        reasons.extend(judge.restarts());
    }
    reasons.sort_by_key(|r| r.kind);
    reasons.dedup_by_key(|r| r.kind);
    reasons
}

/// How the container that ended last did so.
#[must_use]
pub fn last_exit(pod: &Pod) -> Option<LastExit> {
    let ends = containers(pod).filter_map(|c| Some((c, terminated(c)?)));
    // The first of equals: a pod whose ends have no time shows its first container.
    let (container, end) = ends.reduce(|a, b| if b.1.finished_at > a.1.finished_at { b } else { a })?;
    Some(LastExit {
        container: container.name.clone(),
        reason: end.reason.clone(),
        exit_code: end.exit_code,
        at: end.finished_at,
    })
}

struct Judge<'a> {
    pod: &'a Pod,
    now: Timestamp,
    limits: &'a PodThresholds,
}

// === impl Judge ===

impl Judge<'_> {
    fn waiting(&self, reasons: &mut Vec<PodReason>) {
        let since = self.not_ready_since();
        for container in containers(self.pod) {
            let Some(waiting) = container.state.waiting.as_ref().filter(|w| !w.reason.is_empty()) else { continue };
            let kind = match &*waiting.reason {
                word if IMAGE_PULL.contains(&word) => ReasonKind::ImagePull,
                word if CONFIG.contains(&word) => ReasonKind::Config,
                // A container of an initializing pod waits for the init containers, whose own state tells why.
                "CrashLoopBackOff" | "PodInitializing" => continue,
                _ if self.lasts(since, self.limits.waiting) => ReasonKind::Waiting,
                _ => continue,
            };
            reasons.push(PodReason {
                container: container.name.clone(),
                ..PodReason::of(kind, &waiting.reason, &waiting.message, since)
            });
        }
    }

    fn crash_loop(&self) -> Option<PodReason> {
        let backs_off =
            |c: &ContainerStatus| c.state.waiting.as_ref().is_some_and(|w| &*w.reason == "CrashLoopBackOff");
        let lives = !is_terminal(&self.pod.status.phase);
        let now = containers(self.pod).find(|c| backs_off(c));
        let container = now.or_else(|| containers(self.pod).find(|c| lives && self.flaps(c)))?;
        let ended = terminated(container).and_then(|t| t.finished_at);
        let message = container.state.waiting.as_ref().map_or("", |w| &w.message);
        let word = if backs_off(container) { "CrashLoopBackOff" } else { "crash loop" };
        Some(PodReason {
            container: container.name.clone(),
            ..PodReason::of(ReasonKind::CrashLoop, word, message, self.unready_transition().or(ended))
        })
    }

    /// Between two crashes a container is briefly running or terminated.
    fn flaps(&self, container: &ContainerStatus) -> bool {
        let recent = terminated(container).and_then(|t| t.finished_at);
        container.restart_count >= self.limits.crash_restarts
            && !self.is_done(container)
            && recent.is_some_and(|end| age(self.now, end) <= self.limits.crash_window)
    }

    /// Whether it ended well and is not started again: an init container, or one of a pod that may complete.
    fn is_done(&self, container: &ContainerStatus) -> bool {
        let spec = &self.pod.spec;
        let restarted = if self.pod.status.container_statuses.iter().any(|c| std::ptr::eq(c, container)) {
            matches!(&*spec.restart_policy, "Always" | "")
        } else {
            spec.is_sidecar(&container.name)
        };
        !restarted && container.state.terminated.as_ref().is_some_and(|t| t.exit_code == 0)
    }

    fn whole_pod(&self) -> Option<PodReason> {
        let status = &self.pod.status;
        let ready = Condition::find(&status.conditions, "Ready");
        match &*status.phase {
            "Failed" => self.failed(),
            "Pending" => self.pending(),
            _ if ready.is_some_and(Condition::is_true) => None,
            _ => {
                let since = self.not_ready_since();
                let message = ready.map_or("", |c| &c.message);
                self.lasts(since, self.limits.not_ready).then(|| {
                    let row = PodRow::of(self.pod);
                    let word = if row.status == "Running" { "NotReady" } else { first_word(&row.status, "Unknown") };
                    PodReason::of(ReasonKind::NotReady, word, message, since)
                })
            }
        }
    }

    fn failed(&self) -> Option<PodReason> {
        let status = &self.pod.status;
        let since = self.ended_at();
        let recent = since.is_none_or(|since| age(self.now, since) <= self.limits.evicted_window);
        let evicted = &*status.reason == "Evicted";
        let told = if evicted {
            recent
        } else {
            // What a controller has replaced is only a trace; what nobody replaces stays failed.
            self.lasts(since, self.limits.not_ready) && (recent || !is_managed(self.pod))
        };
        let kind = if evicted { ReasonKind::Evicted } else { ReasonKind::Failed };
        told.then(|| PodReason::of(kind, first_word(&status.reason, "Failed"), &status.message, since))
    }

    fn pending(&self) -> Option<PodReason> {
        let since = self.pod.metadata.creation_timestamp;
        if !self.lasts(since, self.limits.pending) {
            return None;
        }
        let scheduled = Condition::find(&self.pod.status.conditions, "PodScheduled").filter(|c| !c.is_true());
        let row = PodRow::of(self.pod);
        let (word, message) = scheduled.map_or((&*row.status, ""), |c| (first_word(&c.reason, "Pending"), &*c.message));
        let kind = if word == "SchedulingGated" { ReasonKind::Gated } else { ReasonKind::Pending };
        Some(PodReason::of(kind, word, message, since))
    }

    fn oom(&self) -> Option<PodReason> {
        let killed = |end: &&Terminated| {
            &*end.reason == "OOMKilled" && end.finished_at.is_none_or(|at| age(self.now, at) <= self.limits.oom_window)
        };
        let (container, end) = containers(self.pod).find_map(|c| {
            let ends = [&c.state.terminated, &c.last_state.terminated];
            ends.into_iter().flatten().find(killed).map(|end| (c, end))
        })?;
        Some(PodReason {
            container: container.name.clone(),
            ..PodReason::of(ReasonKind::OomKilled, "OOMKilled", "", end.finished_at)
        })
    }

    fn restarts(&self) -> Option<PodReason> {
        let row = PodRow::of(self.pod);
        (row.restarts > self.limits.restarts)
            .then(|| PodReason::of(ReasonKind::Restarts, "Restarts", "", row.last_restart))
    }

    /// An unknown beginning counts as long ago: the server dates everything that is new.
    fn lasts(&self, since: Option<Timestamp>, limit: Duration) -> bool {
        since.is_none_or(|since| age(self.now, since) >= limit)
    }

    fn unready_transition(&self) -> Option<Timestamp> {
        let ready = Condition::find(&self.pod.status.conditions, "Ready")?;
        ready.last_transition_time.filter(|_| !ready.is_true())
    }

    fn not_ready_since(&self) -> Option<Timestamp> {
        self.unready_transition().or(self.pod.metadata.creation_timestamp)
    }

    /// A failed pod has no end time of its own: the last thing that happened to it.
    fn ended_at(&self) -> Option<Timestamp> {
        let exit = last_exit(self.pod).and_then(|exit| exit.at);
        let transitions = self.pod.status.conditions.iter().filter_map(|c| c.last_transition_time);
        transitions.chain(exit).max().or(self.pod.metadata.creation_timestamp)
    }
}

// === impl PodReason ===

impl PodReason {
    fn of(kind: ReasonKind, word: &str, text: &str, since: Option<Timestamp>) -> Self {
        Self { kind, word: word.into(), message: message::message(text), container: Box::default(), since }
    }
}

fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses)
}

/// The latest end: the present one, else that before the last restart.
fn terminated(container: &ContainerStatus) -> Option<&Terminated> {
    container.state.terminated.as_ref().or(container.last_state.terminated.as_ref())
}

fn first_word<'a>(word: &'a str, otherwise: &'a str) -> &'a str {
    if word.is_empty() { otherwise } else { word }
}
