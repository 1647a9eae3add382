//! The READY, STATUS and RESTARTS columns exactly as `kubectl get pods` prints them.
//!
//! Source of the rules: `printPod` in kubernetes/pkg/printers/internalversion/printers.go (1.36), checked against the
//! answers of a real API server for 204 pods.
//!
//! ```
//! use sre_cloud::kubernetes::{Pod, PodRow};
//!
//! let pod: Pod = serde_json::from_str(r#"{
//!     "spec": {"containers": [{"name": "app"}]},
//!     "status": {"phase": "Running", "containerStatuses": [
//!         {"name": "app", "restartCount": 7, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}
//! }"#).unwrap();
//! let row = PodRow::of(&pod);
//! assert_eq!((row.ready().as_str(), &*row.status, row.restarts), ("0/1", "CrashLoopBackOff", 7));
//! ```

use std::borrow::Cow;

use jiff::Timestamp;

use super::meta::Condition;
use super::pod::{ContainerStatus, Pod, PodSpec, PodStatus, Terminated};

/// One line of `kubectl get pods`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PodRow<'a> {
    /// STATUS: `Running`, `CrashLoopBackOff`, `Init:0/2`, `Terminating`.
    pub status: Cow<'a, str>,
    /// Containers (sidecars among them) that are ready.
    pub ready_containers: u32,
    /// Containers (sidecars among them) of the spec.
    pub total_containers: u32,
    /// RESTARTS without its `(5m ago)`.
    pub restarts: i64,
    /// The end of the run before the last restart: what `(5m ago)` counts from.
    pub last_restart: Option<Timestamp>,
}

/// Restarts so far, and when the last one was.
#[derive(Clone, Copy, Default)]
struct Restarts {
    count: i64,
    last: Option<Timestamp>,
}

/// What the walk over the init containers found.
struct Init<'a> {
    /// The status that it stopped at, if it did.
    stopped: Option<Cow<'a, str>>,
    ready: u32,
    all: Restarts,
    sidecars: Restarts,
}

// === impl PodRow ===

impl<'a> PodRow<'a> {
    /// The line of a pod.
    #[must_use]
    pub fn of(pod: &'a Pod) -> Self {
        let (spec, status) = (&pod.spec, &pod.status);
        let init = walk_init(spec, status);
        let initializing = init.stopped.is_some();
        let mut row = Self {
            status: init.stopped.unwrap_or(Cow::Borrowed(base_reason(status))),
            ready_containers: init.ready,
            total_containers: total_containers(spec),
            restarts: init.all.count,
            last_restart: init.all.last,
        };
        if !initializing || Condition::find(&status.conditions, "Initialized").is_some_and(Condition::is_true) {
            row.walk_containers(status, init.sidecars);
        }
        if pod.metadata.deletion_timestamp.is_some() {
            if &*status.reason == "NodeLost" {
                row.status = Cow::Borrowed("Unknown");
            } else if !is_terminal(&status.phase) {
                row.status = Cow::Borrowed("Terminating");
            }
        }
        row
    }

    /// READY: `1/2`.
    #[must_use]
    pub fn ready(&self) -> String {
        format!("{}/{}", self.ready_containers, self.total_containers)
    }

    /// Backwards, so that the first container's trouble is what remains, as in the original.
    fn walk_containers(&mut self, status: &'a PodStatus, mut restarts: Restarts) {
        let mut running = false;
        let mut error = None;
        for container in status.container_statuses.iter().rev() {
            restarts.add(container);
            let state = &container.state;
            if let Some(waiting) = state.waiting.as_ref().filter(|w| !w.reason.is_empty()) {
                self.status = Cow::Borrowed(&waiting.reason);
            } else if let Some(terminated) = &state.terminated {
                self.status = terminated_reason("", terminated);
                if terminated.exit_code != 0 {
                    error = Some(self.status.clone());
                }
            } else if container.ready && state.running.is_some() {
                running = true;
                self.ready_containers += 1;
            }
        }
        if self.status == "Completed" {
            let ready = status.conditions.iter().any(|c| &*c.kind == "Ready" && c.is_true());
            // Since 1.35 one container's failure is not hidden by another one's success.
            match (running, error) {
                (true, _) if ready => self.status = Cow::Borrowed("Running"),
                (_, Some(error)) => self.status = error,
                (true, None) => self.status = Cow::Borrowed("NotReady"),
                (false, None) => {}
            }
        }
        self.restarts = restarts.count;
        self.last_restart = restarts.last;
    }
}

