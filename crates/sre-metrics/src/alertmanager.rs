//! A client of Alertmanager's API, version 2: which alerts are silenced, and which are not.
//!
//! API: `api/v2/openapi.yaml` in Alertmanager's source.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sre_core::Target;
use sre_core::http::Client;

use crate::base_url::BaseUrl;
use crate::error::{Error, ErrorKind};
use crate::value::Labels;

/// One Alertmanager. Cheap to clone.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use sre_core::http::Client;
/// use sre_metrics::alertmanager::{AlertFilter, Alertmanager};
///
/// let alertmanager = Alertmanager::new(Client::builder().build()?, "http://alertmanager.internal:9093")?;
/// for alert in alertmanager.alerts(AlertFilter::active()).await? {
///     println!("{}", alert.labels);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Alertmanager {
    http: Client,
    base: BaseUrl,
}

/// Which alerts to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertFilter {
    silenced: bool,
    inhibited: bool,
}

/// An alert that Alertmanager was told of and that has not ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ManagedAlert {
    /// What identifies it, `alertname` included.
    #[serde(default)]
    pub labels: Labels,
    /// What it says.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Since when it fires.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// Whether it is silenced or inhibited, and by what.
    pub status: AlertStatus,
    /// Stable hash of the labels.
    #[serde(default)]
    pub fingerprint: String,
}

/// Whether people are told of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AlertStatus {
    /// `active`, `suppressed`, or `unprocessed` for the moment before that is known.
    pub state: String,
    /// Ids of the silences that cover it.
    #[serde(default)]
    pub silenced_by: Vec<String>,
    /// Fingerprints of the alerts that inhibit it.
    #[serde(default)]
    pub inhibited_by: Vec<String>,
}

/// How the Alertmanager itself is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Status {
    /// Its cluster.
    pub cluster: ClusterStatus,
    /// Its build.
    pub version_info: VersionInfo,
    /// When it started.
    #[serde(default)]
    pub uptime: Option<Timestamp>,
}

/// How a cluster of Alertmanagers is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterStatus {
    /// `ready`, `settling` or `disabled`.
    pub status: String,
}

/// Which build it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VersionInfo {
    /// As in `0.25.0`.
    pub version: String,
}

// === impl AlertFilter ===

impl AlertFilter {
    /// Only those that people are told of.
    #[must_use]
    pub fn active() -> Self {
        Self { silenced: false, inhibited: false }
    }

    /// The silenced and inhibited ones too.
    #[must_use]
    pub fn all() -> Self {
        Self { silenced: true, inhibited: true }
    }

    /// Whether silenced ones are wanted.
    #[must_use]
    pub fn silenced(mut self, wanted: bool) -> Self {
        self.silenced = wanted;
        self
    }

    /// Whether inhibited ones are wanted.
    #[must_use]
    pub fn inhibited(mut self, wanted: bool) -> Self {
        self.inhibited = wanted;
        self
    }
}

// === impl ManagedAlert ===

impl ManagedAlert {
    /// Whether people are not told of it.
    #[must_use]
    pub fn is_suppressed(&self) -> bool {
        self.status.state == "suppressed" || !self.status.silenced_by.is_empty() || !self.status.inhibited_by.is_empty()
    }
}

// === impl Alertmanager ===

impl Alertmanager {
    /// An Alertmanager at `base_url`; a sub-path and a trailing slash are respected.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is no `http(s)` URL.
    pub fn new(http: Client, base_url: &str) -> Result<Self, Error> {
        Ok(Self { http, base: BaseUrl::parse(base_url)? })
    }

    /// The redacted base URL, as errors show it.
    #[must_use]
    pub fn target(&self) -> &Target {
        self.base.target()
    }

    /// The page that shows alerts by a name, for people.
    #[must_use]
    pub fn alerts_url(&self, name: &str) -> String {
        let filter = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("filter", &format!("{{alertname={name:?}}}"))
            .finish();
        format!("{}#/alerts?{filter}", self.base.page("", &[]))
    }

    /// The alerts that have not ended.
    ///
    /// # Errors
    /// - connection: no answer, or a broken one
    /// - auth: 401, 403
    /// - application: any other refusal; an answer that makes no sense
    pub async fn alerts(&self, filter: AlertFilter) -> Result<Vec<ManagedAlert>, Error> {
        let AlertFilter { silenced, inhibited } = filter;
        let pairs = [("active", true), ("silenced", silenced), ("inhibited", inhibited)];
        self.get("api/v2/alerts", &pairs).await
    }

    /// How the Alertmanager itself is.
    ///
    /// # Errors
    /// Those of [`alerts`](Self::alerts).
    pub async fn status(&self) -> Result<Status, Error> {
        self.get("api/v2/status", &[]).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, pairs: &[(&str, bool)]) -> Result<T, Error> {
        let request = self.http.get(self.base.join(path)).target(self.target().clone());
        let request = if pairs.is_empty() { request } else { request.query(pairs) };
        let response = request.send().await.and_then(sre_core::http::Response::error_for_status);
        response.and_then(|r| r.json()).map_err(|e| e.map_kind(ErrorKind::from_http))
    }
}
