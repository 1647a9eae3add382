//! What each fault becomes: kind, class, attempts.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use sre_core::http::Auth;
use sre_core::{Classify, Delivery, ErrorClass, RetryHint, Secret};
use sre_metrics::value::{QueryData, SampleValue};
use sre_metrics::{Alertmanager, Error, ErrorKind, Prometheus};
use sre_testkit::scripted::{Reply, Server};

use crate::rig::{client, prometheus, refusal, success, vector};

async fn failure(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Error, usize) {
    let server = Server::start(move |_| reply()).await;
    let e = prometheus(&server.url()).instant("up").await.unwrap_err();
    assert_eq!(e.target().as_str(), server.url(), "{e}");
    (e, server.count())
}

#[tokio::test]
async fn our_mistakes_are_not_sent_again() {
    for (status, error_type, kind) in [
        (400, "bad_data", ErrorKind::BadQuery),
        (422, "execution", ErrorKind::Execution),
        (404, "not_found", ErrorKind::NotFound),
        (418, "", ErrorKind::Refused),
    ] {
        let (e, requests) = failure(move || refusal(status, error_type, "1:5: parse error: no closing paren")).await;
        assert_eq!((e.kind(), e.class(), requests), (kind, ErrorClass::Application, 1), "{e}");
        assert_eq!((e.retry_hint(), e.delivery(), e.status()), (RetryHint::Never, Delivery::Answered, Some(status)));
        assert!(e.to_string().contains("1:5: parse error"), "{e}");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let (e, requests) = failure(|| refusal(503, "timeout", "query timed out in expression evaluation")).await;
    assert_eq!((e.kind(), e.class(), e.attempts(), requests), (ErrorKind::QueryTimeout, ErrorClass::Application, 3, 3));
    let (e, requests) = failure(|| Reply::text(502, "<html>bad gateway</html>")).await;
    assert_eq!((e.kind(), e.attempts(), requests), (ErrorKind::Server, 3, 3));
    let (e, requests) = failure(|| Reply::text(429, "slow down").header("retry-after", "1")).await;
    assert_eq!((e.kind(), e.attempts(), requests), (ErrorKind::RateLimited, 3, 3));

    let calls = AtomicUsize::new(0);
    let server = Server::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => Reply::text(500, "oops"),
        _ => success(&vector(&[(json!({"job": "api"}), "1")])),
    })
    .await;
    prometheus(&server.url()).instant("up").await.unwrap();
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn credentials_are_an_auth_error_at_once() {
    for (status, kind) in [(401, ErrorKind::Unauthorized), (403, ErrorKind::Forbidden)] {
        let (e, requests) = failure(move || Reply::text(status, "Unauthorized")).await;
        assert_eq!((e.kind(), e.class(), requests), (kind, ErrorClass::Auth, 1));
    }
}

#[tokio::test]
async fn broken_connections_are_told_apart() {
    let whole = || r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    for (reply, kind, class) in [
        (Reply::hang as fn() -> Reply, ErrorKind::Timeout, ErrorClass::Connection),
        (Reply::close, ErrorKind::Broken, ErrorClass::Connection),
        (|| Reply::reset_after(200, "{\"status\":\"success\"}", 9), ErrorKind::Broken, ErrorClass::Connection),
        (|| Reply::truncated(200, "{\"status\":\"success\"}", 9), ErrorKind::Broken, ErrorClass::Connection),
        (|| Reply::text(200, "{\"status\":\"succ"), ErrorKind::Decode, ErrorClass::Application),
        (|| Reply::text(200, "<html>Please log in</html>"), ErrorKind::Decode, ErrorClass::Application),
        (|| Reply::json(200, &json!({"status": "success"})), ErrorKind::Decode, ErrorClass::Application),
        (|| refusal(200, "execution", "from a proxy"), ErrorKind::Execution, ErrorClass::Application),
    ] {
        let (e, _) = failure(reply).await;
        assert_eq!((e.kind(), e.class()), (kind, class), "{e}");
    }
    let e = prometheus(&sre_testkit::refused_url()).instant("up").await.unwrap_err();
    assert_eq!((e.kind(), e.delivery(), e.attempts()), (ErrorKind::Connect, Delivery::NotSent, 3));
    let server = Server::start(move |_| Reply::text(200, whole())).await;
    let small = Prometheus::new(client().max_body(20).build().unwrap(), &server.url()).unwrap();
    assert_eq!(small.instant("up").await.unwrap_err().kind(), ErrorKind::TooLarge);
}

