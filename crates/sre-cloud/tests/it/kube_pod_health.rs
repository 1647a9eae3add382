//! Each rule of "which pods are findings" at its edges.

use jiff::Timestamp;
use serde_json::{Value, json};
use sre_cloud::kubernetes::ReasonKind::{
    Config, CrashLoop, Evicted, Failed, Gated, ImagePull, NotReady, OomKilled, Pending, Restarts, Terminating, Waiting,
};
use sre_cloud::kubernetes::{Page, Pod, PodThresholds, ReasonKind, judge_pod};
use sre_testkit::fixtures;

fn now() -> Timestamp {
    "2026-03-23T07:00:00Z".parse().unwrap()
}

/// The time so many seconds ago.
fn ago(seconds: i64) -> Value {
    let then = Timestamp::from_second(now().as_second() - seconds).unwrap();
    then.to_string().into()
}

fn judge(pod: Value) -> Vec<ReasonKind> {
    let pod: Pod = serde_json::from_value(pod).unwrap();
    judge_pod(&pod, now(), &PodThresholds::default()).iter().map(|r| r.kind).collect()
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A running pod, old and ready, with one container that is as given.
fn pod(container: impl Into<Value>) -> Value {
    let container = container.into();
    json!({
        "metadata": {"name": "p", "namespace": "ns", "creationTimestamp": ago(10 * DAY)},
        "spec": {"restartPolicy": "Always", "containers": [{}]},
        "status": {"phase": "Running", "containerStatuses": [container],
                   "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": ago(10 * DAY)}]},
    })
}

fn with(mut pod: Value, path: &str, value: Value) -> Value {
    *pod.pointer_mut(path).unwrap() = value;
    pod
}

fn owned_by(mut pod: Value, kind: &str) -> Value {
    pod["metadata"]["ownerReferences"] = json!([{"kind": kind, "name": "o", "controller": true}]);
    pod
}

fn not_ready(pod: Value, seconds: i64) -> Value {
    with(pod, "/status/conditions", json!([{"type": "Ready", "status": "False", "lastTransitionTime": ago(seconds)}]))
}

fn ended(seconds: i64, restarts: i64, reason: &str) -> Value {
    json!({"name": "a", "ready": true, "restartCount": restarts, "state": {"running": {}},
           "lastState": {"terminated": {"exitCode": 1, "reason": reason, "finishedAt": ago(seconds)}}})
}

fn waits(reason: &str) -> Value {
    json!({"name": "a", "state": {"waiting": {"reason": reason}}})
}

#[test]
fn healthy_and_succeeded_pods_are_none() {
    let healthy = pod(json!({"name": "a", "ready": true, "state": {"running": {}}}));
    assert_eq!(judge(healthy), []);
    let succeeded = not_ready(pod(waits("CrashLoopBackOff")), DAY);
    assert_eq!(judge(with(succeeded, "/status/phase", json!("Succeeded"))), []);
}

#[test]
fn crash_loop_is_backing_off_or_flapping() {
    assert_eq!(judge(pod(waits("CrashLoopBackOff"))), [CrashLoop]);
    assert_eq!(judge(pod(ended(15 * MINUTE, 2, "Error"))), [CrashLoop]);
    assert_eq!(judge(pod(ended(15 * MINUTE + 1, 2, "Error"))), []);
    assert_eq!(judge(pod(ended(15 * MINUTE, 1, "Error"))), []);
    // A clock that runs ahead of ours.
    assert_eq!(judge(pod(ended(-30, 2, "Error"))), [CrashLoop]);
}

#[test]
fn what_is_done_does_not_flap() {
    let mut done = ended(MINUTE, 3, "Error");
    done["state"] = json!({"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": ago(MINUTE)}});
    assert_eq!(judge(pod(done.clone())), [CrashLoop], "Always starts it again");
    assert_eq!(judge(with(pod(done.clone()), "/spec/restartPolicy", json!("OnFailure"))), []);
    let mut init = pod(json!({"name": "a", "ready": true, "state": {"running": {}}}));
    init["status"]["initContainerStatuses"] = json!([done]);
    assert_eq!(judge(init.clone()), []);
    init["spec"]["initContainers"] = json!([{"name": "a", "restartPolicy": "Always"}]);
    assert_eq!(judge(init), [CrashLoop], "a sidecar is started again");
}

#[test]
fn waiting_errors_need_no_time() {
    for word in ["ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName"] {
        assert_eq!(judge(pod(waits(word))), [ImagePull], "{word}");
    }
    for word in ["CreateContainerConfigError", "CreateContainerError", "RunContainerError"] {
        assert_eq!(judge(pod(waits(word))), [Config], "{word}");
        let mut init = not_ready(pod(waits("PodInitializing")), 2 * MINUTE);
        init["status"]["initContainerStatuses"] = json!([waits(word)]);
        assert_eq!(judge(init), [Config], "Init:{word}");
    }
}

#[test]
fn other_waiting_needs_an_hour() {
    let creating = |seconds| owned_by(not_ready(pod(waits("ContainerCreating")), seconds), "Job");
    assert_eq!(judge(creating(HOUR - 1)), []);
    assert_eq!(judge(creating(HOUR)), [Waiting]);
}

