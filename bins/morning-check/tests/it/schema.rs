//! `docs/morning-check.schema.json` describes what the program prints, no more and no less.

use serde_json::{Value, json};
use sre_core::SystemClock;
use sre_testkit::aws::{AwsApi, Instance, sts_error};
use sre_testkit::fixtures;
use sre_testkit::kubernetes::{KubeApi, Kubeconfig, objects, replies};
use sre_testkit::scripted::{Reply, Request, Server};

use crate::program::Program;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../../docs/morning-check.schema.json")).unwrap()
}

/// What is wrong with a report, a line each.
pub(crate) fn errors(report: &Value) -> Vec<String> {
    let validator = jsonschema::options().should_validate_formats(true).build(&schema()).unwrap();
    validator.iter_errors(report).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

fn checked(program: &Program, args: &[&str]) -> Value {
    let run = program.run(&[args, &["-o", "json"]].concat());
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e} in {run}"));
    let wrong = errors(&report);
    assert!(wrong.is_empty(), "{wrong:#?}\nin {report:#}");
    report
}

/// A home with a kubeconfig, and AWS credentials that the scripted endpoint takes.
fn program(kubeconfig: &Kubeconfig, config: &str) -> Program {
    let program = Program::new()
        .config(config)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    std::fs::create_dir(program.path(".kube")).unwrap();
    std::fs::write(program.path(".kube/config"), kubeconfig.to_yaml()).unwrap();
    program
}

async fn prometheus(alerts: Value, answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |request: &Request| match request.path.as_str() {
        "/api/v1/alerts" => success(&json!({ "alerts": alerts })),
        "/api/v1/query" => answer(&request.form_value("query").unwrap_or_default()),
        _ => Reply::text(404, "404 page not found"),
    })
    .await
}

fn success(data: &Value) -> Reply {
    Reply::json(200, &json!({ "status": "success", "data": data, "warnings": ["one shard did not answer"] }))
}

fn vector(samples: &[(&Value, &str)]) -> Reply {
    let result: Vec<Value> = samples
        .iter()
        .map(|(labels, value)| json!({ "metric": labels, "value": [1_774_249_200.123, value] }))
        .collect();
    success(&json!({ "resultType": "vector", "result": result }))
}

fn firing(name: &str, severity: &str) -> Value {
    json!({
        "labels": { "alertname": name, "severity": severity, "instance": "web-01" }, "state": "firing",
        "annotations": { "summary": "it burns", "description": "really", "runbook_url": "https://runbooks.example/fire" },
        "activeAt": "2026-03-23T06:41:00Z", "value": "1e+00",
    })
}

