//! The survey's judgement: what is found, what is unknown, what failed, and that none hides the other.

use std::time::Duration;

use serde_json::{Value, json};
use sre_core::{ErrorClass, Finding, Severity};
use sre_metrics::checks::{Comparison, CustomCheck};
use sre_metrics::survey::survey;
use sre_metrics::{Alertmanager, CODES, ErrorKind, Prometheus, PrometheusSurvey, SurveyConfig};
use sre_testkit::scripted::{Reply, Server};
use tokio::time::Instant;

use crate::rig::{client, firing, patient, prometheus, refusal, scripted, soon, success, vector};

/// Nothing is wrong, and every metric exists.
fn healthy(query: &str) -> Reply {
    success(&if query.starts_with("count(") { vector(&[(json!({}), "7")]) } else { vector(&[]) })
}

async fn look(server: &Server, config: &SurveyConfig) -> PrometheusSurvey {
    survey(&prometheus(&server.url()), None, config, soon()).await.unwrap()
}

fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|f| format!("{} {} {}: {}", f.severity, f.code, f.subject, f.title)).collect()
}

#[tokio::test]
async fn health_is_health() {
    let server = scripted(json!([]), healthy).await;
    let survey = look(&server, &SurveyConfig::default()).await;
    assert!(survey.findings().is_empty() && survey.is_complete(), "{survey:?}");
    assert_eq!(server.count(), 1 + 5 * 2, "each check asks once whether there is anything to ask about");
}

#[tokio::test]
async fn everything_found_is_a_finding() {
    let server =
        scripted(json!([firing("DiskGone", "page"), firing("Watchdog", "none"), firing("Chatty", "info")]), |q| {
            let node = json!({"instance": "web-03:9100", "cluster": "eu"});
            let disk = json!({"instance": "db-01:9100", "mountpoint": "/data", "device": "/dev/sda1"});
            let shop = json!({"service": "checkout", "job": "checkout"});
            success(&match q {
                q if q.starts_with("100 * (1 - avg") => vector(&[(node, "93.44")]),
                q if q.contains("predict_linear") => vector(&[(disk, "12.345")]),
                q if q.starts_with("sum by") => vector(&[(shop, "0.4142")]),
                q if q.starts_with("100 * sum by") => vector(&[(shop, "+Inf")]),
                "up == 0" => vector(&[
                    (json!({"__name__": "up", "job": "node", "instance": "b"}), "0"),
                    (json!({"__name__": "up", "job": "node", "instance": "a"}), "0"),
                ]),
                "queue" => {
                    vector(&[(json!({"__name__": "queue", "name": "mail"}), "7"), (json!({"name": "sms"}), "1")])
                }
                "scalar(x)" => json!({"resultType": "scalar", "result": [1, "2"]}),
                other => panic!("not asked for: {other}"),
            })
        })
        .await;
    let mut config = SurveyConfig::default();
    let mut own = CustomCheck::new("backlog", "queue", 5.0);
    own.unit = " mails".to_owned();
    let mut low = CustomCheck::new("too few", "scalar(x)", 3.0);
    (low.comparison, low.severity) = (Comparison::Below, Severity::Critical);
    config.checks.custom = vec![own, low];
    let survey = look(&server, &config).await;
    insta::assert_snapshot!(lines(survey.findings()).join("\n"));
    let shown = serde_json::to_string_pretty(&survey).unwrap();
    insta::assert_snapshot!(shown.replace(&server.url(), "http://prom"));
    let evidence = serde_json::to_string_pretty(&survey.findings()[0..3]).unwrap();
    let evidence = evidence.replace(&server.url(), "http://prom");
    let ids = survey.findings().iter().fold(evidence, |text, f| text.replace(f.id.as_str(), "ID"));
    insta::assert_snapshot!(ids);
    for finding in survey.findings() {
        assert!(CODES.iter().any(|doc| doc.code == finding.code), "{} is not explained", finding.code);
    }
}

