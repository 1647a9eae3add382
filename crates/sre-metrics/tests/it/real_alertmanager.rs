//! Debian's Alertmanager: silences, sub-path, status.

use sre_metrics::Alertmanager;
use sre_metrics::alertmanager::AlertFilter;
use sre_testkit::peers;

use crate::rig::{eventually, patient as client};

const CONFIG: &str = "
route: {receiver: none, group_by: [alertname], group_wait: 1s, group_interval: 1s}
receivers: [{name: none}]
inhibit_rules:
  - {source_matchers: [alertname=Cause], target_matchers: [alertname=Effect]}
";

#[tokio::test]
async fn silences_and_inhibitions_are_told_below_a_sub_path() {
    let server = peers::Alertmanager::start_with("/am", CONFIG).await;
    let alertmanager = Alertmanager::new(client().build().unwrap(), &format!("{}/", server.url())).unwrap();
    for name in ["Loud", "Quiet", "Cause", "Effect"] {
        server.post_alert(&[("alertname", name), ("severity", "warning")], "a test").await;
    }
    let silence = server.silence(&[("alertname", "Quiet")]).await;
    let all = eventually(async || {
        let all = alertmanager.alerts(AlertFilter::all()).await.unwrap();
        (all.len() == 4 && all.iter().filter(|a| a.is_suppressed()).count() == 2).then_some(all)
    })
    .await;
    let quiet = all.iter().find(|a| a.labels.get("alertname") == "Quiet").unwrap();
    assert_eq!(quiet.status.silenced_by, [silence]);
    let cause = all.iter().find(|a| a.labels.get("alertname") == "Cause").unwrap();
    let effect = all.iter().find(|a| a.labels.get("alertname") == "Effect").unwrap();
    assert_eq!(effect.status.inhibited_by, std::slice::from_ref(&cause.fingerprint));
    let mut active: Vec<String> = alertmanager.alerts(AlertFilter::active()).await.unwrap().iter().map(name).collect();
    active.sort();
    assert_eq!(active, ["Cause", "Loud"]);
    let silenced = alertmanager.alerts(AlertFilter::active().silenced(true)).await.unwrap();
    assert_eq!(silenced.len(), 3);

    let status = alertmanager.status().await.unwrap();
    assert!(!status.version_info.version.is_empty() && status.cluster.status == "disabled", "{status:?}");
}

fn name(alert: &sre_metrics::alertmanager::ManagedAlert) -> String {
    alert.labels.get("alertname").to_owned()
}