#[test]
fn pending_and_gated_need_fifteen_minutes() {
    let pending = |seconds, reason: &str| {
        let pod = with(pod(json!(null)), "/status/phase", json!("Pending"));
        let pod = with(pod, "/metadata/creationTimestamp", ago(seconds));
        let condition = json!([{"type": "PodScheduled", "status": "False", "reason": reason}]);
        with(pod, "/status/conditions", condition)
    };
    assert_eq!(judge(pending(15 * MINUTE - 1, "Unschedulable")), []);
    assert_eq!(judge(pending(15 * MINUTE, "Unschedulable")), [Pending]);
    assert_eq!(judge(pending(15 * MINUTE, "SchedulingGated")), [Gated]);
    assert_eq!(judge(owned_by(pending(DAY, "Unschedulable"), "Job")), []);
}

#[test]
fn not_ready_needs_fifteen_minutes() {
    let running = || pod(json!({"name": "a", "state": {"running": {}}}));
    assert_eq!(judge(not_ready(running(), 15 * MINUTE - 1)), []);
    assert_eq!(judge(not_ready(running(), 15 * MINUTE)), [NotReady]);
    assert_eq!(judge(owned_by(not_ready(running(), DAY), "Job")), []);
    assert_eq!(judge(with(running(), "/status/conditions", json!([]))), [NotReady], "no condition: since its creation");
    let lost = with(not_ready(running(), DAY), "/status/phase", json!("Unknown"));
    assert_eq!(judge(lost), [NotReady]);
}

#[test]
fn failed_pods_of_controllers_are_forgotten_after_a_day() {
    let failed = |seconds, reason: &str| {
        let mut pod = not_ready(pod(json!({"name": "a"})), seconds);
        pod["status"]["phase"] = json!("Failed");
        pod["status"]["reason"] = json!(reason);
        pod
    };
    assert_eq!(judge(failed(MINUTE, "Evicted")), [Evicted]);
    assert_eq!(judge(failed(DAY, "Evicted")), [Evicted]);
    assert_eq!(judge(failed(DAY + 1, "Evicted")), []);
    assert_eq!(judge(failed(15 * MINUTE - 1, "")), []);
    assert_eq!(judge(failed(15 * MINUTE, "")), [Failed]);
    assert_eq!(judge(failed(DAY + 1, "")), [Failed], "nobody replaces a bare pod");
    assert_eq!(judge(owned_by(failed(DAY, "NodeShutdown"), "ReplicaSet")), [Failed]);
    assert_eq!(judge(owned_by(failed(DAY + 1, "NodeShutdown"), "ReplicaSet")), []);
    assert_eq!(judge(owned_by(failed(HOUR, ""), "Job")), []);
}

#[test]
fn terminating_needs_five_minutes_past_its_time() {
    let deleted = |seconds, phase: &str| {
        let mut pod = not_ready(pod(waits("CrashLoopBackOff")), DAY);
        pod["metadata"]["deletionTimestamp"] = ago(seconds);
        pod["status"]["phase"] = json!(phase);
        pod
    };
    assert_eq!(judge(deleted(-30, "Running")), [], "still within its grace period");
    assert_eq!(judge(deleted(5 * MINUTE, "Running")), []);
    assert_eq!(judge(deleted(5 * MINUTE + 1, "Running")), [Terminating]);
    assert_eq!(judge(deleted(DAY, "Failed")), []);
}

#[test]
fn memory_and_restarts_have_their_windows() {
    assert_eq!(judge(pod(ended(DAY, 1, "OOMKilled"))), [OomKilled]);
    assert_eq!(judge(pod(ended(DAY + 1, 1, "OOMKilled"))), []);
    assert_eq!(judge(pod(ended(DAY, 5, "Error"))), []);
    assert_eq!(judge(pod(ended(DAY, 6, "Error"))), [Restarts]);
    assert_eq!(judge(pod(ended(MINUTE, 6, "OOMKilled"))), [CrashLoop, OomKilled, Restarts]);
}

#[test]
fn a_job_is_told_what_it_would_wait_for() {
    assert_eq!(judge(owned_by(pod(waits("ErrImagePull")), "Job")), [ImagePull]);
    assert_eq!(judge(owned_by(pod(waits("CrashLoopBackOff")), "Job")), []);
    assert_eq!(judge(owned_by(pod(ended(MINUTE, 6, "OOMKilled")), "Job")), []);
}

#[test]
fn fixture_pods() {
    let page: Page<Pod> = serde_json::from_str(fixtures::pods_hand()).unwrap();
    let now = "2026-11-22T00:00:00Z".parse().unwrap();
    let lines: Vec<String> = page
        .items
        .iter()
        .map(|pod| {
            let kinds: Vec<_> = judge_pod(pod, now, &PodThresholds::default())
                .iter()
                .map(|r| format!("{:?} ({})", r.kind, r.word))
                .collect();
            format!("{:35} {}", pod.metadata.name, kinds.join(", ")).trim_end().to_owned()
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
