//! A real Prometheus with intervals of one second.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::launch::{Running, launch, program};
use super::plain_http::{Answer, request};

/// How long a wait for a result may take: scrape and evaluation happen every second.
const PATIENCE: Duration = Duration::from_secs(60);

/// `reader:correct horse`, the user of a server with [`PrometheusBuilder::basic_auth`], with the password's bcrypt hash.
const USER_HASH: &str = "reader: \"$2b$04$KDE/BrzF3efJyLD.7bF9ZOfoO74rH1SeXa1wat0Uih/8LKc50vC5e\"";
/// The same as the value of an `Authorization` header.
const USER_HEADER: &str = "Basic cmVhZGVyOmNvcnJlY3QgaG9yc2U=";

/// A running `prometheus`.
#[derive(Debug)]
pub struct Prometheus {
    running: Running,
    prefix: String,
    auth: bool,
    _dir: TempDir,
}

/// See [`Prometheus::builder`].
#[derive(Debug, Default)]
#[must_use]
pub struct PrometheusBuilder {
    jobs: Vec<Value>,
    rules: Option<String>,
    prefix: String,
    alertmanager: Option<String>,
    auth: bool,
    flags: Vec<String>,
}

// === impl PrometheusBuilder ===

impl PrometheusBuilder {
    /// Scrapes `target` (`host:port`, path `/metrics`) every second as `job`.
    pub fn scrape(self, job: &str, target: &str) -> Self {
        self.scrape_with_labels(job, target, &[])
    }

    /// The same, with labels for all its series.
    pub fn scrape_with_labels(mut self, job: &str, target: &str, labels: &[(&str, &str)]) -> Self {
        let labels: serde_json::Map<String, Value> =
            labels.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        self.jobs.push(json!({ "job_name": job, "static_configs": [{ "targets": [target], "labels": labels }] }));
        self
    }

    /// The text of a rule file, evaluated every second.
    pub fn rules(mut self, yaml: &str) -> Self {
        self.rules = Some(yaml.to_owned());
        self
    }

    /// Serves below a path such as `/prom`.
    pub fn route_prefix(mut self, prefix: &str) -> Self {
        self.prefix = format!("/{}", prefix.trim_matches('/'));
        self
    }

    /// Sends alerts to the Alertmanager at this URL (`http://host:port`).
    pub fn alertmanager(mut self, url: &str) -> Self {
        self.alertmanager = Some(url.trim_start_matches("http://").trim_end_matches('/').to_owned());
        self
    }

    /// Lets in only the user `reader` with the password `correct horse`.
    pub fn basic_auth(mut self) -> Self {
        self.auth = true;
        self
    }

    /// One more flag for the command line.
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Starts the server and waits until it is ready.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub async fn start(self) -> Prometheus {
        let path = program("prometheus");
        let dir = tempfile::tempdir().expect("a folder for the server");
        self.write_files(dir.path());
        let command = |port: u16| {
            let mut command = Command::new(&path);
            command
                .arg(format!("--config.file={}", dir.path().join("prometheus.yml").display()))
                .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg(format!("--web.config.file={}", dir.path().join("web.yml").display()))
                .args(["--log.level=warn", "--web.enable-lifecycle"])
                .args(&self.flags);
            if !self.prefix.is_empty() {
                command.arg(format!("--web.external-url=http://127.0.0.1:{port}{}", self.prefix));
                command.arg(format!("--web.route-prefix={}", self.prefix));
            }
            command
        };
        let ready = format!("{}/-/ready", self.prefix);
        let running = launch("prometheus", &ready, authorization(self.auth), command).await;
        Prometheus { running, prefix: self.prefix, auth: self.auth, _dir: dir }
    }

    fn write_files(&self, dir: &Path) {
        let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).expect("write a file of the server");
        let mut config = json!({
            "global": { "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s" },
            "scrape_configs": self.jobs,
        });
        if let Some(rules) = &self.rules {
            write("rules.yml", rules);
            config["rule_files"] = json!(["rules.yml"]);
        }
        if let Some(addr) = &self.alertmanager {
            config["alerting"] = json!({ "alertmanagers": [{ "static_configs": [{ "targets": [addr] }] }] });
        }
        // JSON is YAML.
        write("prometheus.yml", &config.to_string());
        write("web.yml", &if self.auth { format!("basic_auth_users:\n  {USER_HASH}\n") } else { String::new() });
    }
}

// === impl Prometheus ===

impl Prometheus {
    /// A server that scrapes nothing and knows no rules.
    pub fn builder() -> PrometheusBuilder {
        PrometheusBuilder::default()
    }

    /// Starts such a server.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// `http://127.0.0.1:PORT`, with the prefix if there is one.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{}", self.running.addr, self.prefix)
    }

    /// `127.0.0.1:PORT`, for instance to scrape itself.
    #[must_use]
    pub fn addr(&self) -> String {
        self.running.addr.clone()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running.process.pid()
    }

    /// Asks an API path such as `/api/v1/rules`.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Answer {
        let path = format!("{}{path}", self.prefix);
        request(&self.running.addr, "GET", &path, authorization(self.auth), "").await.expect("an answer of Prometheus")
    }

    /// The `result` of an instant query.
    ///
    /// # Panics
    /// When the query is wrong.
    pub async fn query(&self, promql: &str) -> Value {
        let query: String = url::form_urlencoded::byte_serialize(promql.as_bytes()).collect();
        let answer = self.get(&format!("/api/v1/query?query={query}")).await.expect_success(promql);
        answer.json()["data"]["result"].take()
    }

    /// Waits until a query has a result, and gives it.
    ///
    /// # Panics
    /// When it has none after a minute.
    pub async fn wait_for(&self, promql: &str) -> Value {
        self.wait(promql, async || {
            let result = self.query(promql).await;
            result.as_array().is_some_and(|series| !series.is_empty()).then_some(result)
        })
        .await
    }

    /// Waits until an alert with that name is firing, and gives it.
    ///
    /// # Panics
    /// When it does not within a minute.
    pub async fn wait_for_alert(&self, name: &str) -> Value {
        self.wait(&format!("alert {name}"), async || {
            let alerts = self.get("/api/v1/alerts").await.json();
            let alerts = alerts["data"]["alerts"].as_array()?.clone();
            alerts.into_iter().find(|alert| alert["labels"]["alertname"] == name && alert["state"] == "firing")
        })
        .await
    }

    async fn wait<T>(&self, what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
        let poll = async {
            loop {
                if let Some(found) = ask().await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, poll).await {
            Ok(found) => found,
            Err(_) => {
                let mut message = format!("{what}: nothing after {PATIENCE:?}");
                write!(message, "; prometheus printed:\n{}", self.running.process.output()).expect("write into memory");
                panic!("{message}")
            }
        }
    }
}

fn authorization(on: bool) -> &'static [(&'static str, &'static str)] {
    if on { &[("authorization", USER_HEADER)] } else { &[] }
}
