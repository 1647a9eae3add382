//! Pages, tokens, gzip and what happens when a list expires.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use sre_cloud::ErrorKind;
use sre_cloud::kubernetes::{ConnectOptions, Event, ListOptions, ListScope, Listing};
use sre_testkit::scripted::{Reply, Server};

use crate::kube_cluster::{Kubeconfig, cluster, cluster_at, page, paged, pod_names, quick, status};

#[tokio::test]
async fn pages_come_one_by_one_over_one_gzip_connection() {
    let server = Server::start(|request| {
        let reply = Reply::json(200, &paged(request, 1203));
        if request.accepts_gzip() { reply.gzip() } else { reply }
    })
    .await;
    let (names, summary) = pod_names(&cluster(&server).await).await.unwrap();
    assert_eq!(names.len(), 1203);
    assert!(names.iter().enumerate().all(|(i, name)| *name == format!("pod-{i}")));
    assert_eq!((summary.items, summary.pages, summary.attempts, summary.consistent), (1203, 3, 3, true));
    assert!(summary.wire_bytes * 5 < summary.bytes, "{summary:?}");
    assert_eq!(server.connections(), 1);
    for request in server.requests() {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/api/v1/pods"));
        assert_eq!(request.header("accept-encoding"), Some("gzip"));
        assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
        assert!(request.header("user-agent").unwrap().starts_with("sre-toolkit/"));
        assert_eq!(request.query_value("limit").as_deref(), Some("500"));
        assert_eq!(request.query_value("resourceVersion"), None, "it would switch paging off");
    }
}

#[tokio::test]
async fn large_pages_are_parsed_aside_and_the_next_one_is_fetched_meanwhile() {
    let server = Server::start(|request| Reply::json(200, &paged(request, 9000))).await;
    let cluster = cluster_at(&server.url(), quick().page_size(4000)).await;
    let (names, summary) = pod_names(&cluster).await.unwrap();
    assert_eq!((names.len(), summary.pages), (9000, 3));
    assert_eq!(names[8999], "pod-8999");
}

#[tokio::test]
async fn a_scope_and_a_selector_go_into_the_request() {
    let server = Server::start(|_| Reply::json(200, &json!({"metadata": {}, "items": []}))).await;
    let shop = ListScope::namespace("shop").unwrap();
    let warnings = ListOptions::default().field_selector("type=Warning");
    let mut pages = 0;
    cluster(&server).await.list::<Event>(&shop, &warnings, |_: Listing<Event>| pages += 1).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.path, "/api/v1/namespaces/shop/events");
    assert_eq!(request.query_value("fieldSelector").as_deref(), Some("type=Warning"));
    assert_eq!(pages, 1);
}

#[tokio::test]
async fn compression_can_be_switched_off_in_the_kubeconfig() {
    let server = Server::start(|request| Reply::json(200, &paged(request, 1))).await;
    let config = Kubeconfig::new(&json!({"server": server.url(), "disable-compression": true}), &json!({"token": "t"}));
    pod_names(&config.connect(quick()).await.unwrap()).await.unwrap();
    assert_eq!(server.requests()[0].header("accept-encoding"), Some("identity"));
}

fn expired(fresh: Option<&str>) -> Reply {
    let body = json!({"kind": "Status", "metadata": {"continue": fresh}, "reason": "Expired", "message": "too old", "code": 410});
    Reply::json(410, &body)
}

#[tokio::test]
async fn an_expired_list_goes_on_with_the_fresh_token() {
    let server = Server::start(|request| match request.query_value("continue").as_deref() {
        Some("old") => expired(Some("fresh")),
        Some("fresh") => Reply::json(200, &page(500, 7, None)),
        _ => Reply::json(200, &page(0, 500, Some("old"))),
    })
    .await;
    let (names, summary) = pod_names(&cluster(&server).await).await.unwrap();
    assert_eq!((names.len(), summary.consistent, summary.pages, summary.attempts), (507, false, 2, 3));
}

#[tokio::test]
async fn an_expired_list_without_a_token_begins_anew_once() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request| match request.query_value("continue").as_deref() {
        Some("old") if asked.fetch_add(1, Ordering::SeqCst) == 0 => expired(None),
        Some("old") => Reply::json(200, &page(2, 1, None)),
        _ => Reply::json(200, &page(0, 2, Some("old"))),
    })
    .await;
    let (names, summary) = pod_names(&cluster(&server).await).await.unwrap();
    assert_eq!(names, ["pod-0", "pod-1", "pod-2"]);
    assert_eq!((summary.items, summary.consistent), (3, true));

    let server = Server::start(|request| match request.query_value("continue").as_deref() {
        Some(_) => expired(None),
        _ => Reply::json(200, &page(0, 2, Some("old"))),
    })
    .await;
    let error = pod_names(&cluster(&server).await).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Gone, Some(410)));
    assert_eq!(server.count(), 4, "two beginnings, two expiries");
}

#[tokio::test]
async fn tokens_that_always_expire_end_the_list() {
    let server = Server::start(|request| match request.query_value("continue").as_deref() {
        Some(_) => expired(Some("another")),
        _ => Reply::json(200, &page(0, 2, Some("old"))),
    })
    .await;
    let error = pod_names(&cluster(&server).await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("expired"), "{error}");
}

#[tokio::test]
async fn a_server_that_turns_in_circles_is_left() {
    let server = Server::start(|_| Reply::json(200, &page(0, 2, Some("same")))).await;
    let error = pod_names(&cluster(&server).await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(server.count() <= 3);
}

#[tokio::test]
async fn a_list_over_tls_with_the_clusters_own_ca() {
    let server = Server::start_tls(|request| Reply::json(200, &paged(request, 3)).gzip()).await;
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, server.ca_pem()).unwrap();
    let config = Kubeconfig::new(
        &json!({"server": server.url(), "certificate-authority": ca.to_str().unwrap()}),
        &json!({"token": "t"}),
    );
    let (names, _) = pod_names(&config.connect(quick()).await.unwrap()).await.unwrap();
    assert_eq!(names.len(), 3);
}

#[tokio::test]
async fn a_forbidden_list_names_the_permission() {
    let server = Server::start(|_| status(403, "Forbidden", "pods is forbidden: User \"viewer\" cannot list")).await;
    let error = pod_names(&cluster(&server).await).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Forbidden, 1));
    assert!(error.to_string().contains("answered 403 to list pods: pods is forbidden"), "{error}");
}

#[tokio::test]
#[ignore = "needs a cluster: KUBECONFIG names it"]
async fn a_real_cluster_lists_its_pods() {
    let files = std::env::var("KUBECONFIG").unwrap();
    let files: Vec<_> = std::env::split_paths(&files).collect();
    let context = sre_cloud::kubernetes::Contexts::read(&files).unwrap().select(None).unwrap();
    let clock = sre_core::SystemClock::shared();
    let cluster = sre_cloud::kubernetes::Cluster::connect(&context, ConnectOptions::default(), clock).await.unwrap();
    let (names, summary) = pod_names(&cluster).await.unwrap();
    assert_eq!(u64::try_from(names.len()).unwrap(), summary.items);
}
