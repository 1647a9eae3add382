//! All kinds side by side: what is found, what is denied, what does not answer.

use std::time::Duration;

use serde_json::{Value, json};
use sre_cloud::ErrorKind;
use sre_cloud::kubernetes::{Area, ClusterSurvey, SurveyOptions};
use sre_core::{Clock, ErrorClass, Severity, SystemClock};
use sre_testkit::kubernetes::{KubeApi, KubeApiBuilder, objects, replies};
use sre_testkit::scripted::Reply;
use tokio::time::Instant;

use crate::kube_cluster::{connect, quick};

fn shop() -> KubeApiBuilder {
    let crashing = |i| objects::owned_by(objects::crash_looping_pod("shop", &format!("api-{i}")), "StatefulSet", "api");
    KubeApi::builder()
        .generated_pods(1500, 3000, 0)
        .pods((0..3).map(crashing).collect())
        .nodes(vec![objects::node("node-1", true), objects::node("node-2", false)])
        .events(vec![
            objects::warning("shop", "other-1", "FailedMount", "no such volume", 4, SystemClock.now()),
            json!({"metadata": {"namespace": "shop", "name": "calm"}, "type": "Normal", "reason": "Pulled"}),
        ])
        .deployments(vec![objects::deployment("shop", "web", 2)])
        .stateful_sets(vec![objects::stateful_set("shop", "db", 3)])
        .daemon_sets(vec![objects::daemon_set("ops", "agent", 2)])
        .jobs(vec![objects::job("ops", "backup", false)])
}

fn codes(survey: &ClusterSurvey) -> Vec<&str> {
    survey.findings.iter().map(|f| f.code.as_str()).collect()
}

#[tokio::test]
async fn a_whole_cluster() {
    let api = shop().start().await;
    let survey = connect(&api, quick()).await.survey(&SurveyOptions::default()).await.unwrap();
    assert!(survey.is_complete() && survey.consistent, "{survey:?}");
    assert_eq!(
        codes(&survey),
        ["K8S-CRASHLOOP", "K8S-NODE-NOTREADY", "K8S-EVENT", "K8S-JOB"],
        "{:#?}",
        survey.findings
    );
    assert_eq!(survey.findings[0].count, 3);
    let json = serde_json::to_value(&survey).unwrap();
    assert_eq!(json["cluster"], "prod");
    assert_eq!(json["unhealthy"].as_array().unwrap().len(), 3);
    assert_eq!(json["warnings"].as_array().unwrap().len(), 1);
    for key in ["pods", "nodes", "workloads", "jobs"] {
        assert!(json[key].is_object(), "{key}: {json}");
    }
    assert_eq!((&json["denied"], &json["errors"], &json["consistent"]), (&json!([]), &json!([]), &json!(true)));
    let events = api.requests().into_iter().find(|r| r.path == "/api/v1/events").unwrap();
    assert_eq!(events.query_value("fieldSelector").as_deref(), Some("type=Warning"));
    assert_eq!(survey.cost.requests, 10, "four pages of pods, six other kinds");
}

#[tokio::test]
async fn what_is_denied_is_named_and_the_rest_stands() {
    let api = shop().forbid("nodes").forbid("deployments").forbid("statefulsets").start().await;
    let survey = connect(&api, quick()).await.survey(&SurveyOptions::default()).await.unwrap();
    assert_eq!(
        survey.denied.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "list nodes in all namespaces",
            "list deployments.apps in all namespaces",
            "list statefulsets.apps in all namespaces",
        ]
    );
    assert!(survey.gaps.is_empty());
    assert_eq!(codes(&survey).iter().filter(|c| **c == "K8S-DENIED").count(), 3);
    assert!(codes(&survey).contains(&"K8S-CRASHLOOP"));
    assert!(survey.facts.nodes.is_none() && survey.facts.workloads.is_some() && survey.facts.pods.is_some());
    assert!(survey.facts.unread.contains(&Area::Nodes));
    let role = survey.missing_role("reader").unwrap();
    assert!(role.contains("resources: [deployments, statefulsets]") && role.contains("resources: [nodes]"), "{role}");
}

#[tokio::test]
async fn one_forbidden_namespace_hides_no_other() {
    let api = shop().forbid_in("pods", "secret").namespaces(&["secret"]).start().await;
    let options = SurveyOptions::default().namespaces(["shop", "secret", "ops", "shop"]);
    let survey = connect(&api, quick()).await.survey(&options).await.unwrap();
    assert_eq!(survey.denied.iter().map(ToString::to_string).collect::<Vec<_>>(), ["list pods in namespace secret"]);
    assert_eq!(survey.facts.unhealthy.len(), 3);
    assert!(survey.gaps.is_empty(), "{:?}", survey.gaps);
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_no_healthy_one() {
    let api = shop().start().await;
    let options = SurveyOptions::default().namespaces(["shop", "shoop"]);
    let survey = connect(&api, quick()).await.survey(&options).await.unwrap();
    assert_eq!(survey.gaps.len(), 1, "{:?}", survey.gaps);
    let gap = &survey.gaps[0];
    assert_eq!((gap.area, gap.namespace.as_deref(), gap.error.kind()), (None, Some("shoop"), ErrorKind::NotFound));
    let json: Value = serde_json::to_value(&survey).unwrap();
    assert_eq!(
        (&json["errors"][0]["namespace"], &json["errors"][0]["class"]),
        (&json!("shoop"), &json!("application"))
    );
    let error = connect(&api, quick()).await.survey(&SurveyOptions::default().namespaces(["a/b"])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn one_kind_that_hangs_does_not_hide_the_rest() {
    let api = shop().fault(|request, _| request.path.ends_with("/events").then(Reply::hang)).start().await;
    let start = Instant::now();
    let survey = connect(&api, quick()).await.survey(&SurveyOptions::default()).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(survey.gaps.len(), 1);
    assert_eq!((survey.gaps[0].area, survey.gaps[0].error.kind()), (Some(Area::Events), ErrorKind::Timeout));
    assert_eq!(survey.gaps[0].error.attempts(), 3);
    assert!(survey.findings.iter().any(|f| f.severity == Severity::Critical));
}

#[tokio::test]
async fn nothing_at_all_is_an_error() {
    let api = shop().fault(|_, _| Some(replies::unauthorized())).start().await;
    let error = connect(&api, quick()).await.survey(&SurveyOptions::default()).await.unwrap_err();
    assert_eq!((error.kind(), sre_core::Classify::class(&error)), (ErrorKind::Unauthorized, ErrorClass::Auth));

    let api = shop().fault(|request, _| Some(replies::forbidden(request))).start().await;
    let error = connect(&api, quick()).await.survey(&SurveyOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);

    let api = shop().fault(|_, _| Some(Reply::hang())).start().await;
    let cluster = connect(&api, quick().read_timeout(Duration::from_secs(30))).await;
    let start = Instant::now();
    let error = cluster.with_deadline(Duration::from_millis(400)).survey(&SurveyOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(start.elapsed() < Duration::from_millis(1400), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_long_list_that_expires_is_read_on_and_marked() {
    let api = shop().expire_lists_after("pods", 600).start().await;
    let survey = connect(&api, quick()).await.survey(&SurveyOptions::default()).await.unwrap();
    assert!(!survey.consistent && survey.is_complete());
    assert_eq!(survey.facts.unhealthy.len(), 3);
}