#[tokio::test]
async fn warnings_and_odd_values_come_through() {
    let server = Server::start(|_| {
        let data = vector(&[(json!({"a": "1"}), "NaN"), (json!({"a": "2"}), "+Inf"), (json!({"a": "3"}), "-0.5")]);
        let warnings = ["store gateway eu-2 did not answer"];
        Reply::json(
            200,
            &json!({"status": "success", "data": data, "warnings": warnings, "infos": ["rate of a gauge"]}),
        )
    })
    .await;
    let answer = prometheus(&server.url()).instant("x").await.unwrap();
    assert!(answer.is_partial());
    assert_eq!((answer.warnings.len(), answer.infos.len()), (1, 1));
    let QueryData::Vector(samples) = answer.data else { panic!("{:?}", answer.data) };
    assert!(samples[0].sample.value.0.is_nan() && samples[1].sample.value == SampleValue(f64::INFINITY));
}

#[tokio::test]
async fn get_is_used_where_post_is_not_allowed_or_loses_its_body() {
    for refusing in [
        || Reply::text(405, "Method Not Allowed"),
        || {
            refusal(
                400,
                "bad_data",
                "invalid parameter \"query\": unknown position: parse error: no expression found in input",
            )
        },
    ] {
        let server = Server::start(move |request| match request.method.as_str() {
            "GET" if request.query_value("query").as_deref() == Some("up{a=\"b&c\"}") => success(&vector(&[])),
            _ => refusing(),
        })
        .await;
        prometheus(&server.url()).instant("up{a=\"b&c\"}").await.unwrap();
        assert_eq!(server.count(), 2);
    }
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let server = Server::start(|request| match request.header("authorization") {
        Some("Bearer t0psecret") => success(&vector(&[])),
        _ => Reply::text(401, "no"),
    })
    .await;
    let authorized = client().auth(Auth::Bearer(Secret::new("t0psecret"))).build().unwrap();
    let prometheus = Prometheus::new(authorized, &server.url()).unwrap();
    prometheus.instant("up").await.unwrap();
    assert!(!format!("{prometheus:?}").contains("t0psecret"));

    let with_user = server.url().replace("http://", "http://bob:hunter2@");
    let e = crate::rig::prometheus(&with_user).instant("up").await.unwrap_err();
    assert!(!format!("{e} {e:?}").contains("hunter2"), "{e:?}");
    assert_eq!(server.requests().last().unwrap().header("authorization"), Some("Basic Ym9iOmh1bnRlcjI="));
}

#[tokio::test]
async fn tls_is_checked_and_client_certificates_are_sent() {
    let server = Server::start_mtls(|_| success(&vector(&[]))).await;
    let e = prometheus(&server.url()).instant("up").await.unwrap_err();
    assert_eq!((e.class(), e.delivery()), (ErrorClass::Connection, Delivery::NotSent), "{e}");
    assert!(e.to_string().contains("UnknownIssuer"), "{e}");
    let identity = Secret::new(server.client_identity_pem());
    let trusted = client().ca_pem(server.ca_pem()).identity_pem(identity).build().unwrap();
    Prometheus::new(trusted, &server.url()).unwrap().instant("up").await.unwrap();
}

#[tokio::test]
async fn alertmanagers_faults_have_the_same_kinds() {
    for (reply, kind, class) in [
        ((|| Reply::text(403, "no")) as fn() -> Reply, ErrorKind::Forbidden, ErrorClass::Auth),
        (|| Reply::json(400, "bad matcher"), ErrorKind::Refused, ErrorClass::Application),
        (|| Reply::text(200, "[{"), ErrorKind::Decode, ErrorClass::Application),
        (|| Reply::text(503, "starting"), ErrorKind::Server, ErrorClass::Application),
    ] {
        let server = Server::start(move |_| reply()).await;
        let alertmanager = Alertmanager::new(client().build().unwrap(), &server.url()).unwrap();
        let e = alertmanager.status().await.unwrap_err();
        assert_eq!((e.kind(), e.class()), (kind, class), "{e}");
    }
}
