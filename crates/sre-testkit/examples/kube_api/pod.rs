//! One generated pod: what a real one of a mid-sized service looks like, 6.8 KB as compact JSON.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// What is the matter with a pod, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Fine,
    /// A Job's pod that has ended well.
    Completed,
    /// New, still creating its containers: no reason to call anyone.
    Young,
    CrashLoop,
    ImagePull,
    BadConfig,
    Unschedulable,
    NotReady,
}

/// The pod with number `i`; the same for the same `now`.
pub(crate) struct Generated {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) health: Health,
    now: Timestamp,
    i: usize,
    app: String,
    hash: String,
}

// === impl Health ===

impl Health {
    /// One pod in a hundred is unhealthy, each kind in its turn.
    pub(crate) fn of(i: usize) -> Self {
        match (i % 100, i / 100 % 5) {
            (37, 0) => Self::CrashLoop,
            (37, 1) => Self::ImagePull,
            (37, 2) => Self::BadConfig,
            (37, 3) => Self::Unschedulable,
            (37, _) => Self::NotReady,
            (50, _) => Self::Completed,
            (60, _) => Self::Young,
            _ => Self::Fine,
        }
    }

    /// Whether a person should look at it.
    pub(crate) fn is_unhealthy(self) -> bool {
        !matches!(self, Self::Fine | Self::Completed | Self::Young)
    }

    fn phase(self) -> &'static str {
        match self {
            Self::Completed => "Succeeded",
            Self::Young | Self::ImagePull | Self::BadConfig | Self::Unschedulable => "Pending",
            _ => "Running",
        }
    }

    /// STATUS as `kubectl get pods` prints it.
    pub(crate) fn printed(self) -> &'static str {
        match self {
            Self::Fine | Self::NotReady => "Running",
            Self::Completed => "Completed",
            Self::Young => "ContainerCreating",
            Self::CrashLoop => "CrashLoopBackOff",
            Self::ImagePull => "ImagePullBackOff",
            Self::BadConfig => "CreateContainerConfigError",
            Self::Unschedulable => "Pending",
        }
    }
}

// === impl Generated ===

impl Generated {
    pub(crate) fn new(i: usize, now: Timestamp) -> Self {
        let (app, hash) = (format!("svc-{:03}", i % 120), format!("{:010x}", (i % 120).wrapping_mul(0x9E37_79B9)));
        let health = Health::of(i);
        let name = format!("{app}-{hash}-{i:06}");
        Self { namespace: format!("team-{:02}", i % 20), name, health, now, i, app, hash }
    }

    pub(crate) fn metadata(&self) -> Value {
        let (i, app) = (self.i, &self.app);
        let owner = match self.health {
            Health::Completed => json!({ "apiVersion": "batch/v1", "kind": "Job", "name": format!("{app}-nightly") }),
            _ => json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{app}-{}", self.hash) }),
        };
        let mut owner = owner;
        owner["uid"] = json!(format!("00000000-0000-4000-8000-{:012}", i % 120));
        owner["controller"] = json!(true);
        owner["blockOwnerDeletion"] = json!(true);
        json!({
            "name": self.name, "namespace": self.namespace, "generateName": format!("{app}-{}-", self.hash),
            "uid": format!("00000000-0000-4000-9000-{i:012}"), "resourceVersion": format!("{}", 100_000 + i),
            "creationTimestamp": self.ago(self.age()),
            "labels": {
                "app.kubernetes.io/name": app, "app.kubernetes.io/instance": app, "app.kubernetes.io/managed-by": "Helm",
                "app.kubernetes.io/version": format!("{}.{}", i % 9, i % 31), "pod-template-hash": self.hash,
                "team": self.namespace,
            },
            "annotations": {
                "checksum/config": digest(i),
                "prometheus.io/scrape": "true", "prometheus.io/port": "8080",
            },
            "ownerReferences": [owner],
            "managedFields": [self.managed("kube-controller-manager", ""), self.managed("kubelet", "status")],
        })
    }

