//! One story is told once: pods, their workload, their Job and their events in one cluster's report.

use serde_json::{Value, json};
use sre_cloud::kubernetes::{Area, ClusterReport, ClusterTally, Page, Pod, Scope, Thresholds};
use sre_testkit::fixtures;

fn tally() -> ClusterTally {
    ClusterTally::new("2026-03-23T07:00:00Z".parse().unwrap(), &Thresholds::default())
}

fn finish(tally: ClusterTally) -> ClusterReport {
    tally.finish(&Scope::new("prod"))
}

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// Pod number `i` of the Deployment `payments/api`.
fn replica(i: usize, crashes: bool) -> Pod {
    let state = if crashes { json!({"waiting": {"reason": "CrashLoopBackOff"}}) } else { json!({"running": {}}) };
    let ready = if crashes { "False" } else { "True" };
    object(json!({
        "metadata": {
            "namespace": "payments", "name": format!("api-7d9f8b6c5-x2x4{}", ["b", "c", "d", "f"][i % 4]),
            "creationTimestamp": "2026-03-20T07:00:00Z", "labels": {"pod-template-hash": "7d9f8b6c5"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "api-7d9f8b6c5", "controller": true}],
        },
        "spec": {"nodeName": "node-1", "restartPolicy": "Always", "containers": [{}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-03-23T06:41:00Z"}],
            "containerStatuses": [{"name": "main", "ready": !crashes, "restartCount": if crashes { 14 } else { 0 }, "state": state,
                "lastState": if crashes { json!({"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-03-23T06:58:00Z"}}) } else { json!({}) }}],
        },
    }))
}

fn deployment(wanted: u32, available: u32) -> Value {
    json!({"metadata": {"namespace": "payments", "name": "api", "generation": 3}, "spec": {"replicas": wanted},
           "status": {"observedGeneration": 3, "updatedReplicas": wanted, "availableReplicas": available}})
}

fn event(kind: &str, namespace: &str, name: &str, reason: &str, count: u32) -> Value {
    json!({"type": "Warning", "reason": reason, "message": "see https://u:p@registry.example/v2?token=abc", "count": count,
           "lastTimestamp": "2026-03-23T06:55:00Z",
           "involvedObject": {"kind": kind, "namespace": namespace, "name": name}})
}

#[test]
fn crashing_replicas_are_one_finding() {
    let mut tally = tally();
    for i in 0..12 {
        tally.pods.observe(&replica(i, i < 3));
    }
    tally.workloads.observe_deployment(&object(deployment(12, 9)));
    tally.events.observe(&object(event("Pod", "payments", "api-7d9f8b6c5-x2x4b", "BackOff", 40)));
    tally.events.observe(&object(event("Pod", "other", "api-7d9f8b6c5-x2x4b", "FailedMount", 1)));
    let report = finish(tally);
    insta::assert_json_snapshot!(report.findings);
}

#[test]
fn pods_of_a_workload_that_serves_nothing_are_critical() {
    let mut tally = tally();
    let mut pod = replica(0, true);
    pod.status.container_statuses[0].state.waiting.as_mut().unwrap().reason = "ErrImagePull".into();
    pod.status.container_statuses[0].restart_count = 0;
    pod.status.container_statuses[0].last_state.terminated = None;
    tally.pods.observe(&pod);
    tally.workloads.observe_deployment(&object(deployment(1, 0)));
    let findings: Vec<_> =
        finish(tally).findings.iter().map(|f| format!("{} {} {} {}", f.severity, f.code, f.title, f.detail)).collect();
    assert_eq!(findings, ["critical K8S-IMAGEPULL ErrImagePull 1 of 1 pods; 0 of 1 available; container main"]);
}

