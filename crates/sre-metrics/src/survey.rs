//! One look at everything: alerts and checks side by side, each answering for itself.

use std::collections::BTreeMap;
use std::future::Future;

use futures_util::StreamExt;
use futures_util::stream;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use sre_core::{Classify, Delivery, ErrorClass, Finding, Target};
use tokio::time::{Instant, timeout_at};

use crate::alertmanager::{AlertFilter, Alertmanager, ManagedAlert};
use crate::checks::SurveyConfig;
use crate::error::{Error, ErrorKind};
use crate::findings;
use crate::firing::{self, FiringAlert};
use crate::probe::{self, Kind, Probe, Reading};
use crate::prometheus::Prometheus;
use crate::value::{InstantSample, Labels, SampleValue};

/// Queries under way at once; Prometheus itself runs 20 (`--query.max-concurrency`).
const SIDE_BY_SIDE: usize = 8;

/// What a survey saw. It serializes with these names.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct PrometheusSurvey {
    /// Which Prometheus.
    pub target: Target,
    /// Alerts that fire and that people are told of, worst first; `none` is left out.
    pub firing_alerts: Vec<FiringAlert>,
    /// Alerts that fire but are silenced or inhibited.
    pub suppressed_alerts: Vec<FiringAlert>,
    /// Nodes above the CPU limit.
    pub hot_nodes: Vec<HotNode>,
    /// Disks that will be full soon.
    pub filling_disks: Vec<FillingDisk>,
    /// Services above the limit of 5xx a second.
    pub error_rates: Vec<ErrorRate>,
    /// Services above the limit of the share of 5xx.
    pub error_ratios: Vec<ErrorRatio>,
    /// Targets that cannot be scraped.
    pub targets_down: Vec<TargetDown>,
    /// What the user's own checks found.
    pub custom: Vec<CustomReading>,
    /// Checks that found nothing but have nothing to judge by either.
    pub unknown_checks: Vec<UnknownCheck>,
    /// Checks without an answer.
    pub failed_checks: Vec<FailedCheck>,
    /// Why answers may be incomplete.
    pub warnings: Vec<CheckWarning>,
    #[serde(skip)]
    pub(crate) findings: Vec<Finding>,
}

/// A node above the CPU limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HotNode {
    /// Its `instance`, behind its `cluster` if it has that label.
    pub instance: String,
    /// Busy share of all cores.
    pub cpu_percent: SampleValue,
}

/// A disk that will be full soon.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FillingDisk {
    /// Its `instance`, behind its `cluster` if it has that label.
    pub instance: String,
    /// Where it is mounted.
    pub mountpoint: String,
    /// Which device it is.
    pub device: String,
    /// What is left.
    pub available_percent: SampleValue,
}

/// A service above the limit of 5xx a second.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ErrorRate {
    /// Its name, made of its labels.
    pub service: String,
    /// Its labels.
    pub labels: Labels,
    /// Answers with 5xx a second.
    pub per_second: SampleValue,
}

/// A service above the limit of the share of 5xx.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ErrorRatio {
    /// Its name, made of its labels.
    pub service: String,
    /// Its labels.
    pub labels: Labels,
    /// Share of answers with 5xx.
    pub percent: SampleValue,
}

/// A target that cannot be scraped.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TargetDown {
    /// Its job.
    pub job: String,
    /// Its address.
    pub instance: String,
}

/// A series that one of the user's own checks found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CustomReading {
    /// Which check.
    pub check: String,
    /// Which series.
    pub labels: Labels,
    /// Its value.
    pub value: SampleValue,
}

/// A check that has nothing to judge by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnknownCheck {
    /// Which check.
    pub check: String,
    /// Why.
    pub reason: String,
    /// The user's own check, or a built-in with settings that the user changed: somebody relies on it.
    #[serde(skip)]
    pub configured: bool,
}

/// A reason of the server's own why an answer may be incomplete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckWarning {
    /// Which check, or `alerts`.
    pub check: String,
    /// What it said.
    pub message: String,
}

/// A check without an answer. It serializes as `check`, `class`, `target`, `attempts`, `elapsed_seconds` and `message`.
#[derive(Debug)]
#[non_exhaustive]
pub struct FailedCheck {
    /// Which check, or `alerts` or `alertmanager`.
    pub check: String,
    /// Why.
    pub error: Error,
}

