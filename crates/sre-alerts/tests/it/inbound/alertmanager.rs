//! Debian's Alertmanager sends to us: firing, resolved, and again after we were full.

use std::time::Duration;

use serde_json::json;
use sre_alerts::IntakeError;
use sre_testkit::peers::Alertmanager;

use super::door::{Door, TOKEN, bearer};

async fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let poll = async {
        while !ready() {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), poll).await.map_err(|_| format!("never {what}")).unwrap();
}

#[tokio::test]
async fn firing_then_full_then_resolved() {
    let door = Door::open_with(|builder| builder.alertmanager(bearer()));
    *door.kept.trouble.lock().unwrap() = Some(IntakeError::Full { retry_after: Duration::from_secs(1) });
    let config = json!({
        "route": { "receiver": "sre", "group_by": ["alertname"], "group_wait": "100ms", "group_interval": "200ms" },
        "receivers": [{ "name": "sre", "webhook_configs": [{
            "url": format!("http://{}/webhook/alertmanager", door.addr), "send_resolved": true,
            "http_config": { "authorization": { "type": "Bearer", "credentials": TOKEN } } }] }],
    });
    let sender = Alertmanager::start_with("", &config.to_string()).await;
    let alert = |ends_at: Option<&str>| {
        let mut alert = json!({
            "labels": { "alertname": "HighCpu", "instance": "web-03:9100", "severity": "critical" },
            "annotations": { "summary": "cpu is high" }, "generatorURL": "http://prometheus:9090/graph" });
        if let Some(at) = ends_at {
            alert["endsAt"] = json!(at);
        }
        alert
    };
    sender.post_alerts(&[alert(None)]).await;
    // It keeps trying while we answer 503.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(door.kept.titles(), [""; 0]);
    *door.kept.trouble.lock().unwrap() = None;
    wait_until("fired", || !door.kept.alerts.lock().unwrap().is_empty()).await;
    sender.post_alerts(&[alert(Some("2020-01-01T00:00:00Z"))]).await;
    let resolved = || door.kept.alerts.lock().unwrap().iter().any(sre_alerts::Alert::is_resolved);
    wait_until("resolved", resolved).await;
    let alerts = door.kept.alerts.lock().unwrap().clone();
    assert!(!alerts[0].is_resolved());
    assert_eq!(alerts[0].severity, sre_core::Severity::Critical);
    assert!(alerts.iter().all(|alert| alert.key() == alerts[0].key()), "{alerts:?}");
}
