//! A client of Prometheus' query API (and of what speaks it: Thanos, Mimir, VictoriaMetrics).
//!
//! API: <https://prometheus.io/docs/prometheus/latest/querying/api/>. Credentials, certificates, timeouts and retries
//! are those of the [`http::Client`](sre_core::http::Client) that is handed in; queries are safe to repeat.

use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sre_core::Target;
use sre_core::http::{Client, Request, Response};

use crate::alert::{Alert, AlertList};
use crate::base_url::BaseUrl;
use crate::envelope::{self, Answer};
use crate::error::{Error, ErrorKind};
use crate::rules::{RuleGroup, RuleList};
use crate::targets::{ScrapeTarget, TargetList};
use crate::value::QueryData;

/// One Prometheus. Cheap to clone.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use sre_core::http::Client;
/// use sre_metrics::prometheus::{Prometheus, Query};
///
/// let prometheus = Prometheus::new(Client::builder().build()?, "http://prometheus.internal:9090/sub/path")?;
/// let answer = prometheus.instant("up == 0").await?;
/// let slow = prometheus.instant(Query::new("count(up)").timeout(Duration::from_secs(5))).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Prometheus {
    http: Client,
    base: BaseUrl,
}

/// PromQL with the time it is about and the time it may take.
#[derive(Debug, Clone)]
#[must_use]
pub struct Query {
    promql: String,
    at: Option<Timestamp>,
    timeout: Option<Duration>,
}

/// From when to when, and how far apart the values are.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// The first value's time.
    pub start: Timestamp,
    /// No value is later.
    pub end: Timestamp,
    /// Between two values. Prometheus refuses more than 11,000 values a series.
    pub step: Duration,
}

// === impl Query ===

impl Query {
    /// A query about now, with the server's own limit of time.
    pub fn new(promql: impl Into<String>) -> Self {
        Self { promql: promql.into(), at: None, timeout: None }
    }

    /// The time at which an instant query is evaluated.
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// How long the server may work on it; the call's own limits are those of the HTTP client.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    fn pairs(self, range: Option<Range>) -> Vec<(&'static str, String)> {
        let seconds = |d: Duration| d.as_secs_f64().to_string();
        let mut pairs = vec![("query", self.promql)];
        pairs.extend(self.timeout.map(|d| ("timeout", seconds(d))));
        match range {
            None => pairs.extend(self.at.map(|t| ("time", t.to_string()))),
            Some(Range { start, end, step }) => {
                pairs.extend([("start", start.to_string()), ("end", end.to_string()), ("step", seconds(step))]);
            }
        }
        pairs
    }
}

impl<T: Into<String>> From<T> for Query {
    fn from(promql: T) -> Self {
        Self::new(promql)
    }
}

// === impl Prometheus ===

impl Prometheus {
    /// A Prometheus at `base_url`; a sub-path and a trailing slash are respected.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is no `http(s)` URL.
    pub fn new(http: Client, base_url: &str) -> Result<Self, Error> {
        Ok(Self { http, base: BaseUrl::parse(base_url)? })
    }

    /// The redacted base URL, as errors and findings show it.
    #[must_use]
    pub fn target(&self) -> &Target {
        self.base.target()
    }

    /// The page that shows a query's result, for people.
    #[must_use]
    pub fn graph_url(&self, promql: &str) -> String {
        self.base.page("graph", &[("g0.expr", promql), ("g0.tab", "1")])
    }

    /// The page that shows alerts by a name, for people.
    #[must_use]
    pub fn alerts_url(&self, name: &str) -> String {
        self.base.page("alerts", &[("search", name)])
    }

    /// The page that shows a job's targets and why they cannot be scraped, for people.
    #[must_use]
    pub fn targets_url(&self, job: &str) -> String {
        self.base.page("targets", &[("search", job)])
    }

    /// The values of `query` at one time.
    ///
    /// # Errors
    /// - connection: no answer, or a broken one
    /// - auth: 401, 403
    /// - application: the query is wrong (never tried again) or took too long; an answer that makes no sense
    pub async fn instant(&self, query: impl Into<Query>) -> Result<Answer<QueryData>, Error> {
        self.query("api/v1/query", &query.into().pairs(None)).await
    }

    /// The values of `query` over a range of time. [`Query::at`] has no meaning here.
    ///
    /// # Errors
    /// Those of [`instant`](Self::instant).
    pub async fn range(&self, query: impl Into<Query>, range: Range) -> Result<Answer<QueryData>, Error> {
        self.query("api/v1/query_range", &query.into().pairs(Some(range))).await
    }

    /// All pending and firing alerts. It knows nothing of silences: see [`Alertmanager`](crate::Alertmanager).
    ///
    /// # Errors
    /// Those of [`instant`](Self::instant).
    pub async fn alerts(&self) -> Result<Answer<Vec<Alert>>, Error> {
        Ok(self.get::<AlertList>("api/v1/alerts", &[]).await?.map(|list| list.alerts))
    }

    /// All rules.
    ///
    /// # Errors
    /// Those of [`instant`](Self::instant).
    pub async fn rules(&self) -> Result<Answer<Vec<RuleGroup>>, Error> {
        Ok(self.get::<RuleList>("api/v1/rules", &[]).await?.map(|list| list.groups))
    }

    /// The active scrape targets.
    ///
    /// # Errors
    /// Those of [`instant`](Self::instant).
    pub async fn targets(&self) -> Result<Answer<Vec<ScrapeTarget>>, Error> {
        let query = [("state", "active".to_owned())];
        Ok(self.get::<TargetList>("api/v1/targets", &query).await?.map(|list| list.active_targets))
    }

    /// POST, because long queries do not fit a URL; GET where POST is not allowed or its body was lost on the way.
    async fn query<T: DeserializeOwned>(&self, path: &str, pairs: &[(&str, String)]) -> Result<Answer<T>, Error> {
        let post = self.http.post(self.base.join(path)).idempotent(true).form(pairs);
        let response = self.send(post).await?;
        if response.status() == 405 || lost_its_body(&response) {
            return self.get(path, pairs).await;
        }
        envelope::read(response)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, pairs: &[(&str, String)]) -> Result<Answer<T>, Error> {
        let request = self.http.get(self.base.join(path));
        let request = if pairs.is_empty() { request } else { request.query(pairs) };
        envelope::read(self.send(request).await?)
    }

    async fn send(&self, request: Request) -> Result<Response, Error> {
        request.target(self.target().clone()).send().await.map_err(|e| e.map_kind(ErrorKind::from_http))
    }
}

/// A redirect (http to https, say) turns POST into a GET without parameters, of which Prometheus says this.
fn lost_its_body(response: &Response) -> bool {
    response.status() == 400 && response.text().contains("no expression found in input")
}