// === impl Restarts ===

impl Restarts {
    fn add(&mut self, container: &ContainerStatus) {
        self.count = self.count.saturating_add(container.restart_count);
        self.last = self.last.max(container.last_state.terminated.as_ref().and_then(|t| t.finished_at));
    }
}

/// Whether a pod of this phase has ended for good.
pub(super) fn is_terminal(phase: &str) -> bool {
    matches!(phase, "Succeeded" | "Failed")
}

fn base_reason(status: &PodStatus) -> &str {
    let gated = |c: &Condition| &*c.kind == "PodScheduled" && &*c.reason == "SchedulingGated";
    if status.conditions.iter().any(gated) {
        "SchedulingGated"
    } else if status.reason.is_empty() {
        &status.phase
    } else {
        &status.reason
    }
}

fn total_containers(spec: &PodSpec) -> u32 {
    let sidecars = spec.init_containers.iter().filter(|c| c.is_sidecar()).count();
    spec.containers.saturating_add(u32::try_from(sidecars).unwrap_or(u32::MAX))
}

fn walk_init<'a>(spec: &PodSpec, status: &'a PodStatus) -> Init<'a> {
    let mut init = Init { stopped: None, ready: 0, all: Restarts::default(), sidecars: Restarts::default() };
    for (i, container) in status.init_container_statuses.iter().enumerate() {
        let sidecar = spec.is_sidecar(&container.name);
        init.all.add(container);
        if sidecar {
            init.sidecars.add(container);
        }
        match (&container.state.terminated, &container.state.waiting) {
            (Some(terminated), _) if terminated.exit_code == 0 => continue,
            _ if sidecar && container.started => {
                init.ready += u32::from(container.ready);
                continue;
            }
            (Some(terminated), _) => init.stopped = Some(terminated_reason("Init:", terminated)),
            (None, Some(waiting)) if !waiting.reason.is_empty() && &*waiting.reason != "PodInitializing" => {
                init.stopped = Some(Cow::Owned(format!("Init:{}", waiting.reason)));
            }
            _ => init.stopped = Some(Cow::Owned(format!("Init:{i}/{}", spec.init_containers.len()))),
        }
        break;
    }
    init
}

fn terminated_reason<'a>(prefix: &str, terminated: &'a Terminated) -> Cow<'a, str> {
    match (&*terminated.reason, terminated.signal) {
        ("", 0) => Cow::Owned(format!("{prefix}ExitCode:{}", terminated.exit_code)),
        ("", signal) => Cow::Owned(format!("{prefix}Signal:{signal}")),
        (reason, _) if prefix.is_empty() => Cow::Borrowed(reason),
        (reason, _) => Cow::Owned(format!("{prefix}{reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: &str) -> (String, String, i64, Option<Timestamp>) {
        let pod: Pod = serde_json::from_str(json).unwrap();
        let row = PodRow::of(&pod);
        (row.ready(), row.status.clone().into_owned(), row.restarts, row.last_restart)
    }

    #[test]
    fn init_restarts_count_only_while_initializing() {
        let init = r#"{"name": "i", "restartCount": 4, "state": {"terminated": {"exitCode": 0}},
                       "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-03-01T00:00:00Z"}}}"#;
        let app = r#"{"name": "a", "restartCount": 1, "ready": true, "state": {"running": {}}}"#;
        let done = format!(
            r#"{{"spec": {{"containers": [{{}}], "initContainers": [{{"name": "i"}}]}},
                "status": {{"phase": "Running", "initContainerStatuses": [{init}], "containerStatuses": [{app}]}}}}"#
        );
        assert_eq!(row(&done), ("1/1".into(), "Running".into(), 1, None));
        let waiting = done.replace(r#""exitCode": 0"#, r#""exitCode": 2"#);
        let (_, status, restarts, last) = row(&waiting);
        assert_eq!((status.as_str(), restarts), ("Init:ExitCode:2", 4));
        assert_eq!(last, Some("2026-03-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn empty_pod_has_empty_status() {
        assert_eq!(row("{}"), ("0/0".into(), String::new(), 0, None));
    }

    #[test]
    fn absurd_counts_do_not_overflow() {
        let c = format!(r#"{{"restartCount": {}}}"#, i64::MAX);
        let json = format!(r#"{{"status": {{"containerStatuses": [{c}, {c}], "initContainerStatuses": [{c}]}}}}"#);
        assert_eq!(row(&json).2, i64::MAX);
    }
}
