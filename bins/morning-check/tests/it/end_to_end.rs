//! Everything at once against real peers: Prometheus with a node exporter, Alertmanager with a silence, moto with 1,200
//! instances, three scripted clusters and a webhook that enforces Slack's limits.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use sre_core::SystemClock;
use sre_testkit::aws::{AwsApi, Instance};
use sre_testkit::fixtures::{self, Row};
use sre_testkit::kubernetes::{KubeApi, Kubeconfig, objects};
use sre_testkit::peers::{Alertmanager, Moto, NodeExporter, Prometheus};
use sre_testkit::slack::SlackWebhook;

use crate::rig::{Rig, codes, source};
use crate::schema;

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
/// Two clusters and a dead one, Prometheus, two regions.
const SOURCES: u64 = 6;

/// A hot node, a disk that fills, a failing service, and an alert of each severity.
const RULES: &str = "
groups:
- name: made up
  rules:
  - {record: node_cpu_seconds_total, expr: vector(time() * 0.05), labels: {mode: idle, instance: 'hot:9100'}}
  - {record: node_filesystem_avail_bytes, expr: vector(1e9 - 1e5 * (time() - START)), labels: {instance: 'db:9100', mountpoint: /data, device: /dev/sda1, fstype: ext4}}
  - {record: node_filesystem_size_bytes, expr: vector(1e10), labels: {instance: 'db:9100', mountpoint: /data, device: /dev/sda1, fstype: ext4}}
  - {record: node_filesystem_readonly, expr: vector(0), labels: {instance: 'db:9100', mountpoint: /data, device: /dev/sda1, fstype: ext4}}
  - {record: http_requests_total, expr: vector(time() * 9), labels: {service: checkout, code: '200'}}
  - {record: http_requests_total, expr: vector(time() * 3), labels: {service: checkout, code: '503'}}
  - {alert: Loud, expr: vector(42), labels: {severity: critical}, annotations: {summary: 'it is loud'}}
  - {alert: Slow, expr: vector(1), labels: {severity: warning}}
  - {alert: Notice, expr: vector(1), labels: {severity: info}}
  - {alert: Quiet, expr: vector(1), labels: {severity: critical}}
  - {alert: Later, expr: vector(1), for: 1h, labels: {severity: critical}}
  - {alert: Watchdog, expr: vector(1), labels: {severity: none}}
";

/// The peers, which live as long as this.
struct World {
    rig: Rig,
    prod: KubeApi,
    slack: SlackWebhook,
    moto: Moto,
    _staging: KubeApi,
    _metrics: (NodeExporter, Alertmanager, Prometheus),
}

#[tokio::test(flavor = "multi_thread")]
async fn the_morning_of_a_bad_night_and_the_run_after_it() {
    let mut world = World::start().await;
    let first = bad_morning(&world).await;
    after_a_mend(&world, &first).await;
    what_moto_cannot_say(&mut world).await;
}

async fn bad_morning(world: &World) -> Value {
    let run = world.rig.run(["-o", "json"]).await;
    let report = run.json();
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run:?}");
    let keys: BTreeSet<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    let documented = "schema_version timestamp verdict sources kubernetes prometheus aws local findings resolved";
    assert_eq!(keys, documented.split(' ').collect());
    assert_eq!(schema::errors(&report), [""; 0]);
    let verdict = &report["verdict"];
    assert_eq!((&verdict["status"], &verdict["exit_code"]), (&json!("unhealthy"), &json!(1)));
    assert_eq!((&verdict["sources_asked"], &verdict["sources_answered"]), (&json!(SOURCES), &json!(SOURCES - 1)));

    clusters(&report);
    metrics(&report);
    cloud(&report);
    let all: Vec<String> = codes(&report).into_iter().map(|(code, _)| code).collect();
    for code in [
        "K8S-CRASHLOOP",
        "K8S-DEPLOYMENT",
        "K8S-JOB",
        "K8S-NODE-NOTREADY",
        "PROM-ALERT",
        "PROM-TARGETDOWN",
        "PROM-HOTNODE",
        "S3-GROWTH",
    ] {
        assert!(all.contains(&code.to_owned()), "{code} is missing: {all:?}");
    }

    assert!(world.slack.refused().is_empty(), "{:?}", world.slack.refused());
    let messages = world.slack.messages();
    assert!(!messages.is_empty() && messages[0]["text"].as_str().unwrap().contains("UNHEALTHY"), "{messages:?}");
    let told = messages.iter().map(Value::to_string).collect::<String>();
    // Dozens of bad pods hide neither the one alert nor the one bucket.
    for text in ["deployment shop/web: CrashLoopBackOff", "Loud: ", "S3-GROWTH", "more_", "*kubernetes dead*"] {
        assert!(told.contains(text), "{text} is missing: {told}");
    }
    report
}

