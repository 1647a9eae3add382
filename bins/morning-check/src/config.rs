//! The settings, as the configuration file spells them.
//!
//! Every key has a default; what is not set is not checked. The file is described by `morning-check init`, which writes
//! one with every key and its default in comments.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sre_core::config::outside_files;
use sre_core::{Secret, Severity, duration};

use crate::ignore::IgnoreRule;
use crate::verdict::FailOn;

/// All settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Time for one source. Default 30s.
    #[serde(with = "duration::serde")]
    pub timeout: Duration,
    /// Time for all of them together. Default 2m.
    #[serde(with = "duration::serde")]
    pub deadline: Duration,
    /// From which severity on the run is unhealthy. Default critical.
    pub fail_on: FailOn,
    /// The clusters to check.
    pub clusters: Vec<Cluster>,
    /// How clusters are checked.
    pub kubernetes: Kubernetes,
    /// Prometheus.
    pub prometheus: Prometheus,
    /// Alertmanager, which knows the silences that Prometheus does not.
    pub alertmanager: Alertmanager,
    /// AWS.
    pub aws: Aws,
    /// Where the report is posted.
    pub slack: Slack,
    /// The host that this runs on.
    pub local: Local,
    /// Known findings to leave out.
    pub ignore: Vec<IgnoreRule>,
}

/// One cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Cluster {
    /// The context in the kubeconfig.
    pub context: String,
    /// `false`: its findings are at most warnings. Default true.
    #[serde(default = "yes")]
    pub critical: bool,
    /// Only these namespaces, instead of `kubernetes.namespaces`.
    #[serde(default)]
    pub namespaces: Vec<String>,
}

/// How clusters are checked.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Kubernetes {
    /// Check these contexts instead of those under `clusters`.
    pub contexts: Vec<String>,
    /// Check every context of the kubeconfig.
    pub all_contexts: bool,
    /// Only these namespaces; empty means all.
    pub namespaces: Vec<String>,
    /// The limits.
    #[cfg(feature = "kubernetes")]
    pub thresholds: sre_cloud::kubernetes::Thresholds,
}

/// Prometheus.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Prometheus {
    /// Its address, with the sub-path if it has one.
    pub url: Option<String>,
    /// Alerts below this are not findings. Default warning.
    pub alert_severity_threshold: Severity,
    /// An alert of this name must always fire; when it does not, that is a finding.
    pub watchdog: Option<String>,
    /// Credentials.
    pub auth: HttpAuth,
    /// The limits of the built-in queries, and queries of your own.
    pub checks: sre_metrics::Checks,
}

/// Alertmanager.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Alertmanager {
    /// Its address, with the sub-path if it has one.
    pub url: Option<String>,
    /// Credentials.
    pub auth: HttpAuth,
}

/// Credentials and trust for an HTTP server; secrets by reference only.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HttpAuth {
    /// The environment variable with a bearer token.
    pub bearer_env: Option<String>,
    /// The file with a bearer token.
    pub bearer_file: Option<PathBuf>,
    /// The user of basic authentication.
    pub username: Option<String>,
    /// The environment variable with its password.
    pub password_env: Option<String>,
    /// The file with its password.
    pub password_file: Option<PathBuf>,
    /// Certificates (PEM) to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate (PEM) for mutual TLS.
    pub cert_file: Option<PathBuf>,
    /// Its private key (PEM).
    pub key_file: Option<PathBuf>,
}

/// AWS.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Aws {
    /// Whether to check AWS; by default yes when `regions` or `profile` is set.
    pub enabled: Option<bool>,
    /// The regions; empty means every region that is enabled for the account.
    pub regions: Vec<String>,
    /// A profile of `~/.aws/config`.
    pub profile: Option<String>,
    /// Asked instead of each service's own address.
    pub endpoint_url: Option<String>,
    /// Whether to look for buckets that grow or shrink suspiciously. Default true.
    pub buckets: bool,
    /// A retirement or stop of an instance within this time is critical. Default 48h.
    #[serde(with = "duration::serde")]
    pub event_urgency: Duration,
    /// When a bucket's change is suspicious.
    #[cfg(feature = "aws")]
    pub s3_growth: sre_cloud::aws::GrowthThresholds,
}

/// Where the report is posted; the webhook's URL is a secret.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Slack {
    /// The URL itself; only from `SLACK_WEBHOOK_URL` or a flag, never from a file.
    #[serde(deserialize_with = "outside_files")]
    pub webhook: Option<Secret>,
    /// The environment variable with the URL.
    pub webhook_env: Option<String>,
    /// The file with the URL.
    pub webhook_file: Option<PathBuf>,
    /// For old custom integrations; the webhook of an app always posts to the channel it was made for.
    pub channel: Option<String>,
}

/// The host that this runs on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Local {
    /// Whether to check it; by default only when nothing else is configured.
    pub enabled: Option<bool>,
    /// The limits.
    pub thresholds: sre_health::LocalThresholds,
}

impl Default for Aws {
    fn default() -> Self {
        Self {
            enabled: None,
            regions: Vec::new(),
            profile: None,
            endpoint_url: None,
            buckets: true,
            event_urgency: Duration::from_secs(48 * 3600),
            #[cfg(feature = "aws")]
            s3_growth: sre_cloud::aws::GrowthThresholds::default(),
        }
    }
}

impl Default for Prometheus {
    fn default() -> Self {
        let survey = sre_metrics::SurveyConfig::default();
        Self {
            url: None,
            alert_severity_threshold: survey.alert_severity_threshold,
            watchdog: survey.watchdog,
            auth: HttpAuth::default(),
            checks: survey.checks,
        }
    }
}

impl Prometheus {
    /// What a survey asks.
    #[must_use]
    pub fn survey(&self) -> sre_metrics::SurveyConfig {
        let mut survey = sre_metrics::SurveyConfig::default();
        survey.alert_severity_threshold = self.alert_severity_threshold;
        survey.watchdog.clone_from(&self.watchdog);
        survey.checks = self.checks.clone();
        survey
    }
}

impl Cluster {
    /// A critical cluster with all its namespaces.
    #[must_use]
    pub fn named(context: impl Into<String>) -> Self {
        Self { context: context.into(), critical: true, namespaces: Vec::new() }
    }
}

fn yes() -> bool {
    true
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(120),
            fail_on: FailOn::default(),
            clusters: Vec::new(),
            kubernetes: Kubernetes::default(),
            prometheus: Prometheus::default(),
            alertmanager: Alertmanager::default(),
            aws: Aws::default(),
            slack: Slack::default(),
            local: Local::default(),
            ignore: Vec::new(),
        }
    }
}
