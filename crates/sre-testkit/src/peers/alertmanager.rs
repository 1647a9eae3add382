//! A real Alertmanager that notifies nobody.

use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::launch::{Running, launch, program};
use super::plain_http::request;

/// Groups at once, sends nowhere.
const CONFIG: &str =
    "route: {receiver: none, group_by: [alertname], group_wait: 1s, group_interval: 1s}\nreceivers: [{name: none}]\n";

/// A running `prometheus-alertmanager`.
#[derive(Debug)]
pub struct Alertmanager {
    running: Running,
    prefix: String,
    _dir: TempDir,
}

// === impl Alertmanager ===

impl Alertmanager {
    /// Starts it alone, with no cluster.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub async fn start() -> Self {
        Self::start_with("", CONFIG).await
    }

    /// Starts it below a path such as `/am` (or nothing), with a configuration of the test.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub async fn start_with(route_prefix: &str, config: &str) -> Self {
        let path = program("prometheus-alertmanager");
        let dir = tempfile::tempdir().expect("a folder for the server");
        std::fs::write(dir.path().join("alertmanager.yml"), config).expect("write the configuration");
        let trimmed = route_prefix.trim_matches('/');
        let prefix = if trimmed.is_empty() { String::new() } else { format!("/{trimmed}") };
        let command = |port: u16| {
            let mut command = Command::new(&path);
            command
                .arg(format!("--config.file={}", dir.path().join("alertmanager.yml").display()))
                .arg(format!("--storage.path={}", dir.path().join("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg(format!("--web.external-url=http://127.0.0.1:{port}{prefix}"))
                // No gossip: its port would be fixed.
                .args(["--cluster.listen-address=", "--log.level=warn"]);
            command
        };
        let running = launch("prometheus-alertmanager", &format!("{prefix}/-/ready"), &[], command).await;
        Self { running, prefix, _dir: dir }
    }

    /// `http://127.0.0.1:PORT`, with the prefix if there is one.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{}", self.running.addr, self.prefix)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running.process.pid()
    }

    /// Posts a firing alert; `labels` must have an `alertname`.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn post_alert(&self, labels: &[(&str, &str)], summary: &str) {
        let labels: serde_json::Map<String, Value> =
            labels.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        self.post_alerts(&[json!({ "labels": labels, "annotations": { "summary": summary } })]).await;
    }

    /// Posts alerts in the shape of `POST /api/v2/alerts`.
    ///
    /// # Panics
    /// When they are refused.
    pub async fn post_alerts(&self, alerts: &[Value]) {
        self.call("POST", "/api/v2/alerts", &json!(alerts)).await;
    }

    /// Silences what has all these labels for the next hour, and gives the silence's id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn silence(&self, labels: &[(&str, &str)]) -> String {
        let matchers: Vec<Value> = labels
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value, "isRegex": false, "isEqual": true }))
            .collect();
        let now = now();
        let ends = now + Duration::from_secs(3600);
        let silence = json!({
            "matchers": matchers, "startsAt": now.to_string(), "endsAt": ends.to_string(),
            "createdBy": "sre-testkit", "comment": "a test",
        });
        self.call("POST", "/api/v2/silences", &silence).await["silenceID"].as_str().unwrap_or_default().to_owned()
    }

    /// What it holds, as `GET /api/v2/alerts` with this query (`silenced=false&active=true`, or nothing).
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn alerts(&self, query: &str) -> Value {
        self.call("GET", &format!("/api/v2/alerts?{query}"), &Value::Null).await
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let path = format!("{}{path}", self.prefix);
        let headers = [("content-type", "application/json")];
        let answer = request(&self.running.addr, method, &path, &headers, &body).await;
        let answer = answer.expect("an answer of Alertmanager").expect_success(&path);
        if answer.body.trim().is_empty() { Value::Null } else { answer.json() }
    }
}

#[expect(clippy::disallowed_methods, reason = "a real server lives by the wall clock")]
fn now() -> Timestamp {
    Timestamp::now()
}