fn clusters(report: &Value) {
    let cluster = |name: &str| report["kubernetes"].as_array().unwrap().iter().find(|c| c["cluster"] == name).unwrap();
    let prod = cluster("prod");
    for key in ["unhealthy", "warnings", "nodes", "workloads"] {
        assert!(!prod[key].is_null(), "{key}");
    }
    // As kubectl shows them, by the golden tables of a real API server.
    let table: Vec<Row> = [fixtures::table_hand(), fixtures::table_random()].concat();
    let unhealthy = prod["unhealthy"].as_array().unwrap();
    for pod in unhealthy.iter().filter(|pod| pod["namespace"] != "shop") {
        let row = table.iter().find(|row| pod["name"] == row.name.as_str()).unwrap();
        assert_eq!((&pod["status"], &pod["ready"]), (&json!(row.status), &json!(row.ready)), "{pod}");
    }
    let named = |name: &str| unhealthy.iter().any(|pod| pod["name"] == name);
    let broken = ["CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError"];
    let golden: Vec<Value> = [fixtures::pods_hand(), fixtures::pods_random()].map(fixtures::items).concat();
    for (row, pod) in table.iter().zip(&golden) {
        assert_eq!(pod["metadata"]["name"], row.name.as_str());
        // The random ones are waiting in phases in which no pod waits.
        let lives = pod["status"]["phase"] == "Running" || pod["status"]["phase"] == "Pending";
        let bad = lives && broken.iter().any(|status| row.status.trim_start_matches("Init:") == *status);
        let fine = row.status == "Succeeded" || row.status == "Completed";
        assert!(!bad || named(&row.name), "{row:?} is broken");
        assert!(!fine || row.restarts != "0" || !named(&row.name), "{row:?} is done");
    }
    assert_eq!(prod["pods"]["total"], table.len() + 3);

    let dead = cluster("dead");
    assert_eq!((&dead["error"]["class"], &dead["error"]["attempts"]), (&json!("connection"), &json!(3)), "{dead}");
    let findings = report["findings"].as_array().unwrap();
    let web: Vec<_> = findings.iter().filter(|f| f["code"] == "K8S-CRASHLOOP" && f["target"] == "prod").collect();
    let web = web.iter().find(|f| f["subject"].as_str().unwrap().contains("web")).unwrap();
    assert_eq!((&web["severity"], &web["count"]), (&json!("critical"), &json!(3)), "one finding for an owner: {web}");
    let staging: Vec<_> = findings.iter().filter(|f| f["target"] == "staging").collect();
    assert!(staging.iter().any(|f| f["code"] == "K8S-CRASHLOOP") && staging.iter().all(|f| f["severity"] == "warning"));
}

