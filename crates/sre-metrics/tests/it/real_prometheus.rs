//! Debian's Prometheus with rules that fire, a node exporter, a sub-path, credentials and a real Alertmanager.

use std::time::Duration;

use sre_core::http::Auth;
use sre_core::{Clock, Secret, Severity, SystemClock};
use sre_metrics::alert::AlertState;
use sre_metrics::prometheus::{Query, Range};
use sre_metrics::rules::RuleKind;
use sre_metrics::survey::survey;
use sre_metrics::targets::Health;
use sre_metrics::value::{QueryData, SampleValue};
use sre_metrics::{Alertmanager, ErrorKind, Prometheus, SurveyConfig};
use sre_testkit::peers;

use crate::rig::{eventually, patient as client, soon};

/// A hot node, a disk that fills and a failing service, made by recording rules out of nothing but the time.
fn rules(start: i64) -> String {
    format!(
        "groups:
- name: made up
  rules:
  - {{record: node_cpu_seconds_total, expr: vector(time() * 0.05), labels: {{mode: idle, instance: 'hot:9100'}}}}
  - {{record: node_filesystem_avail_bytes, expr: vector(1e9 - 1e5 * (time() - {start})), labels: {{instance: 'db:9100', mountpoint: /data, device: /dev/sda1, fstype: ext4}}}}
  - {{record: node_filesystem_size_bytes, expr: vector(1e10), labels: {{instance: 'db:9100', mountpoint: /data, device: /dev/sda1, fstype: ext4}}}}
  - {{record: node_filesystem_readonly, expr: vector(0), labels: {{instance: 'db:9100', mountpoint: /data, device: /dev/sda1, fstype: ext4}}}}
  - {{record: http_requests_total, expr: vector(time() * 9), labels: {{service: checkout, code: '200'}}}}
  - {{record: http_requests_total, expr: vector(time() * 3), labels: {{service: checkout, code: '503'}}}}
  - {{alert: Loud, expr: vector(42), labels: {{severity: critical}}, annotations: {{summary: 'it is {{{{ $value }}}}'}}}}
  - {{alert: Quiet, expr: vector(1), labels: {{severity: critical}}}}
  - {{alert: Later, expr: vector(1), for: 1h, labels: {{severity: critical}}}}
  - {{alert: Watchdog, expr: vector(1), labels: {{severity: none}}}}
"
    )
}

fn reader() -> Auth {
    Auth::Basic { user: "reader".to_owned(), password: Secret::new("correct horse") }
}

#[tokio::test]
async fn a_survey_of_the_real_thing() {
    let (node, manager) = tokio::join!(peers::NodeExporter::start(), peers::Alertmanager::start());
    manager.silence(&[("alertname", "Quiet")]).await;
    let gone = sre_testkit::refused_url().replace("http://", "");
    let server = peers::Prometheus::builder()
        .scrape("node", &node.addr())
        .scrape("gone", &gone)
        .rules(&rules(SystemClock.now().as_second()))
        .alertmanager(&manager.url())
        .route_prefix("/prom")
        // What fires before the Alertmanager is discovered is sent again only after this; a minute by default.
        .flag("--rules.alert.resend-delay=1s")
        .start()
        .await;
    let prometheus = Prometheus::new(client().build().unwrap(), &server.url()).unwrap();
    let alertmanager = Alertmanager::new(client().build().unwrap(), &manager.url()).unwrap();
    let mut config = SurveyConfig::default();
    config.watchdog = Some("Watchdog".to_owned());
    // A rate over a window that is not yet full of samples is too low.
    (config.checks.hot_nodes.window, config.checks.requests.window) = (Duration::from_secs(5), Duration::from_secs(5));

    server.wait_for_alert("Loud").await;
    server.wait_for("up{job=\"gone\"} == 0").await;
    server.wait_for("count_over_time(http_requests_total{code=\"503\"}[20s]) > 7").await;
    server.wait_for("predict_linear(node_filesystem_avail_bytes{instance=\"db:9100\"}[6h], 86400) < 0").await;
    // Prometheus hands an alert over some time after it fires.
    let survey = eventually(async || {
        let survey = survey(&prometheus, Some(&alertmanager), &config, soon()).await.unwrap();
        let arrived = |name: &str| {
            let mut all = survey.firing_alerts.iter().chain(&survey.suppressed_alerts);
            all.any(|a| a.name == name && a.in_alertmanager == Some(true))
        };
        let watchdog = !survey.findings().iter().any(|f| f.code.as_str() == "PROM-WATCHDOG");
        (arrived("Loud") && arrived("Quiet") && watchdog).then_some(survey)
    })
    .await;

    assert!(survey.is_complete() && survey.unknown_checks.is_empty(), "{survey:?}");
    let names = |alerts: &[sre_metrics::firing::FiringAlert]| alerts.iter().map(|a| a.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&survey.firing_alerts), ["Loud"], "pending, silenced and `none` are left out");
    assert_eq!(names(&survey.suppressed_alerts), ["Quiet"]);
    assert_eq!(survey.firing_alerts[0].value, Some(SampleValue(42.0)));
    let codes: Vec<(&str, Severity, &str)> =
        survey.findings().iter().map(|f| (f.code.as_str(), f.severity, f.subject.as_str())).collect();
    let expected = [
        ("PROM-ALERT", Severity::Critical, "Loud"),
        ("PROM-TARGETDOWN", Severity::Error, "job gone"),
        ("PROM-5XX", Severity::Warning, "checkout"),
        ("PROM-DISKFILL", Severity::Warning, "db:9100 /data"),
        ("PROM-ERRORRATIO", Severity::Warning, "checkout"),
        ("PROM-HOTNODE", Severity::Warning, "hot:9100"),
    ];
    // The machine that runs the tests may itself be hot or nearly full; its node exporter says so rightly.
    let own = node.addr();
    let codes: Vec<_> = codes.into_iter().filter(|(_, _, subject)| !subject.starts_with(&own)).collect();
    assert_eq!(codes, expected);
    let cpu = survey.hot_nodes.iter().find(|n| n.instance == "hot:9100").unwrap().cpu_percent.0;
    assert!((94.0..96.0).contains(&cpu), "{cpu}");
    assert!(
        (2.5..3.5).contains(&survey.error_rates[0].per_second.0)
            && (20.0..30.0).contains(&survey.error_ratios[0].percent.0)
    );
}

