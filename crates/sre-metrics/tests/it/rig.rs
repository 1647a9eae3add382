//! Clients with short waits, and a scripted Prometheus.

use std::time::Duration;

use serde_json::{Value, json};
use sre_core::RetryPolicy;
use sre_core::http::{Client, ClientBuilder};
use sre_metrics::Prometheus;
use sre_testkit::scripted::{Reply, Request, Server};
use tokio::time::Instant;

pub(crate) fn client() -> ClientBuilder {
    let retry = RetryPolicy::builder().base(Duration::from_millis(1)).cap(Duration::from_millis(5)).build().unwrap();
    Client::builder().read_timeout(Duration::from_millis(500)).deadline(Duration::from_secs(5)).retry(retry)
}

/// A deadline that no test reaches.
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// For real servers on a busy machine.
pub(crate) fn patient() -> ClientBuilder {
    client().read_timeout(Duration::from_secs(20)).deadline(Duration::from_secs(30))
}

/// Polls a real server until it is so far, for a minute at most.
pub(crate) async fn eventually<T>(poll: impl AsyncFn() -> Option<T>) -> T {
    let polling = async {
        loop {
            match poll().await {
                Some(found) => return found,
                None => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), polling).await.unwrap()
}

pub(crate) fn prometheus(url: &str) -> Prometheus {
    Prometheus::new(client().build().unwrap(), url).unwrap()
}

/// Answers each query with what `answer` gives, and the list of alerts with `alerts`.
pub(crate) async fn scripted(alerts: Value, answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |request: &Request| match request.path.as_str() {
        "/api/v1/alerts" => success(&json!({ "alerts": alerts })),
        "/api/v1/query" => answer(&request.form_value("query").unwrap_or_default()),
        _ => Reply::text(404, "404 page not found"),
    })
    .await
}

pub(crate) fn success(data: &Value) -> Reply {
    Reply::json(200, &json!({ "status": "success", "data": data }))
}

pub(crate) fn refusal(status: u16, error_type: &str, error: &str) -> Reply {
    Reply::json(status, &json!({ "status": "error", "errorType": error_type, "error": error }))
}

/// A vector of `(labels, value)`.
pub(crate) fn vector(samples: &[(Value, &str)]) -> Value {
    let result: Vec<Value> =
        samples.iter().map(|(labels, value)| json!({ "metric": labels, "value": [1774249200.123, value] })).collect();
    json!({ "resultType": "vector", "result": result })
}

pub(crate) fn firing(name: &str, severity: &str) -> Value {
    json!({
        "labels": { "alertname": name, "severity": severity, "instance": "web-03" },
        "annotations": { "summary": format!("{name} on web-03"), "runbook_url": "https://runbooks.example/x" },
        "state": "firing", "activeAt": "2026-03-23T06:41:00.123456789Z", "value": "1e+00",
    })
}