    /// The whole object.
    pub(crate) fn object(&self) -> Value {
        json!({ "metadata": self.metadata(), "spec": self.spec(), "status": self.status() })
    }

    /// The row of the server-side table that `kubectl get pods` asks for.
    pub(crate) fn row(&self) -> Value {
        let (ready, restarts) = match self.health {
            Health::Fine => ("2/2", self.i % 3),
            Health::CrashLoop => ("1/2", 20),
            Health::NotReady => ("1/2", 0),
            _ => ("0/2", 0),
        };
        let age = format!("{}m", self.age().as_secs().max(0) / 60);
        let cells = json!([
            self.name,
            ready,
            self.health.printed(),
            restarts.to_string(),
            age,
            self.ip(),
            self.node(),
            "<none>",
            "<none>"
        ]);
        let object =
            json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": self.metadata() });
        json!({ "cells": cells, "object": object })
    }

    fn spec(&self) -> Value {
        let (i, app) = (self.i, &self.app);
        let mut env: Vec<Value> = (0..11)
            .map(|j| {
                let name = format!("{}_SETTING_{j}", app.to_uppercase().replace('-', "_"));
                let value =
                    format!("https://{app}-{j}.{}.svc.cluster.local:8443/v1/{:016x}", self.namespace, mix(i * 131 + j));
                json!({ "name": name, "value": value })
            })
            .collect();
        env.push(json!({ "name": "POD_IP", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "status.podIP" } } }));
        env.push(json!({ "name": "DB_PASSWORD", "valueFrom": { "secretKeyRef": { "name": format!("{app}-db"), "key": "password" } } }));
        let policy = if self.health == Health::Completed { "Never" } else { "Always" };
        let mut spec = json!({
            "containers": [self.container(app, &env), self.container("sidecar-proxy", &env[..3])],
            "volumes": [
                { "name": "config", "configMap": { "name": app, "defaultMode": 420 } },
                { "name": "kube-api-access", "projected": { "sources": [{ "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } }] } },
            ],
            "restartPolicy": policy, "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "serviceAccountName": app, "serviceAccount": app, "securityContext": {}, "schedulerName": "default-scheduler",
            "priority": 0, "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority",
            "tolerations": [{ "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }],
        });
        if self.health != Health::Unschedulable {
            spec["nodeName"] = json!(self.node());
        }
        spec
    }

    fn container(&self, name: &str, env: &[Value]) -> Value {
        json!({
            "name": name, "image": self.image(name), "imagePullPolicy": "IfNotPresent",
            "ports": [{ "containerPort": 8080, "name": "http", "protocol": "TCP" }], "env": env,
            "resources": { "requests": { "cpu": "100m", "memory": "256Mi" }, "limits": { "memory": "512Mi" } },
            "readinessProbe": { "httpGet": { "path": "/readyz", "port": 8080, "scheme": "HTTP" }, "periodSeconds": 10, "timeoutSeconds": 1 },
            "livenessProbe": { "httpGet": { "path": "/healthz", "port": 8080, "scheme": "HTTP" }, "initialDelaySeconds": 15 },
            "volumeMounts": [{ "name": "config", "mountPath": format!("/etc/{name}") }],
            "securityContext": { "runAsNonRoot": true, "allowPrivilegeEscalation": false },
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        })
    }

    fn status(&self) -> Value {
        let scheduled = self.health != Health::Unschedulable;
        let ready = self.health == Health::Fine;
        let since = self.ago(self.age());
        let condition = |kind: &str, holds: bool| json!({ "type": kind, "status": if holds { "True" } else { "False" }, "lastProbeTime": null, "lastTransitionTime": since });
        let conditions = [
            condition("PodScheduled", scheduled),
            condition("Initialized", scheduled),
            condition("ContainersReady", ready),
            condition("Ready", ready),
        ];
        let mut status = json!({ "phase": self.health.phase(), "qosClass": "Burstable", "conditions": conditions });
        if scheduled {
            status["startTime"] = json!(since);
            status["hostIP"] = json!(format!("192.0.2.{}", self.i % 200));
            status["podIP"] = json!(self.ip());
            status["podIPs"] = json!([{ "ip": self.ip() }]);
            status["containerStatuses"] =
                json!([self.container_status(&self.app, true), self.container_status("sidecar-proxy", false)]);
        }
        status
    }

    fn container_status(&self, name: &str, main: bool) -> Value {
        let since = self.ago(self.age());
        let waiting =
            |reason: &str| json!({ "waiting": { "reason": reason, "message": format!("{reason}: container {name}") } });
        let running = json!({ "running": { "startedAt": since } });
        let ended = |code: u8, reason: &str| json!({ "terminated": { "exitCode": code, "reason": reason, "startedAt": since, "finishedAt": since } });
        let (ready, restarts, state, last) = match self.health {
            Health::CrashLoop if main => (false, 20, waiting("CrashLoopBackOff"), ended(1, "Error")),
            Health::ImagePull if main => (false, 0, waiting("ImagePullBackOff"), json!({})),
            Health::BadConfig if main => (false, 0, waiting("CreateContainerConfigError"), json!({})),
            Health::NotReady if main => (false, 0, running, json!({})),
            Health::Young | Health::ImagePull | Health::BadConfig => {
                (false, 0, waiting("ContainerCreating"), json!({}))
            }
            Health::Completed => (false, 0, ended(0, "Completed"), json!({})),
            _ => (true, if main { self.i % 3 } else { 0 }, running, json!({})),
        };
        json!({
            "name": name, "image": self.image(name), "imageID": format!("{}@sha256:{}", self.image(name), digest(self.i % 120)),
            "containerID": format!("containerd://{}", digest(self.i * 7 + name.len())), "ready": ready, "started": ready,
            "restartCount": restarts, "state": state, "lastState": last,
        })
    }

    fn managed(&self, manager: &str, subresource: &str) -> Value {
        let fields = json!({ "f:metadata": { "f:labels": { ".": {}, "f:team": {} } }, "f:status": { "f:conditions": {
            "k:{\"type\":\"ContainersReady\"}": { ".": {}, "f:lastTransitionTime": {}, "f:status": {}, "f:type": {} },
            "k:{\"type\":\"Ready\"}": { ".": {}, "f:lastTransitionTime": {}, "f:status": {}, "f:type": {} } } } });
        json!({ "manager": manager, "operation": "Update", "apiVersion": "v1", "time": self.ago(self.age()),
                "fieldsType": "FieldsV1", "fieldsV1": fields, "subresource": subresource })
    }

    fn image(&self, name: &str) -> String {
        format!("registry.example.com/{}/{name}:{}.{}.{}", self.namespace, self.i % 9, self.i % 31, self.i % 7)
    }

    fn node(&self) -> String {
        format!("node-{:03}", self.i % 200)
    }

    fn ip(&self) -> String {
        format!("10.{}.{}.{}", self.i / 65536, self.i / 256 % 256, self.i % 256)
    }

    /// Between two and three hours. A young pod comes from the future, as by a clock that runs ahead, so that it is still
    /// young after a benchmark of an hour.
    fn age(&self) -> SignedDuration {
        let minutes = if self.health == Health::Young { -60 } else { 120 + i64::try_from(self.i % 60).unwrap_or(0) };
        SignedDuration::from_mins(minutes)
    }

    fn ago(&self, age: SignedDuration) -> String {
        let at = self.now.checked_sub(age).unwrap_or(self.now);
        format!("{:.0}", at)
    }
}

/// 64 hexadecimal digits that do not compress, as digests do not.
fn digest(seed: usize) -> String {
    (0..4).map(|part| format!("{:016x}", mix(seed * 4 + part))).collect()
}

/// SplitMix64: <https://prng.di.unimi.it/splitmix64.c>.
fn mix(seed: usize) -> u64 {
    let mut x = (seed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