#[tokio::test]
async fn queries_rules_and_targets_below_a_sub_path_with_a_password() {
    let node = peers::NodeExporter::start().await;
    let server = peers::Prometheus::builder()
        .scrape("node", &node.addr())
        .rules(&rules(SystemClock.now().as_second()))
        .route_prefix("/deep/prom")
        .basic_auth()
        .start()
        .await;
    server.wait_for("up{job=\"node\"} == 1").await;
    server.wait_for_alert("Loud").await;
    let authorized = client().auth(reader()).build().unwrap();
    let prometheus = Prometheus::new(authorized, &format!("{}/", server.url())).unwrap();

    let answer = prometheus.instant("up{job=\"node\"}").await.unwrap();
    let QueryData::Vector(up) = answer.data else { panic!("{answer:?}") };
    assert_eq!((up.len(), up[0].sample.value), (1, SampleValue(1.0)));
    let long = format!("up{{job!=\"{}\"}}", "x".repeat(24_000));
    assert!(prometheus.instant(long).await.is_ok(), "24 KB of PromQL do not fit a URL");
    let QueryData::Scalar(nan) = prometheus.instant("scalar(vector(0)) / 0").await.unwrap().data else { panic!() };
    assert!(nan.value.0.is_nan());
    assert_eq!(prometheus.instant("\"hello\"").await.unwrap().data, QueryData::String("hello".to_owned()));
    let at = "2020-01-01T00:00:00.25Z".parse().unwrap();
    let QueryData::Scalar(then) = prometheus.instant(Query::new("time()").at(at)).await.unwrap().data else { panic!() };
    assert_eq!((then.at, then.value), (at, SampleValue(1_577_836_800.25)));
    let end = at + Duration::from_secs(60);
    let range = Range { start: at, end, step: Duration::from_millis(7500) };
    let QueryData::Matrix(series) = prometheus.range("vector(time())", range).await.unwrap().data else { panic!() };
    assert_eq!((series[0].samples.len(), series[0].samples[8].at), (9, end));

    let groups = prometheus.rules().await.unwrap().data;
    let kinds: Vec<RuleKind> = groups[0].rules.iter().map(|r| r.kind).collect();
    assert_eq!((kinds.len(), kinds[0], kinds[9]), (10, RuleKind::Recording, RuleKind::Alerting));
    let targets = prometheus.targets().await.unwrap().data;
    assert_eq!((targets.len(), targets[0].health, targets[0].labels.get("job")), (1, Health::Up, "node"));
    let alerts = prometheus.alerts().await.unwrap().data;
    let later = alerts.iter().find(|a| a.labels.get("alertname") == "Later").unwrap();
    assert_eq!(later.state, AlertState::Pending);

    let refused = async |query: Query| prometheus.instant(query).await.unwrap_err();
    let e = refused("sum(".into()).await;
    assert_eq!((e.kind(), e.status(), e.attempts()), (ErrorKind::BadQuery, Some(400), 1));
    let e = refused("up * on() group_left() {__name__=~\".+\"} + on() up".into()).await;
    assert_eq!((e.kind(), e.status(), e.attempts()), (ErrorKind::Execution, Some(422), 1), "{e}");
    let e = refused(Query::new("count_values(\"v\", {__name__=~\".+\"})").timeout(Duration::from_nanos(1000))).await;
    assert_eq!((e.kind(), e.status(), e.attempts()), (ErrorKind::QueryTimeout, Some(503), 3), "{e}");

    let anonymous = Prometheus::new(client().build().unwrap(), &server.url()).unwrap();
    assert_eq!(anonymous.instant("up").await.unwrap_err().kind(), ErrorKind::Unauthorized);
    let outside = server.url().replace("/deep/prom", "");
    let outside = Prometheus::new(client().auth(reader()).build().unwrap(), &outside).unwrap();
    assert_eq!(outside.alerts().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_prometheus_that_knows_nothing_says_so() {
    let server = peers::Prometheus::start().await;
    let prometheus = Prometheus::new(client().build().unwrap(), &server.url()).unwrap();
    let survey = survey(&prometheus, None, &SurveyConfig::default(), soon()).await.unwrap();
    assert_eq!(survey.unknown_checks.len(), 5);
    assert!(survey.is_complete() && survey.findings().iter().all(|f| f.severity == Severity::Info));
}
