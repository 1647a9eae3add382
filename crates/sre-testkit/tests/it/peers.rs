//! The real servers start, answer, and are gone afterwards.

use serde_json::json;
use sre_testkit::peers::{Alertmanager, Moto, NodeExporter, Prometheus};

const RULES: &str = "groups: [{name: g, rules: [{alert: Always, expr: vector(1), labels: {severity: critical}}]}]";

#[tokio::test]
async fn prometheus_scrapes_evaluates_and_tells_the_alertmanager() {
    let (exporter, alertmanager) = tokio::join!(NodeExporter::start(), Alertmanager::start());
    let prometheus = Prometheus::builder()
        .scrape_with_labels("node", &exporter.addr(), &[("env", "test")])
        .rules(RULES)
        .route_prefix("/prom")
        .alertmanager(&alertmanager.url())
        .basic_auth()
        .start()
        .await;
    assert!(prometheus.url().ends_with("/prom"));
    prometheus.wait_for("up{job=\"node\", env=\"test\"} == 1").await;
    assert_eq!(prometheus.wait_for_alert("Always").await["labels"]["severity"], "critical");

    alertmanager.post_alert(&[("alertname", "Disk"), ("severity", "warning")], "disk fills").await;
    alertmanager.silence(&[("alertname", "Disk")]).await;
    let silenced = alertmanager.alerts("silenced=true&filter=alertname%3DDisk").await;
    assert_eq!(silenced[0]["annotations"], json!({ "summary": "disk fills" }));
    let pids = [exporter.pid(), alertmanager.pid(), prometheus.pid()];
    drop((exporter, alertmanager, prometheus));
    assert!(!pids.iter().any(|pid| std::path::Path::new(&format!("/proc/{pid}")).exists()));
}

#[tokio::test]
async fn moto_holds_instances_and_bucket_sizes() {
    let moto = Moto::start().await;
    let ids = moto.fill_ec2("eu-central-1", 1_200).await;
    assert_eq!(ids.len(), 1_200);
    moto.stop_instances("eu-central-1", &ids[..2]).await;
    let filter = [("Filter.1.Name", "instance-state-name"), ("Filter.1.Value.1", "stopped")];
    let stopped = moto.ec2("eu-central-1", "DescribeInstances", &filter).await;
    assert_eq!(stopped.matches("<instanceId>").count(), 2);

    moto.create_bucket("eu-central-1", "logs").await;
    moto.put_bucket_size("eu-central-1", "logs", "StandardStorage", &[("2026-03-01T00:00:00Z", 5e9)]).await;
    let metrics =
        moto.query("eu-central-1", "monitoring", "ListMetrics", "2010-08-01", &[("Namespace", "AWS/S3")]).await;
    assert!(metrics.body.contains("BucketSizeBytes"), "{metrics:?}");
}
