//! Small objects to fill a scripted cluster with: healthy by default, change a field by index where a test needs it.
//!
//! ```
//! use serde_json::json;
//! use sre_testkit::kubernetes::objects;
//!
//! let mut web = objects::deployment("shop", "web", 3);
//! web["status"]["availableReplicas"] = json!(1);
//! assert_eq!(web["spec"]["replicas"], 3);
//! ```

use jiff::Timestamp;
use serde_json::{Value, json};

/// Everything that has no other time began then.
const STARTED: &str = "2026-01-05T08:00:00Z";

/// A pod that runs and is ready, with one container `app`.
#[must_use]
pub fn pod(namespace: &str, name: &str) -> Value {
    json!({
        "metadata": { "namespace": namespace, "name": name, "creationTimestamp": STARTED, "labels": { "app": name } },
        "spec": { "nodeName": "node-1", "restartPolicy": "Always", "containers": [{ "name": "app", "image": "registry.example.com/app:1" }] },
        "status": {
            "phase": "Running", "startTime": STARTED, "podIP": "10.0.0.7",
            "conditions": [condition("Initialized", "True"), condition("Ready", "True"), condition("ContainersReady", "True"), condition("PodScheduled", "True")],
            "containerStatuses": [{
                "name": "app", "image": "registry.example.com/app:1", "imageID": "", "ready": true, "started": true,
                "restartCount": 0, "state": { "running": { "startedAt": STARTED } },
            }],
        },
    })
}

/// A pod whose container waits in CrashLoopBackOff after 20 restarts.
#[must_use]
pub fn crash_looping_pod(namespace: &str, name: &str) -> Value {
    let mut pod = pod(namespace, name);
    let container = &mut pod["status"]["containerStatuses"][0];
    container["ready"] = json!(false);
    container["started"] = json!(false);
    container["restartCount"] = json!(20);
    container["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container=app" } });
    container["lastState"] =
        json!({ "terminated": { "exitCode": 1, "reason": "Error", "startedAt": STARTED, "finishedAt": STARTED } });
    pod["status"]["conditions"][1] = condition("Ready", "False");
    pod["status"]["conditions"][2] = condition("ContainersReady", "False");
    pod
}

/// Makes an object belong to another, such as `owned_by(pod, "ReplicaSet", "web-6d4cf56db6")`.
#[must_use]
pub fn owned_by(mut object: Value, kind: &str, name: &str) -> Value {
    let version = match kind {
        "Job" | "CronJob" => "batch/v1",
        "Node" => "v1",
        _ => "apps/v1",
    };
    if kind == "ReplicaSet"
        && let Some((_, hash)) = name.rsplit_once('-')
    {
        object["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    }
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": version, "kind": kind, "name": name, "uid": format!("uid-of-{name}"), "controller": true,
    }]);
    object
}

/// A node with its Ready condition and no pressure.
#[must_use]
pub fn node(name: &str, ready: bool) -> Value {
    let ready = if ready { "True" } else { "False" };
    json!({
        "metadata": { "name": name, "creationTimestamp": STARTED, "labels": { "kubernetes.io/hostname": name } },
        "spec": {},
        "status": {
            "capacity": { "cpu": "4", "memory": "16Gi", "pods": "110" },
            "conditions": [
                condition("MemoryPressure", "False"), condition("DiskPressure", "False"), condition("PIDPressure", "False"),
                condition("Ready", ready),
            ],
            "nodeInfo": { "kubeletVersion": "v1.36.0" },
        },
    })
}

/// A Warning about a pod, last seen at `last`.
#[must_use]
pub fn warning(namespace: &str, pod: &str, reason: &str, message: &str, count: u32, last: Timestamp) -> Value {
    json!({
        "metadata": { "namespace": namespace, "name": format!("{pod}.{reason}").to_lowercase(), "creationTimestamp": STARTED },
        "type": "Warning", "reason": reason, "message": message, "count": count,
        "involvedObject": { "kind": "Pod", "namespace": namespace, "name": pod },
        "firstTimestamp": STARTED, "lastTimestamp": format!("{last:.0}"), "source": { "component": "kubelet", "host": "node-1" },
    })
}

/// A Deployment that is rolled out.
#[must_use]
pub fn deployment(namespace: &str, name: &str, replicas: u32) -> Value {
    json!({
        "metadata": { "namespace": namespace, "name": name, "generation": 1, "creationTimestamp": STARTED },
        "spec": { "replicas": replicas, "selector": { "matchLabels": { "app": name } } },
        "status": {
            "observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas,
            "availableReplicas": replicas,
            "conditions": [condition("Available", "True"), { "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" }],
        },
    })
}

/// A StatefulSet that is rolled out.
#[must_use]
pub fn stateful_set(namespace: &str, name: &str, replicas: u32) -> Value {
    json!({
        "metadata": { "namespace": namespace, "name": name, "generation": 1, "creationTimestamp": STARTED },
        "spec": { "replicas": replicas, "serviceName": name, "selector": { "matchLabels": { "app": name } } },
        "status": {
            "observedGeneration": 1, "replicas": replicas, "readyReplicas": replicas, "currentReplicas": replicas,
            "updatedReplicas": replicas, "availableReplicas": replicas,
            "currentRevision": format!("{name}-1"), "updateRevision": format!("{name}-1"),
        },
    })
}

/// A DaemonSet that runs on `nodes` nodes.
#[must_use]
pub fn daemon_set(namespace: &str, name: &str, nodes: u32) -> Value {
    json!({
        "metadata": { "namespace": namespace, "name": name, "generation": 1, "creationTimestamp": STARTED },
        "spec": { "selector": { "matchLabels": { "app": name } } },
        "status": {
            "observedGeneration": 1, "desiredNumberScheduled": nodes, "currentNumberScheduled": nodes,
            "updatedNumberScheduled": nodes, "numberReady": nodes, "numberAvailable": nodes, "numberMisscheduled": 0,
        },
    })
}

/// A Job that has completed, or has failed for good (`BackoffLimitExceeded`).
#[must_use]
pub fn job(namespace: &str, name: &str, succeeded: bool) -> Value {
    let status = if succeeded {
        json!({ "succeeded": 1, "completionTime": STARTED, "conditions": [condition("Complete", "True")] })
    } else {
        let failed = json!({
            "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded",
            "message": "Job has reached the specified backoff limit", "lastTransitionTime": STARTED,
        });
        json!({ "failed": 7, "conditions": [failed] })
    };
    json!({
        "metadata": { "namespace": namespace, "name": name, "creationTimestamp": STARTED },
        "spec": { "completions": 1, "parallelism": 1, "backoffLimit": 6 },
        "status": status,
    })
}

/// An HPA that owns the scale of `kind`/`target`.
#[must_use]
pub fn hpa(namespace: &str, name: &str, kind: &str, target: &str) -> Value {
    json!({
        "metadata": { "namespace": namespace, "name": name, "creationTimestamp": STARTED },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": kind, "name": target },
            "minReplicas": 2, "maxReplicas": 10,
        },
        "status": { "currentReplicas": 2, "desiredReplicas": 2 },
    })
}

/// A condition of any object.
#[must_use]
pub fn condition(kind: &str, status: &str) -> Value {
    json!({ "type": kind, "status": status, "lastTransitionTime": STARTED })
}