#[tokio::test]
async fn without_data_builtins_are_noted_and_own_checks_are_incomplete() {
    let server = scripted(json!([]), |_| success(&vector(&[]))).await;
    let mut config = SurveyConfig::default();
    let untouched = look(&server, &config).await;
    assert!(untouched.is_complete() && untouched.findings().len() == 5, "no outage: {untouched:?}");
    assert!(untouched.findings().iter().all(|f| f.code.as_str() == "PROM-NODATA" && f.severity == Severity::Info));
    config.checks.custom = vec![CustomCheck::new("backlog", "queue_length", 5.0)];
    config.checks.hot_nodes.cpu_percent = 90.0;
    let survey = look(&server, &config).await;
    let unknown: Vec<&str> = survey.unknown_checks.iter().map(|u| u.check.as_str()).collect();
    assert_eq!(unknown, ["hot_nodes", "filling_disks", "error_rates", "error_ratios", "targets_down", "backlog"]);
    assert!(!survey.is_complete() && survey.failed_checks.is_empty());
    insta::assert_snapshot!(lines(survey.findings()).join("\n"));
    for finding in survey.findings() {
        let lines = usize::from(!finding.detail.is_empty()) + finding.evidence.len();
        assert_eq!(lines, 1, "the query or the reason, once: {finding:?}");
    }
}

#[tokio::test]
async fn nan_is_neither_found_nor_healthy() {
    let server = scripted(json!([]), |query| match query {
        "all" => success(&vector(&[(json!({}), "NaN")])),
        "some" => success(&vector(&[(json!({"a": "1"}), "NaN"), (json!({"a": "2"}), "9")])),
        query => healthy(query),
    })
    .await;
    let mut config = SurveyConfig::default();
    config.checks.custom = vec![CustomCheck::new("all", "all", 5.0), CustomCheck::new("some", "some", 5.0)];
    let survey = look(&server, &config).await;
    assert_eq!(survey.unknown_checks[0].reason, "every value is NaN");
    assert_eq!(survey.custom.len(), 1);
    assert_eq!(survey.warnings[0].message, "1 of 2 values are NaN and compare to nothing");
}

#[tokio::test]
async fn one_failed_query_hides_no_other() {
    let server = scripted(json!([firing("DiskGone", "critical")]), |query| match query {
        "up == 0" => refusal(422, "execution", "query processing would load too many samples"),
        "words" => success(&json!({"resultType": "string", "result": [1, "hello"]})),
        query => healthy(query),
    })
    .await;
    let mut config = SurveyConfig::default();
    let unfinished: CustomCheck = serde_json::from_value(json!({"name": "unfinished", "promql": "x"})).unwrap();
    config.checks.custom = vec![unfinished, CustomCheck::new("words", "words", 1.0)];
    let survey = look(&server, &config).await;
    let failed: Vec<(&str, ErrorKind)> =
        survey.failed_checks.iter().map(|f| (f.check.as_str(), f.error.kind())).collect();
    assert_eq!(
        failed,
        [("targets_down", ErrorKind::Execution), ("unfinished", ErrorKind::Config), ("words", ErrorKind::BadQuery)]
    );
    assert!(!survey.is_complete() && survey.firing_alerts.len() == 1);
    insta::assert_snapshot!(lines(survey.findings()).join("\n"));
    let json = serde_json::to_value(&survey).unwrap();
    assert_eq!(json["failed_checks"][0]["class"], "application");
    assert_eq!(json["failed_checks"][0]["attempts"], 1);
}

#[tokio::test]
async fn warnings_on_a_200_make_it_partial() {
    let server = scripted(json!([]), |query| {
        let data = if query.starts_with("count(") { vector(&[(json!({}), "7")]) } else { vector(&[]) };
        let warnings: &[&str] = if query == "up == 0" { &["store eu-2 did not answer"] } else { &[] };
        Reply::json(200, &json!({"status": "success", "data": data, "warnings": warnings}))
    })
    .await;
    let survey = look(&server, &SurveyConfig::default()).await;
    assert!(!survey.is_complete());
    assert_eq!(lines(survey.findings()), ["warning PROM-PARTIAL targets_down warnings: the answer may be incomplete"]);
    assert_eq!(survey.findings()[0].detail, "store eu-2 did not answer");
}

