//! Watches that are closed, reset, expired and refused, and go on.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use serde_json::json;
use sre_cloud::ErrorKind;
use sre_cloud::kubernetes::{Event, ListOptions, ListScope, Pod, WatchEvent};
use sre_core::{Clock, SystemClock};
use sre_testkit::kubernetes::{KubeApi, objects, replies};
use sre_testkit::scripted::{Chunk, Reply, Server};
use tokio::time::timeout;

use crate::kube_cluster::{cluster, connect, page, quick};

type Pods = Pin<Box<dyn Stream<Item = WatchEvent<Pod>> + Send>>;

async fn next(pods: &mut Pods) -> WatchEvent<Pod> {
    timeout(Duration::from_secs(10), pods.next()).await.unwrap().unwrap()
}

/// The next event as text; interruptions are left out and counted.
async fn story(pods: &mut Pods, interruptions: &mut usize) -> String {
    loop {
        return match next(pods).await {
            WatchEvent::Reset => "reset".to_owned(),
            WatchEvent::Synced => "synced".to_owned(),
            WatchEvent::Applied(pod) => format!("+{}", pod.metadata.name),
            WatchEvent::Deleted(pod) => format!("-{}", pod.metadata.name),
            WatchEvent::Interrupted { .. } => {
                *interruptions += 1;
                continue;
            }
            other => panic!("{other:?}"),
        };
    }
}

async fn stories(pods: &mut Pods, expected: &[&str]) -> usize {
    let mut interruptions = 0;
    for expected in expected {
        assert_eq!(story(pods, &mut interruptions).await, *expected);
    }
    interruptions
}

async fn watched(api: &KubeApi) -> Pods {
    Box::pin(connect(api, quick()).await.watch(ListScope::All, ListOptions::default()))
}

