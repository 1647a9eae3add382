//! Pods made on demand: any number of them in the memory of a template, and fast enough for a benchmark.

use std::io::Write;

use serde_json::{Value, json};

use super::store::Filter;

/// The namespace of generated pods.
const NAMESPACE: &str = "bench";

/// A recipe for pods; pod `i` is always the same.
#[derive(Debug)]
pub(super) struct Generated {
    count: usize,
    crash_every: usize,
    healthy: Vec<Part>,
    crashing: Vec<Part>,
}

/// A piece of a pod's JSON.
#[derive(Clone, Debug)]
enum Part {
    Text(String),
    /// The pod's number, and how it is written into the text.
    Field(Field),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    App,
    AppUpper,
    Hash,
    Index,
    Index12,
    Node,
    Ip,
    Team,
    Version,
    Hex16,
    Hex64,
}

const FIELDS: [(&str, Field); 11] = [
    ("app", Field::App),
    ("APP", Field::AppUpper),
    ("hash", Field::Hash),
    ("index", Field::Index),
    ("index12", Field::Index12),
    ("node", Field::Node),
    ("ip", Field::Ip),
    ("team", Field::Team),
    ("version", Field::Version),
    ("hex16", Field::Hex16),
    ("hex64", Field::Hex64),
];

// === impl Generated ===

impl Generated {
    /// `count` pods of about `bytes_each`, one in `crash_every` in CrashLoopBackOff (0: none).
    pub(super) fn new(count: usize, bytes_each: usize, crash_every: usize) -> Self {
        let template = |crashing| {
            // Settings of about 120 bytes come first; what they leave open is filled exactly.
            let length = |settings, filler| write_text(&split(&template(crashing, settings, filler)), 0).len();
            let (bare, one) = (length(0, 0), length(1, 0));
            let settings = bytes_each.saturating_sub(bare) / (one - bare);
            let filler = bytes_each.saturating_sub(length(settings, 0));
            split(&template(crashing, settings, filler))
        };
        Self { count, crash_every, healthy: template(false), crashing: template(true) }
    }

    /// Whether pod `i` is in a crash loop: number 37 of each hundred, as in the load of the real server's benchmark.
    pub(super) fn crashes(&self, i: usize) -> bool {
        self.crash_every > 0 && i % self.crash_every == 37 % self.crash_every
    }

    /// The numbers of the pods that a list wants.
    pub(super) fn matching(&self, filter: &Filter) -> Vec<usize> {
        if filter.namespace.as_deref().is_some_and(|namespace| namespace != NAMESPACE) {
            return Vec::new();
        }
        if !filter.selects() {
            return (0..self.count).collect();
        }
        (0..self.count).filter(|i| filter.matches(&self.value(*i))).collect()
    }

    /// Appends pod `i`.
    pub(super) fn write(&self, i: usize, out: &mut Vec<u8>) {
        write(if self.crashes(i) { &self.crashing } else { &self.healthy }, i, out);
    }

    fn value(&self, i: usize) -> Value {
        let mut text = Vec::new();
        self.write(i, &mut text);
        serde_json::from_slice(&text).expect("a pod in JSON")
    }
}

fn write_text(parts: &[Part], i: usize) -> Vec<u8> {
    let mut out = Vec::new();
    write(parts, i, &mut out);
    out
}

fn write(parts: &[Part], i: usize, out: &mut Vec<u8>) {
    let mut noise = Noise(i as u64);
    for part in parts {
        match part {
            Part::Text(text) => out.extend_from_slice(text.as_bytes()),
            Part::Field(Field::Hash) => Noise(i as u64 + 1).hex(10, out),
            Part::Field(Field::Hex16) => noise.hex(16, out),
            Part::Field(Field::Hex64) => noise.hex(64, out),
            Part::Field(field) => {
                let written = match field {
                    Field::App => write!(out, "svc-{:03}", i % 120),
                    Field::AppUpper => write!(out, "SVC_{:03}", i % 120),
                    Field::Index => write!(out, "{i:05}"),
                    Field::Index12 => write!(out, "{i:012}"),
                    Field::Node => write!(out, "{:03}", i % 200),
                    Field::Ip => write!(out, "10.{}.{}.{}", i >> 16, i >> 8 & 255, i & 255),
                    Field::Team => write!(out, "{}", i % 17),
                    Field::Version => write!(out, "{}.{}", i % 9, i % 31),
                    Field::Hash | Field::Hex16 | Field::Hex64 => Ok(()),
                };
                written.expect("write into memory");
            }
        }
    }
}

/// Text that compresses as badly as the identifiers of real pods (splitmix64).
struct Noise(u64);

impl Noise {
    fn hex(&mut self, digits: usize, out: &mut Vec<u8>) {
        for start in (0..digits).step_by(16) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            for digit in 0..(digits - start).min(16) {
                out.push(b"0123456789abcdef"[(z >> (digit * 4) & 15) as usize]);
            }
        }
    }
}

/// Cuts a template at its `%field%` marks.
fn split(template: &str) -> Vec<Part> {
    let pieces = template.split('%').enumerate();
    let part = |(at, piece): (usize, &str)| {
        if at % 2 == 0 {
            return Part::Text(piece.to_owned());
        }
        let field = FIELDS.iter().find(|(name, _)| *name == piece);
        Part::Field(field.unwrap_or_else(|| panic!("no field {piece}")).1)
    };
    pieces.map(part).filter(|part| !matches!(part, Part::Text(text) if text.is_empty())).collect()
}