#[tokio::test]
async fn no_answer_at_all_is_one_error() {
    let config = SurveyConfig::default();
    let e = survey(&prometheus(&sre_testkit::refused_url()), None, &config, soon()).await.unwrap_err();
    assert_eq!((e.kind(), e.attempts()), (ErrorKind::Connect, 3));
    let server = Server::start(|request| match request.path.as_str() {
        "/api/v1/alerts" => Reply::text(500, "oops"),
        _ => Reply::text(401, "who are you"),
    })
    .await;
    let e = survey(&prometheus(&server.url()), None, &config, soon()).await.unwrap_err();
    assert_eq!(sre_core::Classify::class(&e), ErrorClass::Auth);
}

#[tokio::test]
async fn a_missing_watchdog_is_a_finding() {
    let mut config = SurveyConfig::default();
    config.watchdog = Some("Watchdog".to_owned());
    for (alerts, expected) in [
        (
            json!([]),
            vec![
                "error PROM-WATCHDOG Watchdog: does not fire: Prometheus does not evaluate its rules, or has no such rule",
            ],
        ),
        (json!([firing("Watchdog", "none")]), vec![]),
    ] {
        let server = scripted(alerts, healthy).await;
        assert_eq!(lines(look(&server, &config).await.findings()), expected);
    }
    let server = scripted(json!([firing("Watchdog", "none")]), healthy).await;
    let empty = Server::start(|_| Reply::json(200, &json!([]))).await;
    let alertmanager = Alertmanager::new(client().build().unwrap(), &empty.url()).unwrap();
    let survey = survey(&prometheus(&server.url()), Some(&alertmanager), &config, soon()).await.unwrap();
    assert!(survey.findings()[0].title.starts_with("fires, but Alertmanager does not have it"), "{survey:?}");
}

#[tokio::test]
async fn a_silent_alertmanager_leaves_the_alerts_as_prometheus_has_them() {
    let server = scripted(json!([firing("DiskGone", "critical")]), healthy).await;
    let alertmanager = Alertmanager::new(client().build().unwrap(), &sre_testkit::refused_url()).unwrap();
    let survey =
        survey(&prometheus(&server.url()), Some(&alertmanager), &SurveyConfig::default(), soon()).await.unwrap();
    assert_eq!(survey.firing_alerts[0].in_alertmanager, None);
    assert_eq!((survey.failed_checks[0].check.as_str(), survey.findings().len()), ("alertmanager", 2));
}

#[tokio::test]
async fn the_threshold_lists_but_does_not_report() {
    let alerts = ["critical", "error", "warning", "info", "odd"].map(|s| firing(s, s));
    for (threshold, findings) in
        [(Severity::Info, 5), (Severity::Warning, 4), (Severity::Error, 2), (Severity::Critical, 1)]
    {
        let server = scripted(json!(alerts), healthy).await;
        let mut config = SurveyConfig::default();
        config.alert_severity_threshold = threshold;
        let survey = look(&server, &config).await;
        assert_eq!((survey.findings().len(), survey.firing_alerts.len()), (findings, 5), "{threshold}");
    }
}

#[tokio::test]
async fn the_same_alert_is_one_finding_with_the_same_id_in_every_run() {
    let replicas = |severities: &[&str], value: &str| -> Value {
        let alert = |(i, severity): (usize, &&str)| {
            json!({
                "labels": {"alertname": "Slow", "pod": "api-1", "severity": severity, "prometheus_replica": i.to_string()},
                "annotations": {"summary": format!("{value} s")}, "state": "firing", "value": value,
            })
        };
        severities.iter().enumerate().map(alert).collect()
    };
    let server = scripted(replicas(&["warning", "critical"], "3.1"), healthy).await;
    let first = look(&server, &SurveyConfig::default()).await;
    assert_eq!(lines(first.findings()), ["critical PROM-ALERT Slow pod=api-1: 3.1 s"]);
    assert_eq!(first.findings()[0].count, 2);
}

