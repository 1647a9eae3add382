//! The generic webhook as its receiver sees it.

use sre_alerts::signature::{self, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use sre_alerts::webhook::Webhook;
use sre_alerts::{ErrorKind, Notification, Notifier};
use sre_core::http::Client;
use sre_core::{Classify, Delivery, Secret, Severity};
use sre_testkit::scripted::{Reply, Server};

use crate::receiver::SkippingClock;

fn webhook(server: &Server) -> Webhook {
    let client = Client::builder().build().unwrap();
    let clock = std::sync::Arc::new(SkippingClock::new());
    Webhook::new(client, Secret::new(server.url() + "/hook")).unwrap().clock(clock)
}

#[tokio::test]
async fn each_attempt_is_signed_with_its_own_time() {
    let server = Server::start(|request| match request.nth {
        0 => Reply::text(429, "").header("retry-after", "20"),
        _ => Reply::text(200, ""),
    })
    .await;
    let secret = Secret::new("shared");
    let webhook = webhook(&server).sign_with(secret.clone()).header("X-Team", Secret::new("payments")).unwrap();
    let n = Notification::new(Severity::Error, "queue is stuck").key("queue").label("env", "prod");
    assert_eq!(webhook.notify(&n).await.unwrap().attempts, 2);
    let mut times = Vec::new();
    for request in server.requests() {
        let timestamp = request.header(TIMESTAMP_HEADER).unwrap();
        let signed = request.header(SIGNATURE_HEADER).unwrap();
        let now = timestamp.parse().unwrap();
        signature::verify_v0(&secret, timestamp.as_bytes(), signed.as_bytes(), &request.body, now).unwrap();
        assert_eq!(
            (request.header("x-team"), request.header("content-type")),
            (Some("payments"), Some("application/json"))
        );
        times.push(now);
    }
    assert!(times[1] - times[0] >= 20, "{times:?}");
    let body: serde_json::Value = server.requests()[1].json().unwrap();
    insta::assert_json_snapshot!(body);
    assert_eq!(serde_json::from_value::<Notification>(body).unwrap(), n, "and it can be read back");
}

#[tokio::test]
async fn a_body_of_your_own_is_sent_as_it_is() {
    let server = Server::start(|_| Reply::text(204, "")).await;
    let webhook = webhook(&server).render("text/plain; charset=utf-8", |n| match n.text.as_str() {
        "" => Err("no text".to_owned()),
        text => Ok(format!("{}|{text}", n.title)),
    });
    let n = Notification::new(Severity::Error, "ü");
    let e = webhook.notify(&n).await.unwrap_err();
    assert_eq!((e.kind(), e.delivery(), server.count()), (ErrorKind::InvalidPayload, Delivery::NotSent, 0));
    webhook.notify(&n.text("\"x\"\n")).await.unwrap();
    webhook.post("ready".to_owned()).await.unwrap();
    let requests = server.requests();
    assert_eq!((requests[0].text().as_str(), requests[1].text().as_str()), ("ü|\"x\"\n", "ready"));
    assert_eq!(requests[0].header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(requests[0].header(SIGNATURE_HEADER), None);
}

#[tokio::test]
async fn headers_cannot_be_forged() {
    let server = Server::start(|_| Reply::text(204, "")).await;
    for (name, value) in [
        ("", "x"),
        ("a b", "x"),
        ("x\r\ny", "x"),
        ("x", "s3cr3t\r\ny: z"),
        ("x", "s3cr3t\0"),
        ("Host", "x"),
        ("X-SRE-Signature", "x"),
    ] {
        let e = webhook(&server).header(name, Secret::new(value)).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Config, "{name:?}");
        assert!(!e.to_string().contains("s3cr3t"));
    }
}