fn template(crashing: bool, settings: usize, filler: usize) -> String {
    let mut env: Vec<Value> = (0..settings)
        .map(|j| {
            let value = format!("https://%app%-{j:02}.bench.svc.cluster.local:8443/v1/%hex16%");
            json!({ "name": format!("%APP%_SETTING_{j:02}"), "value": value })
        })
        .collect();
    env.push(json!({ "name": "POD_IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } }));
    let password = json!({ "secretKeyRef": { "name": "%app%-db", "key": "password" } });
    env.push(json!({ "name": "DB_PASSWORD", "valueFrom": password }));
    let ready = if crashing { "False" } else { "True" };
    let conditions: Vec<Value> =
        [("Initialized", "True"), ("Ready", ready), ("ContainersReady", ready), ("PodScheduled", "True")]
            .iter()
            .map(|(kind, status)| json!({ "type": kind, "status": status, "lastTransitionTime": STARTED }))
            .collect();
    json!({
        "metadata": metadata(filler),
        "spec": {
            "nodeName": "node-%node%", "automountServiceAccountToken": false, "restartPolicy": "Always",
            "containers": [container("%app%", &env), container("sidecar-proxy", &env[env.len() - 2..])],
            "volumes": [{ "name": "config", "configMap": { "name": "%app%" } }],
        },
        "status": {
            "phase": "Running", "qosClass": "Burstable", "startTime": STARTED, "conditions": conditions,
            "hostIP": "192.0.2.1", "podIP": "%ip%", "podIPs": [{ "ip": "%ip%" }],
            "containerStatuses": [container_status("%app%", crashing), container_status("sidecar-proxy", false)],
        },
    })
    .to_string()
}

/// All generated pods started then.
const STARTED: &str = "2026-01-05T08:00:00Z";

fn metadata(filler: usize) -> Value {
    json!({
        "name": "%app%-%hash%-%index%", "generateName": "%app%-%hash%-", "namespace": NAMESPACE,
        "uid": "00000000-0000-4000-a000-%index12%", "resourceVersion": "999", "creationTimestamp": STARTED,
        "labels": {
            "app.kubernetes.io/name": "%app%", "app.kubernetes.io/instance": "%app%",
            "app.kubernetes.io/version": "%version%", "pod-template-hash": "%hash%", "team": "team-%team%",
        },
        "annotations": {
            "checksum/config": "%hex64%", "prometheus.io/scrape": "true", "prometheus.io/port": "8080",
            "example.com/filler": "x".repeat(filler),
        },
        "ownerReferences": [{
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "%app%-%hash%",
            "uid": "00000000-0000-4000-8000-%index12%", "controller": true, "blockOwnerDeletion": true,
        }],
    })
}

fn container(name: &str, env: &[Value]) -> Value {
    json!({
        "name": name, "image": format!("registry.example.com/team-%team%/{name}:%version%.1"), "env": env,
        "ports": [{ "containerPort": 8080, "name": "http", "protocol": "TCP" }],
        "resources": { "requests": { "cpu": "100m", "memory": "256Mi" }, "limits": { "memory": "512Mi" } },
        "readinessProbe": { "httpGet": { "path": "/readyz", "port": 8080, "scheme": "HTTP" }, "periodSeconds": 10 },
        "livenessProbe": { "httpGet": { "path": "/healthz", "port": 8080, "scheme": "HTTP" }, "initialDelaySeconds": 15 },
        "volumeMounts": [{ "name": "config", "mountPath": format!("/etc/{name}") }],
        "securityContext": { "runAsNonRoot": true, "allowPrivilegeEscalation": false },
    })
}

fn container_status(name: &str, crashing: bool) -> Value {
    let mut status = json!({
        "name": name, "image": format!("registry.example.com/team-%team%/{name}:%version%.1"),
        "imageID": format!("registry.example.com/team-%team%/{name}@sha256:%hex64%"), "containerID": "containerd://%hex64%",
        "ready": !crashing, "started": !crashing, "restartCount": if crashing { 20 } else { 0 },
        "state": { "running": { "startedAt": STARTED } },
    });
    if crashing {
        let message = format!("back-off 5m0s restarting failed container={name}");
        let last = json!({ "exitCode": 1, "reason": "Error", "startedAt": STARTED, "finishedAt": STARTED });
        status["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": message } });
        status["lastState"] = json!({ "terminated": last });
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_have_the_size_that_was_asked_for_and_one_in_a_hundred_crashes() {
        let generated = Generated::new(1_000, 6_800, 100);
        let mut crashing = 0;
        let mut names = std::collections::HashSet::new();
        for i in 0..1_000 {
            let length =
                write_text(if generated.crashes(i) { &generated.crashing } else { &generated.healthy }, i).len();
            assert!(length.abs_diff(6_800) < 20, "{length}");
            let pod = generated.value(i);
            names.insert(pod["metadata"]["name"].to_string());
            let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"];
            crashing += usize::from(waiting == "CrashLoopBackOff");
        }
        assert_eq!((crashing, names.len()), (10, 1_000));
        assert_eq!(generated.value(5), generated.value(5));
    }
}