/// Asks everything at once.
///
/// A call that fails, or has no answer by `deadline`, hides no other: it is in [`PrometheusSurvey::failed_checks`]. A silent
/// Alertmanager leaves the alerts of Prometheus, silenced or not; a silent Prometheus leaves those of Alertmanager.
///
/// # Errors
/// When neither answered anything at all: the first auth error of Prometheus if there is one, else what its alerts call
/// met.
///
/// # Cancel safety
/// It only reads.
pub async fn survey(
    prometheus: &Prometheus,
    alertmanager: Option<&Alertmanager>,
    config: &SurveyConfig,
    deadline: Instant,
) -> Result<PrometheusSurvey, Error> {
    let probes = probe::probes(&config.checks);
    let alerts = by(deadline, prometheus.target(), prometheus.alerts());
    let managed = async {
        let alertmanager = alertmanager?;
        Some(by(deadline, alertmanager.target(), alertmanager.alerts(AlertFilter::all())).await)
    };
    let (alerts, managed, readings) = tokio::join!(alerts, managed, ask_all(&probes, prometheus, config, deadline));

    let mut survey = PrometheusSurvey::new(prometheus.target().clone());
    let mut answered = readings.iter().any(Result::is_ok) || matches!(managed, Some(Ok(_)));
    let alerts = match alerts {
        Ok(answer) => {
            answered = true;
            survey.warned("alerts", answer.warnings);
            Some(answer.data)
        }
        Err(error) => {
            survey.failed("alerts", error);
            None
        }
    };
    for (probe, reading) in probes.iter().zip(readings) {
        match reading {
            Ok(reading) => survey.add(probe, reading, config),
            Err(error) => survey.failed(&probe.name, error),
        }
    }
    if !answered {
        return Err(survey.worst_failure(prometheus));
    }
    survey.judge(alerts, managed, &findings::Judge { prometheus, alertmanager, config, probes: &probes });
    Ok(survey)
}

/// A reading for each probe, in their order; one that hangs holds up no other.
async fn ask_all(
    probes: &[Probe],
    prometheus: &Prometheus,
    config: &SurveyConfig,
    deadline: Instant,
) -> Vec<Result<Reading, Error>> {
    // A list, because a stream that calls a closure on references makes a future that cannot be spawned.
    let asked: Vec<_> = probes
        .iter()
        .enumerate()
        .map(|(i, probe)| async move { (i, by(deadline, prometheus.target(), ask(probe, prometheus, config)).await) })
        .collect();
    let mut readings: Vec<_> = stream::iter(asked).buffer_unordered(SIDE_BY_SIDE).collect().await;
    readings.sort_by_key(|(i, _)| *i);
    readings.into_iter().map(|(_, reading)| reading).collect()
}

/// What came of `call` by the deadline.
async fn by<T>(deadline: Instant, target: &Target, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let started = Instant::now();
    timeout_at(deadline, call).await.unwrap_or_else(|_| {
        let e = Error::new(ErrorKind::Timeout, target.clone()).with_attempts(1).with_elapsed(started.elapsed());
        Err(e.with_delivery(Delivery::MaybeSent).with_detail("the time for the whole survey was up"))
    })
}

async fn ask(probe: &Probe, prometheus: &Prometheus, config: &SurveyConfig) -> Result<Reading, Error> {
    if let Kind::Custom(number) = probe.kind
        && let Some(Err(invalid)) = config.checks.custom.get(number).map(crate::checks::CustomCheck::validate)
    {
        let e = Error::new(ErrorKind::Config, prometheus.target().clone()).with_attempts(0);
        return Err(e.with_delivery(Delivery::NotSent).with_detail(invalid.to_string()));
    }
    probe.ask(prometheus).await
}

// === impl PrometheusSurvey ===