/// One cluster with everything that can be the matter with one.
async fn sick_cluster() -> KubeApi {
    let now = SystemClock::shared().now();
    let mut worn = objects::node("worn", true);
    worn["status"]["conditions"][1]["status"] = json!("True");
    worn["spec"] = json!({ "unschedulable": true, "taints": [{ "key": "aws-node-termination-handler/spot-itn", "effect": "NoSchedule" }] });
    let mut behind = objects::deployment("shop", "cart", 3);
    behind["status"]["availableReplicas"] = json!(1);
    behind["status"]["updatedReplicas"] = json!(2);
    behind["status"]["observedGeneration"] = json!(0);
    let mut astray = objects::daemon_set("kube-system", "agent", 3);
    astray["status"]["numberMisscheduled"] = json!(1);
    astray["status"]["numberAvailable"] = json!(2);
    let mut pods = fixtures::items(fixtures::pods_hand());
    pods.push(objects::crash_looping_pod("shop", "cart-0"));
    KubeApi::builder()
        .pods(pods)
        .nodes(vec![objects::node("gone", false), worn])
        .deployments(vec![behind])
        .daemon_sets(vec![astray])
        .jobs(vec![objects::job("shop", "nightly", false)])
        .events(vec![objects::warning("shop", "cart-0", "BackOff", "Back-off restarting failed container", 9, now)])
        .forbid("statefulsets")
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn healthy() {
    let api = KubeApi::builder()
        .pods(vec![objects::pod("shop", "cart-0")])
        .nodes(vec![objects::node("node-1", true)])
        .deployments(vec![objects::deployment("shop", "cart", 2)])
        .start()
        .await;
    let prometheus =
        prometheus(
            json!([]),
            |query| {
                if query.starts_with("count(") { vector(&[(&json!({}), "7")]) } else { vector(&[]) }
            },
        )
        .await;
    let aws = AwsApi::builder().region("us-east-1").instance("us-east-1", Instance::running("i-1")).start().await;
    let program = program(
        &Kubeconfig::new().api("prod", &api),
        &format!(
            "aws: {{regions: [us-east-1], endpoint_url: '{}', buckets: false}}\nlocal: {{enabled: true}}",
            aws.url()
        ),
    );
    let report = checked(&program, &["-c", "prod", "--prometheus-url", &prometheus.url()]);
    assert_eq!(report["kubernetes"][0]["pods"]["total"], 1);
    assert_eq!(report["aws"][0]["summary"]["running"], 1);
    assert!(report["prometheus"]["hot_nodes"].is_array() && report["local"]["disks"].is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn unhealthy_and_the_run_after_it() {
    let sick = sick_cluster().await;
    let alerts = json!([firing("Fire", "critical"), firing("Smoke", "warning")]);
    let prometheus = prometheus(alerts, |query| {
        let of = json!({ "instance": "web-01", "cluster": "prod", "job": "node", "mountpoint": "/", "device": "sda1", "service": "cart" });
        match query {
            "broken" => Reply::json(422, &json!({ "status": "error", "errorType": "execution", "error": "no" })),
            "endless" => vector(&[(&of, "+Inf")]),
            _ => vector(&[(&of, "93.5")]),
        }
    })
    .await;
    let aws = AwsApi::builder()
        .instance(
            "us-east-1",
            Instance::running("i-1").system("impaired").impaired_since("2026-03-23T06:00:00Z").tag("Name", "db"),
        )
        .instance(
            "us-east-1",
            Instance::running("i-2").event("system-reboot", "scheduled reboot", "2036-03-23T06:00:00Z"),
        )
        .start()
        .await;
    let config = "prometheus:
  watchdog: Watchdog
  checks:
    custom:
      - {name: broken, promql: broken, threshold: 1}
      - {name: endless, promql: endless, threshold: 1}
ignore:
  - {code: K8S-OOM, until: 2020-01-01, reason: long ago}
";
    let kubeconfig = Kubeconfig::new().api("prod", &sick);
    let program =
        program(&kubeconfig, &format!("{config}aws: {{regions: [us-east-1], endpoint_url: '{}'}}\n", aws.url()));
    let args = ["-c", "prod", "--prometheus-url", &prometheus.url()];
    let first = checked(&program, &args);
    assert_eq!(first["verdict"]["status"], "unhealthy");
    for (part, key) in [
        ("/kubernetes/0", "unhealthy"),
        ("/kubernetes/0", "warnings"),
        ("/kubernetes/0", "denied"),
        ("/kubernetes/0/nodes", "problems"),
        ("/kubernetes/0/workloads", "problems"),
        ("/kubernetes/0/jobs", "problems"),
        ("/prometheus", "firing_alerts"),
        ("/prometheus", "hot_nodes"),
        ("/prometheus", "filling_disks"),
        ("/prometheus", "error_rates"),
        ("/prometheus", "error_ratios"),
        ("/prometheus", "targets_down"),
        ("/prometheus", "custom"),
        ("/prometheus", "failed_checks"),
        ("/prometheus", "warnings"),
        ("/aws/0", "problems"),
        ("/aws/0", "scheduled_events"),
        ("/aws/0", "incomplete"),
    ] {
        let items = first.pointer(part).and_then(|value| value[key].as_array());
        assert!(items.is_some_and(|items| !items.is_empty()), "nothing in {part}/{key}: {first:#}");
    }

    let well = KubeApi::builder().start().await;
    std::fs::write(program.path(".kube/config"), Kubeconfig::new().api("prod", &well).to_yaml()).unwrap();
    let second = checked(&program, &args);
    assert!(!second["resolved"].as_array().unwrap().is_empty(), "{second:#}");
    assert_eq!(second["verdict"]["compared_with"], first["timestamp"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers() {
    let api = KubeApi::builder().fault(|_, _| Some(replies::unauthorized())).start().await;
    let prometheus = Server::start(|_| Reply::text(403, "no")).await;
    let aws = AwsApi::builder()
        .fault(|_, _| Some(sts_error(403, "InvalidClientTokenId", "The security token is invalid.")))
        .start()
        .await;
    let config = format!("aws: {{regions: [us-east-1], endpoint_url: '{}'}}\n", aws.url());
    let program = program(&Kubeconfig::new().api("prod", &api), &config);
    let report = checked(&program, &["-c", "prod", "-c", "gone", "--prometheus-url", &prometheus.url()]);
    for failed in [&report["kubernetes"][0], &report["kubernetes"][1], &report["prometheus"], &report["aws"][0]] {
        assert!(failed["error"]["class"].is_string(), "{report:#}");
    }
}

#[tokio::test]
async fn what_is_not_in_it_is_refused() {
    let good = checked(&Program::new(), &["--no-state"]);
    for key in ["schema_version", "verdict", "findings", "local"] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(key);
        assert!(!errors(&bad).is_empty(), "{key} may be missing");
    }
    for place in ["", "/verdict", "/sources/0", "/local", "/local/memory"] {
        let mut bad = good.clone();
        bad.pointer_mut(place).unwrap()["surprise"] = json!(1);
        assert!(!errors(&bad).is_empty(), "{place} takes unknown keys");
    }
    for (place, value) in
        [("/verdict/status", json!("fine")), ("/timestamp", json!("yesterday")), ("/aws", json!(null))]
    {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value;
        assert!(!errors(&bad).is_empty(), "{place} takes anything");
    }
}

#[test]
fn every_property_is_described_and_every_shape_closed() {
    let mut open = Vec::new();
    walk(&schema(), "", &mut open);
    assert!(open.is_empty(), "{open:#?}");
    assert_eq!(schema()["properties"]["schema_version"]["const"], morning_check::report::SCHEMA_VERSION);
}

fn walk(node: &Value, path: &str, wrong: &mut Vec<String>) {
    let defs = schema();
    if let Some(properties) = node.get("properties").and_then(Value::as_object) {
        if node["additionalProperties"] != false {
            wrong.push(format!("{path} is open"));
        }
        for (key, property) in properties {
            let name = property["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/"));
            let said = property.get("description").or_else(|| defs["$defs"][name?].get("description"));
            if said.is_none() {
                wrong.push(format!("{path}/{key} is not described"));
            }
        }
    }
    match node {
        Value::Object(map) => map.iter().for_each(|(key, value)| walk(value, &format!("{path}/{key}"), wrong)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, path, wrong)),
        _ => {}
    }
}
