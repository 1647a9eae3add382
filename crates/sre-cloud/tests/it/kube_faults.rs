//! Each way in which a list can fail: kind, class, attempts, time.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use serde_json::json;
use sre_cloud::kubernetes::ConnectOptions;
use sre_cloud::{Error, ErrorKind};
use sre_core::{Classify, Delivery, ErrorClass};
use sre_testkit::refused_url;
use sre_testkit::scripted::{Reply, Request, Server};
use tokio::time::Instant;

use crate::kube_cluster::{Kubeconfig, cluster, cluster_at, page, pod_names, quick, status};

async fn fails(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Error, usize) {
    let server = Server::start(handler).await;
    let start = Instant::now();
    let error = pod_names(&cluster(&server).await).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}: {error}", start.elapsed());
    assert_eq!(error.target().as_str(), "prod");
    assert!(error.elapsed().is_some(), "{error}");
    assert!(error.to_string().contains("127.0.0.1:"), "{error}");
    (error, server.count())
}

fn told(error: &Error) -> (ErrorKind, ErrorClass, Delivery, u32) {
    (error.kind(), error.class(), error.delivery(), error.attempts())
}

#[tokio::test]
async fn refused_and_unknown_hosts() {
    let error = pod_names(&cluster_at(&refused_url(), quick()).await).await.unwrap_err();
    assert_eq!(told(&error), (ErrorKind::Connect, ErrorClass::Connection, Delivery::NotSent, 3));
    assert!(error.to_string().contains("Connection refused"), "{error}");

    let error = pod_names(&cluster_at("https://no-such-host.invalid:6443", quick()).await).await.unwrap_err();
    assert_eq!(told(&error), (ErrorKind::Dns, ErrorClass::Connection, Delivery::NotSent, 3));
    assert!(error.to_string().contains("no-such-host.invalid:6443"), "{error}");
}

#[tokio::test]
async fn accept_and_hang_ends_at_the_read_timeout() {
    let (error, count) = fails(|_| Reply::hang()).await;
    assert_eq!(told(&error), (ErrorKind::Timeout, ErrorClass::Connection, Delivery::MaybeSent, 3));
    assert!(error.to_string().contains("nothing more to read for 1s"), "{error}");
    assert_eq!(count, 3);
}

#[tokio::test]
async fn a_hanging_tls_handshake_ends_at_the_connect_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let cluster = cluster_at(&url, quick().connect_timeout(Duration::from_millis(200))).await;
    let error = pod_names(&cluster).await.unwrap_err();
    assert_eq!(told(&error), (ErrorKind::Timeout, ErrorClass::Connection, Delivery::NotSent, 3));
    assert!(error.to_string().contains("no connection for 200ms"), "{error}");
}

#[tokio::test]
async fn the_deadline_ends_everything() {
    let server = Server::start(|_| Reply::hang()).await;
    let cluster = cluster_at(&server.url(), quick().read_timeout(Duration::from_secs(10))).await;
    let start = Instant::now();
    let error = pod_names(&cluster.with_deadline(Duration::from_millis(300))).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 1));
    assert!(error.to_string().contains("the time limit of 300ms"), "{error}");
}

#[tokio::test]
async fn broken_bodies_are_tried_again() {
    let body = || page(0, 50, None).to_string();
    let (error, count) = fails(move |_| Reply::reset_after(200, body(), 700)).await;
    assert_eq!(told(&error), (ErrorKind::Broken, ErrorClass::Connection, Delivery::MaybeSent, 3));
    assert_eq!(count, 3);
    let (error, _) = fails(move |_| Reply::truncated(200, body(), 700)).await;
    assert_eq!(told(&error), (ErrorKind::Broken, ErrorClass::Connection, Delivery::MaybeSent, 3));
    let (error, _) = fails(|_| Reply::close()).await;
    assert_eq!(told(&error), (ErrorKind::Broken, ErrorClass::Connection, Delivery::MaybeSent, 3));
}