#[test]
fn workloads_speak_for_themselves_when_no_pod_does() {
    let mut tally = tally();
    tally.workloads.observe_deployment(&object(deployment(3, 0)));
    let mut behind = deployment(3, 3);
    behind["metadata"]["name"] = json!("web");
    behind["metadata"]["generation"] = json!(4);
    tally.workloads.observe_deployment(&object(behind));
    tally.workloads.observe_daemon_set(&object(json!({"metadata": {"namespace": "kube-system", "name": "log"},
        "status": {"desiredNumberScheduled": 5, "numberAvailable": 5, "numberMisscheduled": 2}})));
    tally.jobs.observe(&object(json!({"metadata": {"namespace": "nightly", "name": "backup"},
        "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded",
            "message": "Job has reached the specified backoff limit", "lastTransitionTime": "2026-03-23T02:00:00Z"}]}})));
    tally.nodes.observe(&object(json!({"metadata": {"name": "node-1"}, "spec": {"unschedulable": true},
        "status": {"conditions": [{"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status.",
            "lastTransitionTime": "2026-03-23T05:00:00Z"}]}})));
    tally.events.observe(&object(event("Job", "nightly", "backup", "BackoffLimitExceeded", 1)));
    tally.events.observe(&object(event("Node", "", "node-1", "NodeNotReady", 2)));
    let report = finish(tally);
    let lines: Vec<_> = report
        .findings
        .iter()
        .map(|f| format!("{} {} {} | {} | {} | {:?}", f.severity, f.code, f.subject, f.title, f.detail, f.evidence))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    assert_eq!(report.facts.warnings.len(), 2, "the facts keep what the findings leave out");
}

#[test]
fn facts_have_the_shape_of_the_report() {
    let mut tally = tally();
    tally.pods.observe(&replica(0, true));
    tally.events.observe(&object(event("Pod", "payments", "api-7d9f8b6c5-x2x4b", "BackOff", 40)));
    tally.nodes.observe(&object(json!({"metadata": {"name": "node-1"}, "spec": {"unschedulable": true},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}})));
    tally.workloads.observe_deployment(&object(deployment(2, 1)));
    tally.unread(Area::Jobs);
    insta::assert_json_snapshot!(finish(tally).facts);
}

#[test]
fn nothing_read_is_nothing_known() {
    let mut tally = tally();
    for area in [Area::Pods, Area::Nodes, Area::Deployments, Area::StatefulSets, Area::DaemonSets, Area::Jobs] {
        tally.unread(area);
    }
    let facts = finish(tally).facts;
    assert!(facts.pods.is_none() && facts.nodes.is_none() && facts.workloads.is_none() && facts.jobs.is_none());
}

#[test]
fn evicted_bare_pods_are_one_finding_a_node() {
    let mut tally = tally();
    for name in ["a", "b"] {
        tally.pods.observe(&object(json!({
            "metadata": {"namespace": "ns", "name": name, "creationTimestamp": "2026-03-23T06:00:00Z"},
            "spec": {"nodeName": "node-1", "containers": [{}]}, "status": {"phase": "Failed", "reason": "Evicted"}})));
    }
    let findings = finish(tally).findings;
    assert_eq!(findings.len(), 1);
    let f = &findings[0];
    assert_eq!(
        (f.code.as_str(), f.subject.as_str(), f.count, f.detail.as_str()),
        ("K8S-EVICTED", "node node-1", 2, "2 pods")
    );
}

#[test]
fn every_finding_of_the_fixtures_is_explained_and_unique() {
    let mut tally = ClusterTally::new("2026-11-22T00:00:00Z".parse().unwrap(), &Thresholds::default());
    for list in [fixtures::pods_hand(), fixtures::pods_random()] {
        let page: Page<Pod> = serde_json::from_str(list).unwrap();
        page.items.iter().for_each(|pod| tally.pods.observe(pod));
    }
    let report = finish(tally);
    assert_eq!(report.facts.pods.as_ref().unwrap().total, 204);
    let mut ids: Vec<_> = report.findings.iter().map(|f| f.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), report.findings.len());
    for finding in &report.findings {
        assert!(
            sre_core::CodeDoc::find(sre_cloud::kubernetes::CODES, finding.code.as_str()).is_some(),
            "{}",
            finding.code
        );
    }
}
