//! A report with something of everything, for the renderers' tests.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use sre_core::{Code, ErrorClass, Evidence, Finding, Severity, Target};

use super::style::Style;
use crate::report::{Age, Entry, Report, Resolved};
use crate::source::{SourceError, SourceKey, SourceKind, SourceReport, SourceState};
use crate::verdict::{FailOn, Verdict};

pub(super) fn now() -> Timestamp {
    "2026-03-23T07:00:00Z".parse().unwrap()
}

pub(super) fn style() -> Style {
    Style::plain(TimeZone::UTC, now())
}

fn key(kind: SourceKind, target: &str) -> SourceKey {
    SourceKey::new(kind, target)
}

fn answered(kind: SourceKind, target: &str, summary: &str) -> SourceReport {
    SourceReport {
        key: key(kind, target),
        state: SourceState::Answered,
        elapsed: Duration::from_millis(1100),
        facts: json!({"cluster": target}),
        findings: Vec::new(),
        summary: summary.to_owned(),
        notes: Vec::new(),
        error: None,
        scope: String::new(),
    }
}

fn entry(origin: SourceKey, code: &'static str, severity: Severity, subject: &str, title: &str) -> Entry {
    let finding =
        Finding::new(Code::new(code), severity, origin.kind.id(), Target::new(&origin.target), subject, title);
    Entry::new(origin, finding)
}

pub(super) fn report() -> Report {
    let prod = key(SourceKind::Kubernetes, "prod-us-east-1");
    let crash = Entry {
        detail: "last exit OOMKilled (137); 14 restarts".into(),
        count: 3,
        evidence: vec![Evidence::Command(
            "kubectl --context prod-us-east-1 -n payments logs deploy/api --previous".into(),
        )],
        since: Some("2026-03-23T06:41:00Z".parse().unwrap()),
        age: Age::New,
        first_seen: Some(now()),
        ..entry(prod, "K8S-CRASHLOOP", Severity::Critical, "deployment payments/api", "CrashLoopBackOff, 3 of 12 pods")
    };
    let impaired = Entry {
        age: Age::Ongoing,
        first_seen: Some("2026-03-21T07:00:00Z".parse().unwrap()),
        ..entry(
            key(SourceKind::Aws, "us-east-1"),
            "EC2-IMPAIRED",
            Severity::Critical,
            "i-0abc123",
            "system status check impaired",
        )
    };
    let rate = Entry {
        evidence: vec![
            Evidence::Link("http://prom:9090/graph?g0.expr=x".into()),
            Evidence::Value { name: "rate".into(), value: 0.41, unit: "/s".into() },
        ],
        age: Age::Ongoing,
        first_seen: Some("2026-03-22T07:00:00Z".parse().unwrap()),
        ..entry(
            key(SourceKind::Prometheus, "http://prom:9090"),
            "PROM-5XX",
            Severity::Warning,
            "checkout <b>|*x*",
            "5xx 0.41/s (limit 0.10/s)",
        )
    };
    let error = SourceError {
        class: ErrorClass::Connection,
        target: "prod-eu-west-1".into(),
        message: "no answer in time: api.eu.example:6443".into(),
        attempts: 3,
        elapsed_seconds: 5.0,
        advice: "check VPN, firewall, name and port; the credentials were not tried".into(),
    };
    let partial = SourceReport {
        state: SourceState::Partial,
        notes: vec!["list nodes is forbidden".into()],
        ..answered(SourceKind::Kubernetes, "staging-us-east-1", "88 pods, ok")
    };
    let sources = vec![
        answered(SourceKind::Kubernetes, "prod-us-east-1", "412 pods, 9 unhealthy, 31 nodes ready"),
        partial,
        SourceReport::failed(key(SourceKind::Kubernetes, "prod-eu-west-1"), Duration::from_secs(5), error),
        answered(SourceKind::Prometheus, "http://prom:9090", "3 firing (1 critical), 0 hot nodes"),
        answered(SourceKind::Aws, "us-east-1", "47 running, 12 stopped"),
    ];
    let findings = vec![crash, impaired, rate];
    let mut verdict = Verdict::of(&sources, &findings, FailOn::Critical);
    verdict.compared_with = Some("2026-03-22T07:00:00Z".parse().unwrap());
    verdict.elapsed_seconds = 2.1;
    verdict.ignored = 1;
    let resolved = Resolved {
        id: findings[0].id.clone(),
        code: "K8S-JOB".into(),
        severity: Severity::Warning,
        source: "kubernetes".into(),
        target: "staging-us-east-1".into(),
        subject: "job nightly/backup".into(),
        title: "failed".into(),
        first_seen: now(),
    };
    Report::new(now(), verdict, sources, findings, vec![resolved])
}