impl PrometheusSurvey {
    fn new(target: Target) -> Self {
        Self {
            target,
            firing_alerts: Vec::new(),
            suppressed_alerts: Vec::new(),
            hot_nodes: Vec::new(),
            filling_disks: Vec::new(),
            error_rates: Vec::new(),
            error_ratios: Vec::new(),
            targets_down: Vec::new(),
            custom: Vec::new(),
            unknown_checks: Vec::new(),
            failed_checks: Vec::new(),
            warnings: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// What a person should know, worst first; codes and severities are in [`CODES`](crate::CODES).
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether everything that was asked for was seen: every call was answered, without warnings, and every check on which
    /// the user relies ([`UnknownCheck::configured`]) had something to judge by.
    ///
    /// A built-in check with default settings may lack data: a Prometheus without node exporter is no outage. That is only
    /// a PROM-NODATA of severity info.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let blind = self.unknown_checks.iter().any(|unknown| unknown.configured);
        self.failed_checks.is_empty() && self.warnings.is_empty() && !blind
    }

    fn failed(&mut self, check: &str, error: Error) {
        tracing::debug!(check, %error, "check failed");
        self.failed_checks.push(FailedCheck { check: check.to_owned(), error });
    }

    fn warned(&mut self, check: &str, messages: Vec<String>) {
        let warnings = messages.into_iter().map(|message| CheckWarning { check: check.to_owned(), message });
        self.warnings.extend(warnings);
    }

    fn worst_failure(self, prometheus: &Prometheus) -> Error {
        let mut failures: Vec<Error> = self.failed_checks.into_iter().map(|f| f.error).collect();
        let auth = failures.iter().position(|e| e.class() == ErrorClass::Auth).unwrap_or(0);
        if failures.is_empty() {
            return Error::new(ErrorKind::Refused, prometheus.target().clone()).with_attempts(0);
        }
        failures.swap_remove(auth)
    }

    fn add(&mut self, probe: &Probe, reading: Reading, config: &SurveyConfig) {
        self.warned(&probe.name, reading.warnings);
        if let Some(reason) = reading.unknown {
            let (check, configured) = (probe.name.clone(), probe.configured);
            self.unknown_checks.push(UnknownCheck { check, reason, configured });
        }
        let by = &config.checks.requests.by;
        for InstantSample { labels, sample } in reading.found {
            let value = sample.value;
            match probe.kind {
                Kind::HotNodes => self.hot_nodes.push(HotNode { instance: instance(&labels), cpu_percent: value }),
                Kind::FillingDisks => self.filling_disks.push(FillingDisk {
                    instance: instance(&labels),
                    mountpoint: labels.get("mountpoint").to_owned(),
                    device: labels.get("device").to_owned(),
                    available_percent: value,
                }),
                Kind::ErrorRate => {
                    self.error_rates.push(ErrorRate { service: service(&labels, by), labels, per_second: value });
                }
                Kind::ErrorRatio => {
                    self.error_ratios.push(ErrorRatio { service: service(&labels, by), labels, percent: value });
                }
                Kind::TargetsDown => self.targets_down.push(TargetDown {
                    job: labels.get("job").to_owned(),
                    instance: labels.get("instance").to_owned(),
                }),
                Kind::Custom(_) => self.custom.push(CustomReading { check: probe.name.clone(), labels, value }),
            }
        }
    }

    fn judge(
        &mut self,
        alerts: Option<Vec<crate::alert::Alert>>,
        managed: Option<Result<Vec<ManagedAlert>, Error>>,
        judge: &findings::Judge<'_>,
    ) {
        let managed = match managed {
            Some(Ok(managed)) => Some(managed),
            Some(Err(error)) => {
                self.failed("alertmanager", error);
                None
            }
            None => None,
        };
        let prometheus_answered = alerts.is_some();
        let merged = firing::merge(alerts, managed.as_deref());
        let watchdog = if prometheus_answered { judge.watchdog(&merged) } else { None };
        self.firing_alerts = merged.firing;
        self.suppressed_alerts = merged.suppressed;
        self.sort();
        self.findings = judge.findings(self, watchdog);
    }

    /// Prometheus gives series in no order.
    fn sort(&mut self) {
        let worst_first = |a: SampleValue, b: SampleValue| b.0.total_cmp(&a.0);
        self.hot_nodes.sort_by(|a, b| worst_first(a.cpu_percent, b.cpu_percent));
        self.filling_disks.sort_by(|a, b| worst_first(b.available_percent, a.available_percent));
        self.error_rates.sort_by(|a, b| worst_first(a.per_second, b.per_second));
        self.error_ratios.sort_by(|a, b| worst_first(a.percent, b.percent));
        self.targets_down.sort_by(|a, b| (&a.job, &a.instance).cmp(&(&b.job, &b.instance)));
        self.custom.sort_by(|a, b| a.check.cmp(&b.check).then_with(|| a.labels.cmp(&b.labels)));
    }

    /// The targets that are down, by job.
    pub(crate) fn down_by_job(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut jobs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for down in &self.targets_down {
            jobs.entry(&down.job).or_default().push(&down.instance);
        }
        jobs
    }
}

fn instance(labels: &Labels) -> String {
    joined(labels, &["cluster", "instance"])
}

/// `cluster/namespace/service/job`; the job only where it says something else than the service.
fn service(labels: &Labels, by: &[String]) -> String {
    let same = labels.get("job") == labels.get("service");
    let names: Vec<&str> = by.iter().map(String::as_str).filter(|name| !(same && *name == "job")).collect();
    match joined(labels, &names) {
        name if name.is_empty() => "all requests".to_owned(),
        name => name,
    }
}

fn joined(labels: &Labels, names: &[&str]) -> String {
    names.iter().map(|name| labels.get(name)).filter(|value| !value.is_empty()).collect::<Vec<_>>().join("/")
}

impl Serialize for FailedCheck {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("FailedCheck", 6)?;
        out.serialize_field("check", &self.check)?;
        out.serialize_field("class", &self.error.class())?;
        out.serialize_field("target", self.error.target())?;
        out.serialize_field("attempts", &self.error.attempts())?;
        out.serialize_field("elapsed_seconds", &self.error.elapsed().map(|d| d.as_secs_f64()))?;
        out.serialize_field("message", &self.error.to_string())?;
        out.end()
    }
}