#[tokio::test]
async fn a_survey_can_be_spawned() {
    let server = scripted(json!([]), healthy).await;
    let prometheus = prometheus(&server.url());
    let spawned = tokio::spawn(async move { survey(&prometheus, None, &SurveyConfig::default(), soon()).await });
    assert!(spawned.await.unwrap().unwrap().is_complete());
}

#[tokio::test]
async fn a_dead_prometheus_leaves_the_alerts_of_alertmanager() {
    let status = json!({"state": "active", "silencedBy": [], "inhibitedBy": []});
    let managed = json!([{"labels": {"alertname": "DiskGone", "severity": "critical"}, "status": status}]);
    let server = Server::start(move |_| Reply::json(200, &managed)).await;
    let alertmanager = Alertmanager::new(client().build().unwrap(), &server.url()).unwrap();
    let dead = prometheus(&sre_testkit::refused_url());
    let survey = survey(&dead, Some(&alertmanager), &SurveyConfig::default(), soon()).await.unwrap();
    assert_eq!(lines(&survey.findings()[..1]), ["critical PROM-ALERT DiskGone: firing"]);
    let failed: Vec<&str> = survey.failed_checks.iter().map(|f| f.check.as_str()).collect();
    let all = ["alerts", "hot_nodes", "filling_disks", "error_rates", "error_ratios", "targets_down"];
    assert!(failed == all && !survey.is_complete(), "{survey:?}");
}

#[tokio::test]
async fn a_query_that_hangs_costs_only_itself() {
    let server = scripted(json!([firing("DiskGone", "critical")]), |query| match query {
        "stuck" => Reply::hang(),
        "count(slow)" => Reply::hang(),
        "slow" => success(&vector(&[])),
        query if query.starts_with("own") => success(&vector(&[(json!({}), "9")])),
        query => healthy(query),
    })
    .await;
    let silent = Server::start(|_| Reply::hang()).await;
    let mut config = SurveyConfig::default();
    let slow: CustomCheck =
        serde_json::from_value(json!({"name": "slow", "promql": "slow", "metric": "slow"})).unwrap();
    config.checks.custom = vec![CustomCheck::new("stuck", "stuck", 1.0), slow];
    let own = (0..20).map(|i| CustomCheck::new(format!("own {i:02}"), format!("own{i}"), 1.0));
    config.checks.custom.extend(own);
    let (prometheus, alertmanager) = (
        Prometheus::new(patient().build().unwrap(), &server.url()).unwrap(),
        Alertmanager::new(patient().build().unwrap(), &silent.url()).unwrap(),
    );
    let deadline = Instant::now() + Duration::from_secs(2);
    let survey = survey(&prometheus, Some(&alertmanager), &config, deadline).await.unwrap();
    assert!(deadline.elapsed() < Duration::from_secs(2), "it ends at its deadline");
    let late: Vec<(&str, ErrorKind)> =
        survey.failed_checks.iter().map(|f| (f.check.as_str(), f.error.kind())).collect();
    assert_eq!(late, ["stuck", "slow", "alertmanager"].map(|check| (check, ErrorKind::Timeout)));
    assert_eq!((survey.firing_alerts.len(), survey.custom.len()), (1, 20));
}

#[tokio::test]
async fn when_everything_hangs_it_is_late_and_not_lost() {
    let server = Server::start(|_| Reply::hang()).await;
    let prometheus = Prometheus::new(patient().build().unwrap(), &server.url()).unwrap();
    let deadline = Instant::now() + Duration::from_millis(300);
    let e = survey(&prometheus, None, &SurveyConfig::default(), deadline).await.unwrap_err();
    assert_eq!((e.kind(), e.target().as_str()), (ErrorKind::Timeout, server.url().as_str()));
    assert!(deadline.elapsed() < Duration::from_secs(5), "it ends at its deadline");
}
