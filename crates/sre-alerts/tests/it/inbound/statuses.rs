//! Each status, and what comes with it.

use std::time::Duration;

use sre_alerts::inbound::{Credential, Inbound, Limits, signature};
use sre_alerts::{Intake as _, IntakeError};
use sre_core::{Secret, SystemClock};

use super::door::{Door, NOW, SIGNING, TOKEN, bearer, head, short};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn an_alert_is_taken() {
    let door = Door::open();
    let answer = door.alert(br#"{"title":"disk /data is full","type":"disk_full","hostname":"web-03"}"#).await;
    assert_eq!((answer.status, &answer.json()["accepted"]), (200, &1.into()), "{}", answer.text);
    assert_eq!(answer.header("x-request-id").unwrap(), answer.json()["request_id"]);
    let alert = door.kept.alerts.lock().unwrap()[0].clone();
    assert_eq!(
        (alert.source.as_str(), alert.labels["host"].as_str(), alert.labels["type"].as_str()),
        ("web-03", "web-03", "disk_full")
    );
    assert_eq!(alert.starts_at.as_second(), NOW);
    assert_eq!(door.close().await.cut_off, 0);
}

#[tokio::test]
async fn each_refusal_has_its_status() {
    let door = Door::open();
    for (body, status, error, field) in [
        (br#"{"severity":"info"}"#.as_slice(), 400, "malformed", Some("title")),
        (b"[{\"title\":\"x\"},{\"title\":\"x\",\"labels\":{\"a b\":\"c\"}}]", 400, "malformed", Some("[1].labels.a b")),
        (b"{\"title\":\"\xff\"}", 400, "malformed", Some("title")),
        (b"", 400, "malformed", None),
        (br#"{"title":"x","type":"high_gpu"}"#, 422, "unknown_type", Some("type")),
        (&[b' '; 70_000], 413, "too_large", None),
    ] {
        let answer = door.alert(body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        let json = answer.json();
        assert_eq!((json["error"].as_str().unwrap(), json["field"].as_str()), (error, field));
    }
    for (request, status) in [
        (head("GET", "/webhook/alert", &[]), 405),
        (head("POST", "/webhook/alert", &[("content-length", "0")]), 415),
        (head("POST", "/webhook/alert", &[("content-length", "0"), JSON, ("content-encoding", "gzip")]), 415),
        (head("POST", "/webhook/alert", &[("content-length", "0"), JSON]), 401),
        (head("POST", "/", &[("content-length", "0")]), 404),
        (head("POST", "/webhook/alert/../alertmanager", &[("content-length", "0")]), 404),
        ("GARBAGE\r\n\r\n".to_owned(), 400),
    ] {
        let answer = door.send(&request, b"").await;
        assert_eq!(answer.status, status, "{request}: {}", answer.text);
    }
    assert_eq!(door.kept.titles(), [""; 0]);
}

#[tokio::test]
async fn a_signature_is_good_once_and_only_when_it_came_to_something() {
    let door = Door::open();
    *door.kept.trouble.lock().unwrap() = Some(IntakeError::Full { retry_after: Duration::from_millis(1500) });
    let full = door.alert(br#"{"title":"x"}"#).await;
    assert_eq!((full.status, full.header("retry-after")), (503, Some("2")), "{}", full.text);
    *door.kept.trouble.lock().unwrap() = None;
    assert_eq!(door.alert(br#"{"title":"x"}"#).await.status, 200, "the same request, now that there is room");
    let replayed = door.alert(br#"{"title":"x"}"#).await;
    assert_eq!((replayed.status, replayed.json()["error"].as_str()), (403, Some("forbidden")));
    assert_eq!(door.kept.titles(), ["x"]);
}

#[tokio::test]
async fn github_signs_and_pings() {
    let door = Door::open();
    let body = br#"{"zen":"Keep it logically awesome."}"#;
    let signature = signature::sign_sha256(&Secret::new(SIGNING), body);
    let ask = async |event: &str, signature: &str| {
        let headers = [JSON, ("x-github-event", event), ("x-hub-signature-256", signature)];
        door.post("/webhook/github", &headers, body).await.status
    };
    assert_eq!(ask("ping", &signature).await, 200);
    assert_eq!(ask("star", &signature).await, 422);
    assert_eq!(ask("ping", &signature.replace('a', "b")).await, 401);
}

#[tokio::test]
async fn a_stranger_is_turned_away_before_the_body_is_read() {
    let door = Door::open();
    let request =
        head("POST", "/webhook/alertmanager", &[JSON, ("content-length", "60000"), ("authorization", "Bearer x")]);
    // Not a byte of the body is sent.
    let answer = door.send(&request, b"").await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
    let request = request.replace("Bearer x", &format!("Bearer {TOKEN}"));
    assert_eq!(door.send(&request, b"").await.status, 408);
}

#[tokio::test]
async fn a_full_house_says_when_to_come_back() {
    let door = Door::open_with(|builder| {
        let mut limits = short();
        limits.max_buffered = 10;
        builder.alertmanager(bearer()).limits(limits)
    });
    let token = format!("Bearer {TOKEN}");
    let answer = door.post("/webhook/alertmanager", &[JSON, ("authorization", &token)], &[b' '; 20]).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
}

#[tokio::test]
async fn what_makes_no_sense_does_not_start() {
    let kept = std::sync::Arc::new(super::door::Kept::default());
    assert!(kept.accept(Vec::new()).await.is_ok());
    let builder = || Inbound::builder(kept.clone(), SystemClock::shared());
    let slack = || Credential::slack(Secret::new(SIGNING)).unwrap();
    let mut zero = Limits::default();
    zero.max_body = 0;
    for (builder, expected) in [
        (builder(), "no endpoint is configured"),
        (builder().alertmanager(slack()), "/webhook/alertmanager cannot have a slack credential"),
        (builder().github(bearer()), "/webhook/github cannot have a bearer credential"),
        (builder().alertmanager(bearer()).alertmanager(bearer()), "/webhook/alertmanager is there twice"),
        (builder().alertmanager(bearer()).limits(zero), "the limit max_body is zero"),
    ] {
        assert_eq!(builder.build().unwrap_err().to_string(), expected);
    }
}