fn metrics(report: &Value) {
    let names = |key: &str| -> BTreeSet<String> {
        let alerts = report["prometheus"][key].as_array().unwrap().iter();
        alerts.map(|a| a["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("firing_alerts"), ["Loud", "Notice", "Slow"].map(str::to_owned).into());
    assert_eq!(names("suppressed_alerts"), ["Quiet".to_owned()].into());
    for key in ["hot_nodes", "filling_disks", "error_rates", "targets_down"] {
        assert!(!report["prometheus"][key].as_array().unwrap().is_empty(), "{key}");
    }
    let alerts = report["findings"].as_array().unwrap().iter().filter(|f| f["code"] == "PROM-ALERT");
    let alerts: BTreeSet<_> =
        alerts.map(|f| (f["subject"].as_str().unwrap(), f["severity"].as_str().unwrap())).collect();
    assert_eq!(alerts, [("Loud", "critical"), ("Slow", "warning")].into(), "the threshold is warning");
}

fn cloud(report: &Value) {
    let regions = report["aws"].as_array().unwrap();
    let states = |name: &str| &regions.iter().find(|r| r["region"] == name).unwrap()["summary"];
    let (east, west) = (states("us-east-1"), states("eu-west-1"));
    assert_eq!((&east["running"], &east["stopped"]), (&json!(1160), &json!(40)), "two pages: {east}");
    assert_eq!(west["running"], 3);
    assert_eq!(source(report, "aws", "us-east-1")["state"], "answered");
    let buckets = report["findings"].as_array().unwrap().iter().filter(|f| f["source"] == "aws");
    let buckets: Vec<_> = buckets.map(|f| f["code"].as_str().unwrap()).collect();
    assert_eq!(buckets, ["S3-GROWTH"]);
}

/// The second run: what was mended is resolved, the rest goes on, and what was not asked is not forgotten.
async fn after_a_mend(world: &World, first: &Value) {
    for n in 0..3 {
        assert!(world.prod.delete("pods", Some("shop"), &format!("web-6d4cf56db6-{n}")));
    }
    world.prod.apply("pods", objects::crash_looping_pod("shop", "new-trouble"));
    let run = world.rig.run(["-o", "json", "--skip", "aws"]).await;
    let second = run.json();
    assert_eq!(schema::errors(&second), [""; 0]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let resolved = second["resolved"].as_array().unwrap();
    assert!(resolved.iter().any(|r| r["code"] == "K8S-CRASHLOOP" && r["subject"].as_str().unwrap().contains("web")));
    assert!(resolved.iter().all(|r| r["source"] != "aws"), "AWS was not asked: {resolved:?}");
    assert_eq!(second["verdict"]["compared_with"], first["timestamp"]);
    let findings = second["findings"].as_array().unwrap();
    let of = |text: &str| findings.iter().find(|f| f["subject"].as_str().unwrap().contains(text)).unwrap();
    assert_eq!(of("new-trouble")["age"], "new");
    assert_eq!((&of("Loud")["age"], &of("Loud")["first_seen"]), (&json!("ongoing"), &first["timestamp"]));

    let state = world.rig.home().join(".local/state/morning-check/last-run.json");
    let before = std::fs::read(&state).unwrap();
    let stateless = world.rig.run(["-o", "json", "--only", "kubernetes", "--no-state"]).await.json();
    assert!(stateless["findings"].as_array().unwrap().iter().all(|f| f["age"] == "unknown"), "{stateless}");
    assert_eq!((stateless["prometheus"].clone(), &stateless["aws"]), (Value::Null, &json!([])));
    assert_eq!(std::fs::read(&state).unwrap(), before, "--no-state leaves it alone");
}

/// Status checks that fail and events to come are said by a scripted EC2; the rest stays with moto.
async fn what_moto_cannot_say(world: &mut World) {
    let soon = (now() + 24.hours()).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    let retiring = Instance::running("i-0000000000000002").event("instance-retirement", "hardware is old", &soon);
    let api = AwsApi::builder()
        .instance("us-east-1", Instance::running("i-0000000000000001").system("impaired").tag("Name", "db"))
        .instance("us-east-1", retiring);
    let api = api.start().await;
    world.rig.set("AWS_ENDPOINT_URL_EC2", api.url());
    let run = world.rig.run(["-o", "json", "--only", "aws", "-r", "us-east-1"]).await;
    let report = run.json();
    assert_eq!(run.code, Some(1), "{run:?}");
    let seen = codes(&report);
    for code in ["EC2-IMPAIRED", "EC2-EVENT"] {
        assert!(seen.contains(&(code.to_owned(), "critical".to_owned())), "{code}: {seen:?}");
    }
    assert_eq!(report["aws"][0]["summary"]["running"], 2);
    assert_eq!(report["aws"][0]["problems"][0]["instance_id"], "i-0000000000000001");
    assert!(api.calls().iter().all(|call| call.service == "ec2") && !world.moto.url().is_empty());
}

// === impl World ===

impl World {
    async fn start() -> Self {
        let (metrics, moto, (prod, staging), slack) =
            tokio::join!(real_metrics(), real_cloud(), scripted_clusters(), SlackWebhook::start());
        let mut rig = Rig::new();
        let dead = sre_testkit::refused_url().replace("http:", "https:");
        rig.kubeconfig(&Kubeconfig::new().api("prod", &prod).api("staging", &staging).unreachable("dead", &dead));
        rig.set("AWS_ENDPOINT_URL", moto.url());
        rig.set("OUR_WEBHOOK", slack.url());
        // Moto takes seconds for a page of a thousand instances.
        rig.config(&format!(
            "timeout: 60s
deadline: 90s
clusters:
  - context: prod
  - context: staging
    critical: false
  - context: dead
prometheus:
  url: {}
  watchdog: Watchdog
  checks: {{hot_nodes: {{window: 5s}}, requests: {{window: 5s}}}}
alertmanager:
  url: {}
aws:
  regions: [us-east-1, eu-west-1]
slack:
  webhook_env: OUR_WEBHOOK
",
            metrics.2.url(),
            metrics.1.url()
        ));
        Self { rig, prod, slack, moto, _staging: staging, _metrics: metrics }
    }
}

async fn real_metrics() -> (NodeExporter, Alertmanager, Prometheus) {
    let (node, manager) = tokio::join!(NodeExporter::start(), Alertmanager::start());
    manager.silence(&[("alertname", "Quiet")]).await;
    let gone = sre_testkit::refused_url().replace("http://", "");
    let server = Prometheus::builder()
        .scrape("node", &node.addr())
        .scrape("gone", &gone)
        .rules(&RULES.replace("START", &now().as_second().to_string()))
        .alertmanager(&manager.url())
        // What fires before the Alertmanager is discovered is sent again only after this; a minute by default.
        .flag("--rules.alert.resend-delay=1s")
        .start()
        .await;
    server.wait_for_alert("Notice").await;
    server.wait_for("up{job=\"gone\"} == 0").await;
    server.wait_for("count_over_time(http_requests_total{code=\"503\"}[20s]) > 7").await;
    server.wait_for("predict_linear(node_filesystem_avail_bytes{instance=\"db:9100\"}[6h], 86400) < 0").await;
    // Prometheus hands an alert over some time after it fires: five of them.
    while manager.alerts("").await.as_array().unwrap().len() < 5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    (node, manager, server)
}

async fn real_cloud() -> Moto {
    let moto = Moto::start().await;
    let ids = moto.fill_ec2("us-east-1", 1200).await;
    moto.fill_ec2("eu-west-1", 3).await;
    moto.stop_instances("us-east-1", &ids[..40]).await;
    let today = now().to_zoned(TimeZone::UTC).date().to_zoned(TimeZone::UTC).unwrap();
    for (bucket, yesterday) in [("logs", 180.0), ("steady", 100.0)] {
        let size = |ago: i64| if ago == 1 { yesterday * GIB } else { 100.0 * GIB };
        let points: Vec<(String, f64)> =
            (1..=15).rev().map(|ago| ((&today - ago.days()).timestamp().to_string(), size(ago))).collect();
        let points: Vec<(&str, f64)> = points.iter().map(|(at, bytes)| (at.as_str(), *bytes)).collect();
        moto.put_bucket_size("us-east-1", bucket, "StandardStorage", &points).await;
    }
    moto
}

/// `prod` with the golden pods and a Deployment, a node and a Job in trouble; `staging` with a crash loop.
async fn scripted_clusters() -> (KubeApi, KubeApi) {
    let golden = [fixtures::pods_hand(), fixtures::pods_random()].map(fixtures::items).concat();
    let replicas = (0..3).map(|n| {
        let pod = objects::crash_looping_pod("shop", &format!("web-6d4cf56db6-{n}"));
        objects::owned_by(pod, "ReplicaSet", "web-6d4cf56db6")
    });
    // The trouble of `web` is told by its pods, that of `cart` by nothing else.
    let [web, cart] = ["web", "cart"].map(|name| {
        let mut deployment = objects::deployment("shop", name, 3);
        deployment["status"]["availableReplicas"] = json!(0);
        deployment["status"]["readyReplicas"] = json!(0);
        deployment["status"]["conditions"][1] =
            json!({ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded" });
        deployment
    });
    let prod = KubeApi::builder()
        .pods(golden.into_iter().chain(replicas).collect())
        .deployments(vec![web, cart, objects::deployment("shop", "fine", 2)])
        .nodes(vec![objects::node("node-1", true), objects::node("node-2", false)])
        .jobs(vec![objects::job("shop", "nightly", false)])
        .events(vec![objects::warning("shop", "web-6d4cf56db6-0", "BackOff", "back-off restarting", 7, now())]);
    let staging = KubeApi::builder()
        .pods(vec![objects::crash_looping_pod("shop", "api")])
        .nodes(vec![objects::node("node-1", true)]);
    tokio::join!(prod.start(), staging.start())
}

fn now() -> Timestamp {
    SystemClock::shared().now()
}