#[tokio::test]
async fn truncated_json_is_unreadable() {
    let (error, count) = {
        let server = Server::start(|_| {
            let whole = page(0, 50, None).to_string();
            Reply::bytes(200, "application/json", whole[..700].to_owned())
        })
        .await;
        (pod_names(&cluster(&server).await).await.unwrap_err(), server.count())
    };
    assert_eq!(told(&error), (ErrorKind::Decode, ErrorClass::Application, Delivery::Answered, 1));
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_huge_body_is_refused() {
    let (error, count) = fails(|_| Reply::endless(300_000_000)).await;
    assert_eq!(told(&error), (ErrorKind::TooLarge, ErrorClass::Application, Delivery::Answered, 1));
    assert_eq!(count, 1);
    let bomb = Server::start(|_| Reply::endless(10_000_000).gzip()).await;
    let error = pod_names(&cluster_at(&bomb.url(), quick().max_page_bytes(1 << 20)).await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let (error, _) = fails(|_| Reply::endless(300_000_000).header("content-length", "300000000")).await;
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[tokio::test]
async fn refusals_have_their_kinds() {
    for (code, kind, class) in [
        (401, ErrorKind::Unauthorized, ErrorClass::Auth),
        (403, ErrorKind::Forbidden, ErrorClass::Auth),
        (404, ErrorKind::NotFound, ErrorClass::Application),
        (410, ErrorKind::Gone, ErrorClass::Application),
        (302, ErrorKind::Refused, ErrorClass::Application),
        (400, ErrorKind::Refused, ErrorClass::Application),
    ] {
        let (error, count) = fails(move |_| status(code, "R", "because of this")).await;
        assert_eq!(told(&error), (kind, class, Delivery::Answered, 1), "{code}");
        assert_eq!((error.status(), count), (Some(code), 1));
        assert!(error.to_string().contains("because of this"), "{error}");
    }
}

#[tokio::test]
async fn busy_servers_are_asked_again() {
    for code in [429, 500, 502, 503, 504] {
        let (error, count) = fails(move |_| status(code, "R", "busy").header("retry-after", "1")).await;
        assert_eq!((error.status(), error.attempts(), count), (Some(code), 3, 3));
        assert_eq!(error.class(), ErrorClass::Application);
    }
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_| match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 | 1 => status(500, "InternalError", "etcd leader changed"),
        _ => Reply::json(200, &page(0, 2, None)),
    })
    .await;
    let (names, summary) = pod_names(&cluster(&server).await).await.unwrap();
    assert_eq!((names.len(), summary.attempts), (2, 3));
}

#[tokio::test]
async fn retry_after_is_a_floor() {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_| match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => status(429, "TooManyRequests", "slow down").header("retry-after", "1"),
        _ => Reply::json(200, &page(0, 2, None)),
    })
    .await;
    let retry = sre_core::RetryPolicy::builder().base(Duration::from_millis(1)).build().unwrap();
    let start = Instant::now();
    pod_names(&cluster_at(&server.url(), quick().retry(retry)).await).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_untrusted_certificate_is_a_tls_error_and_final() {
    let server = Server::start_tls(|_| Reply::json(200, &page(0, 1, None))).await;
    let error = pod_names(&cluster_at(&server.url(), quick()).await).await.unwrap_err();
    assert_eq!(told(&error), (ErrorKind::Tls, ErrorClass::Connection, Delivery::NotSent, 1));
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_eq!(server.count(), 0);

    let plain = Server::start(|_| Reply::json(200, &page(0, 1, None))).await;
    let url = plain.url().replace("http://", "https://");
    let error = pod_names(&cluster_at(&url, quick()).await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
}

#[tokio::test]
async fn nonsense_in_the_kubeconfig_is_a_config_error() {
    for (cluster, user, says) in [
        (json!({"server": "ftp://x"}), json!({}), "no http or https URL"),
        (json!({"server": "https://x", "certificate-authority-data": "bm90IHBlbQ=="}), json!({}), "no certificate"),
        (json!({"server": "https://x", "certificate-authority": "/no/such/file"}), json!({}), "/no/such/file"),
        (json!({"server": "https://x", "proxy-url": "gopher://p"}), json!({}), "gopher"),
        (json!({"server": "https://x"}), json!({"auth-provider": {"name": "azure"}}), "`azure`"),
        (
            json!({"server": "https://x"}),
            json!({"client-certificate": "/no/cert", "client-key": "/no/key"}),
            "/no/cert",
        ),
    ] {
        let error = Kubeconfig::new(&cluster, &user).connect(ConnectOptions::default()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::Config, Delivery::NotSent));
        assert!(error.to_string().contains(says), "{error}");
    }
}