async fn until_watching(api: &KubeApi) {
    timeout(Duration::from_secs(10), async {
        while api.watching("pods") == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .unwrap();
}

/// Polls the stream, which is what makes it connect, until the server has a watcher; nothing may come meanwhile.
async fn idle_until_watching(api: &KubeApi, pods: &mut Pods) {
    tokio::select! {
        event = next(pods) => panic!("{event:?}"),
        () = until_watching(api) => {}
    }
}

#[tokio::test]
async fn lists_then_follows_changes() {
    let api = KubeApi::builder().pods(vec![objects::pod("shop", "a"), objects::pod("shop", "b")]).start().await;
    let mut pods = watched(&api).await;
    stories(&mut pods, &["reset", "+a", "+b", "synced"]).await;
    idle_until_watching(&api, &mut pods).await;
    api.apply("pods", objects::pod("shop", "c"));
    api.delete("pods", Some("shop"), "a");
    stories(&mut pods, &["+c", "-a"]).await;
    let watch = api.requests().into_iter().find(|r| r.query_value("watch").is_some()).unwrap();
    assert_eq!(watch.query_value("allowWatchBookmarks").as_deref(), Some("true"));
    assert_eq!(watch.header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn survives_good_and_bad_ends_without_listing_again() {
    let api = KubeApi::builder().pods(vec![objects::pod("shop", "a")]).start().await;
    let mut pods = watched(&api).await;
    stories(&mut pods, &["reset", "+a", "synced"]).await;
    idle_until_watching(&api, &mut pods).await;
    api.close_watches("pods");
    api.apply("pods", objects::pod("shop", "while-away"));
    assert_eq!(stories(&mut pods, &["+while-away"]).await, 0, "a good end is no interruption");
    idle_until_watching(&api, &mut pods).await;
    api.reset_watches("pods");
    api.apply("pods", objects::pod("shop", "after-reset"));
    assert_eq!(stories(&mut pods, &["+after-reset"]).await, 1);
    let lists = api.requests().iter().filter(|r| r.path == "/api/v1/pods" && r.query_value("watch").is_none()).count();
    assert_eq!(lists, 1);
}

#[tokio::test]
async fn lists_anew_when_the_version_is_gone() {
    let api = KubeApi::builder().pods(vec![objects::pod("shop", "a"), objects::pod("shop", "b")]).start().await;
    let mut pods = watched(&api).await;
    stories(&mut pods, &["reset", "+a", "+b", "synced"]).await;
    idle_until_watching(&api, &mut pods).await;
    api.delete("pods", Some("shop"), "b");
    stories(&mut pods, &["-b"]).await;
    api.expire_watches("pods");
    stories(&mut pods, &["reset", "+a", "synced"]).await;
}

#[tokio::test]
async fn a_bookmark_moves_the_version_on() {
    let api = KubeApi::builder().pods(vec![objects::pod("shop", "a")]).start().await;
    let mut pods = watched(&api).await;
    stories(&mut pods, &["reset", "+a", "synced"]).await;
    idle_until_watching(&api, &mut pods).await;
    api.apply("nodes", objects::node("n", true));
    api.bookmark("pods");
    api.close_watches("pods");
    api.apply("pods", objects::pod("shop", "b"));
    stories(&mut pods, &["+b"]).await;
    let versions: BTreeSet<_> = api.requests().iter().filter_map(|r| r.query_value("resourceVersion")).collect();
    assert_eq!(versions.len(), 2, "{versions:?}");
}

#[tokio::test]
async fn failures_are_told_and_tried_again() {
    let broken = Arc::new(AtomicBool::new(true));
    let fails = Arc::clone(&broken);
    let api = KubeApi::builder()
        .pods(vec![objects::pod("shop", "a")])
        .fault(move |request, _| fails.load(Ordering::SeqCst).then(|| replies::forbidden(request)))
        .start()
        .await;
    let mut pods = watched(&api).await;
    for _ in 0..3 {
        let WatchEvent::Interrupted { error, retry_in } = next(&mut pods).await else { panic!("no interruption") };
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        assert!(retry_in <= Duration::from_millis(20));
    }
    broken.store(false, Ordering::SeqCst);
    stories(&mut pods, &["reset", "+a", "synced"]).await;
}

#[tokio::test]
async fn a_refused_token_is_renewed_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(|request| {
        let watch = request.query_value("watch").is_some();
        match (watch, request.header("authorization")) {
            (false, _) => Reply::json(200, &page(0, 1, None)),
            (true, Some("Bearer token-2")) => {
                let (line, reply) = Reply::channel();
                let event =
                    json!({"type": "ADDED", "object": {"metadata": {"name": "late", "resourceVersion": "101"}}});
                // The stream stays open: its sender lives as long as the test.
                line.send(Chunk::from(format!("{event}\n"))).unwrap();
                std::mem::forget(line);
                reply
            }
            _ => replies::unauthorized(),
        }
    })
    .await;
    let script = crate::kube_auth::counting_plugin(dir.path());
    let config =
        crate::kube_cluster::Kubeconfig::new(&json!({"server": server.url()}), &crate::kube_auth::exec(&script));
    let cluster = config.connect(quick()).await.unwrap();
    let mut pods: Pods = Box::pin(cluster.watch(ListScope::All, ListOptions::default()));
    assert_eq!(stories(&mut pods, &["reset", "+pod-0", "synced", "+late"]).await, 0);
}

#[tokio::test]
async fn a_server_that_ends_each_watch_at_once_is_not_hammered() {
    let server = Server::start(|request| match request.query_value("watch") {
        None => Reply::json(200, &page(0, 0, None)),
        Some(_) => Reply::text(200, ""),
    })
    .await;
    let cluster = cluster(&server).await;
    let mut pods: Pods = Box::pin(cluster.watch(ListScope::All, ListOptions::default()));
    stories(&mut pods, &["reset", "synced"]).await;
    let quiet = timeout(Duration::from_millis(300), pods.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    assert!(server.count() < 200, "{} requests", server.count());
}

#[tokio::test]
async fn events_can_be_watched_too() {
    let api = KubeApi::builder()
        .events(vec![objects::warning("shop", "web", "FailedMount", "no volume", 1, SystemClock.now())])
        .start()
        .await;
    let warnings = ListOptions::default().field_selector("type=Warning");
    let stream = connect(&api, quick()).await.watch::<Event>(ListScope::namespace("shop").unwrap(), warnings);
    let seen: Vec<_> = stream.take(3).collect().await;
    assert!(matches!(seen.as_slice(), [WatchEvent::Reset, WatchEvent::Applied(_), WatchEvent::Synced]), "{seen:?}");
}
