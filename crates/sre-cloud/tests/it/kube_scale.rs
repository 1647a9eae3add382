//! Scaling: dry run, for real, with an autoscaler in the way, and refused.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use sre_cloud::ErrorKind;
use sre_cloud::kubernetes::{Scalable, ScaleRequest};
use sre_testkit::kubernetes::{KubeApi, KubeApiBuilder, objects};

use crate::kube_cluster::{connect, quick};

fn shop() -> KubeApiBuilder {
    KubeApi::builder()
        .deployments(vec![objects::deployment("shop", "web", 2)])
        .stateful_sets(vec![objects::stateful_set("shop", "db", 3)])
}

fn replicas(api: &KubeApi, plural: &str, name: &str) -> serde_json::Value {
    api.get(plural, Some("shop"), name).unwrap()["spec"]["replicas"].clone()
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_a_real_one_does() {
    let api = shop().start().await;
    let cluster = connect(&api, quick()).await;
    let request = ScaleRequest::new(Scalable::Deployment, "shop", "web", 5);
    let tried = cluster.scale(&request.clone().dry_run(true)).await.unwrap();
    assert_eq!((tried.previous, tried.replicas, tried.dry_run), (2, 5, true));
    assert_eq!(replicas(&api, "deployments", "web"), json!(2));
    let patch = api.requests().into_iter().find(|r| r.method == "PATCH").unwrap();
    assert_eq!(patch.path, "/apis/apps/v1/namespaces/shop/deployments/web/scale");
    assert_eq!(patch.query_value("dryRun").as_deref(), Some("All"));
    assert_eq!(patch.header("content-type"), Some("application/merge-patch+json"));

    let done = cluster.scale(&request).await.unwrap();
    assert_eq!((done.previous, done.replicas, done.dry_run), (2, 5, false));
    assert_eq!(done.undo, "kubectl --context prod -n shop scale deployment/web --replicas=2");
    assert!(done.warnings.is_empty(), "{:?}", done.warnings);
    assert_eq!(replicas(&api, "deployments", "web"), json!(5));
}

#[tokio::test]
async fn to_zero_and_back() {
    let api = shop().start().await;
    let cluster = connect(&api, quick()).await;
    let zero = ScaleRequest::new(Scalable::StatefulSet, "shop", "db", 0);
    assert_eq!(cluster.scale(&zero).await.unwrap().previous, 3);
    assert_eq!(replicas(&api, "statefulsets", "db"), json!(0));
    let again = cluster.scale(&zero).await.unwrap();
    assert_eq!((again.previous, again.replicas), (0, 0));
    assert_eq!(api.requests().iter().filter(|r| r.method == "PATCH").count(), 1, "what is so already is not sent");
    let back = cluster.scale(&ScaleRequest::new(Scalable::StatefulSet, "shop", "db", 3)).await.unwrap();
    assert_eq!((back.previous, back.replicas), (0, 3));
}

#[tokio::test]
async fn an_autoscaler_in_the_way_is_told() {
    let api = shop().hpas(vec![objects::hpa("shop", "web-hpa", "Deployment", "web")]).start().await;
    let request = ScaleRequest::new(Scalable::Deployment, "shop", "web", 5).dry_run(true);
    let tried = connect(&api, quick()).await.scale(&request).await.unwrap();
    assert_eq!(tried.warnings.len(), 1);
    assert!(tried.warnings[0].starts_with("HorizontalPodAutoscaler web-hpa keeps it between"), "{:?}", tried.warnings);

    let api = shop().forbid("horizontalpodautoscalers").start().await;
    let tried = connect(&api, quick()).await.scale(&request).await.unwrap();
    assert!(tried.warnings[0].contains("no permission to list horizontalpodautoscalers"), "{:?}", tried.warnings);
}

#[tokio::test]
async fn refusals() {
    let api = shop().start().await;
    let cluster = connect(&api, quick()).await;
    for (namespace, name, kind) in [
        ("shop", "nobody", ErrorKind::NotFound),
        ("no/where", "web", ErrorKind::Config),
        ("shop", "a/b", ErrorKind::Config),
    ] {
        let error = cluster.scale(&ScaleRequest::new(Scalable::Deployment, namespace, name, 1)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    let api = shop().forbid("deployments").start().await;
    let request = ScaleRequest::new(Scalable::Deployment, "shop", "web", 1);
    let error = connect(&api, quick()).await.scale(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
}
