//! One check as a question to Prometheus: its PromQL, and how to tell health from ignorance when nothing comes back.

use std::time::Duration;

use sre_core::Delivery;

use crate::checks::{
    Checks, Comparison, CustomCheck, ErrorRateCheck, ErrorRatioCheck, FillingDisks, HotNodes, Requests, TargetsDown,
};
use crate::error::{Error, ErrorKind};
use crate::prometheus::Prometheus;
use crate::value::{InstantSample, Labels, QueryData, SampleValue};

/// Which check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    HotNodes,
    FillingDisks,
    ErrorRate,
    ErrorRatio,
    TargetsDown,
    /// The number in the config.
    Custom(usize),
}

/// A check ready to be asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Probe {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// Gives exactly the series that are findings, unless there is a `limit`.
    pub(crate) promql: String,
    /// Asked when nothing came back: it gives something if the check is able to find anything at all.
    pub(crate) exists: Option<String>,
    /// Compared here and not by the server: a scalar cannot be filtered there.
    pub(crate) limit: Option<(Comparison, f64)>,
    /// The user's own, or a built-in whose settings the user changed: that it sees nothing is news.
    pub(crate) configured: bool,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) found: Vec<InstantSample>,
    /// Why this is no health, although nothing was found.
    pub(crate) unknown: Option<String>,
    pub(crate) warnings: Vec<String>,
}

/// All enabled checks.
pub(crate) fn probes(checks: &Checks) -> Vec<Probe> {
    let Checks { hot_nodes, filling_disks, requests, error_rate, error_ratio, targets_down, custom } = checks;
    let up = ("up == 0".to_owned(), "count(up)".to_owned());
    let counted = *requests != Requests::default();
    let built_in = [
        (hot_nodes.enabled, Kind::HotNodes, hot(hot_nodes), *hot_nodes != HotNodes::default()),
        (filling_disks.enabled, Kind::FillingDisks, filling(filling_disks), *filling_disks != FillingDisks::default()),
        (
            error_rate.enabled,
            Kind::ErrorRate,
            rate(requests, error_rate),
            counted || *error_rate != ErrorRateCheck::default(),
        ),
        (
            error_ratio.enabled,
            Kind::ErrorRatio,
            ratio(requests, error_ratio),
            counted || *error_ratio != ErrorRatioCheck::default(),
        ),
        (targets_down.enabled, Kind::TargetsDown, up, *targets_down != TargetsDown::default()),
    ];
    let built_in = built_in.into_iter().filter(|(enabled, ..)| *enabled);
    let built_in = built_in.map(|(_, kind, (promql, exists), configured)| Probe {
        kind,
        name: kind.name().to_owned(),
        promql,
        exists: Some(exists),
        limit: None,
        configured,
    });
    built_in.chain(custom.iter().enumerate().map(|(i, check)| own(i, check))).collect()
}

/// The query, and what has to give something for an empty answer to mean health.
fn hot(check: &HotNodes) -> (String, String) {
    let rate = format!("rate(node_cpu_seconds_total{{mode=\"idle\"}}[{}])", span(check.window));
    let promql = format!("100 * (1 - avg by (cluster, instance) ({rate})) > {}", check.cpu_percent);
    (promql, format!("count({rate})"))
}

fn filling(check: &FillingDisks) -> (String, String) {
    let metric = |name: &str| format!("node_filesystem_{name}{{{}}}", check.filter);
    let (avail, size, readonly) = (metric("avail_bytes"), metric("size_bytes"), metric("readonly"));
    let predicted = format!("predict_linear({avail}[{}], {})", span(check.history), check.within.as_secs());
    // `<= 0` and not `< 0`: the line through a disk that is full already is exactly zero.
    let promql =
        format!("100 * {avail} / {size} < {} and {predicted} <= 0 and {readonly} == 0", check.free_below_percent);
    (promql, format!("count({predicted})"))
}

fn own(number: usize, check: &CustomCheck) -> Probe {
    let exists = match (&check.threshold, &check.metric) {
        (None, Some(metric)) => Some(format!("count({metric})")),
        _ => None,
    };
    Probe {
        kind: Kind::Custom(number),
        name: check.name.clone(),
        promql: check.promql.clone(),
        exists,
        limit: check.threshold.map(|limit| (check.comparison, limit)),
        configured: true,
    }
}

fn rate(requests: &Requests, check: &ErrorRateCheck) -> (String, String) {
    (format!("{} > {}", per_service(requests, &failed(requests)), check.per_second), counted(requests))
}

fn ratio(requests: &Requests, check: &ErrorRatioCheck) -> (String, String) {
    let (errors, all) = (per_service(requests, &failed(requests)), per_service(requests, ""));
    let enough = check.min_requests_per_second;
    (format!("100 * {errors} / {all} > {} and {all} > {enough}", check.percent), counted(requests))
}

fn per_service(requests: &Requests, matcher: &str) -> String {
    let Requests { metric, filter, by, window, .. } = requests;
    format!("sum by ({}) (rate({metric}{{{}}}[{}]))", by.join(", "), matchers(&[matcher, filter]), span(*window))
}

fn failed(requests: &Requests) -> String {
    format!("{}=~\"5..\"", requests.code_label)
}

/// A service without a single error has no series of errors, but it has requests with a code.
fn counted(requests: &Requests) -> String {
    let code = format!("{}!=\"\"", requests.code_label);
    format!("count({}{{{}}})", requests.metric, matchers(&[&code, &requests.filter]))
}

fn matchers(parts: &[&str]) -> String {
    parts.iter().filter(|p| !p.trim().is_empty()).copied().collect::<Vec<_>>().join(", ")
}

/// A duration as PromQL writes it, in whole units.
fn span(d: Duration) -> String {
    match d.as_secs() {
        0 => format!("{}ms", d.as_millis().max(1)),
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

// === impl Kind ===

impl Kind {
    /// The key of the facts.
    fn name(self) -> &'static str {
        match self {
            Self::HotNodes => "hot_nodes",
            Self::FillingDisks => "filling_disks",
            Self::ErrorRate => "error_rates",
            Self::ErrorRatio => "error_ratios",
            Self::TargetsDown => "targets_down",
            Self::Custom(_) => "custom",
        }
    }
}

// === impl Probe ===

impl Probe {
    /// Asks, and asks once more when nothing came back.
    pub(crate) async fn ask(&self, prometheus: &Prometheus) -> Result<Reading, Error> {
        let answer = prometheus.instant(&*self.promql).await?;
        let mut warnings = answer.warnings;
        let samples = self.samples(answer.data, prometheus)?;
        if samples.is_empty() {
            let mut unknown = None;
            if let Some(exists) = &self.exists {
                let answer = prometheus.instant(&**exists).await?;
                warnings.extend(answer.warnings);
                let missing = matches!(&answer.data, QueryData::Vector(v) if v.is_empty());
                unknown = missing.then(|| format!("{exists} is empty"));
            } else if self.limit.is_some() {
                unknown = Some("the query gives no series".to_owned());
            }
            return Ok(Reading { found: Vec::new(), unknown, warnings });
        }
        Ok(self.judged(samples, warnings))
    }

    fn judged(&self, samples: Vec<InstantSample>, mut warnings: Vec<String>) -> Reading {
        let Some((comparison, limit)) = self.limit else {
            return Reading { found: samples, unknown: None, warnings };
        };
        let total = samples.len();
        let nan = samples.iter().filter(|s| s.sample.value.0.is_nan()).count();
        let unknown = (nan == total).then(|| "every value is NaN".to_owned());
        if nan > 0 && nan < total {
            warnings.push(format!("{nan} of {total} values are NaN and compare to nothing"));
        }
        let found = samples.into_iter().filter(|s| comparison.holds(s.sample.value.0, limit)).collect();
        Reading { found, unknown, warnings }
    }

    fn samples(&self, data: QueryData, prometheus: &Prometheus) -> Result<Vec<InstantSample>, Error> {
        match data {
            QueryData::Vector(samples) => Ok(samples),
            QueryData::Scalar(sample) => Ok(vec![InstantSample { labels: Labels::default(), sample }]),
            QueryData::Matrix(_) | QueryData::String(_) => {
                let e = Error::new(ErrorKind::BadQuery, prometheus.target().clone()).with_delivery(Delivery::Answered);
                Err(e.with_detail("a check's query must give an instant vector or a scalar"))
            }
        }
    }

    /// The limit as a person writes it, or empty.
    pub(crate) fn limit_text(&self, unit: &str) -> String {
        match self.limit {
            None => String::new(),
            Some((Comparison::Above, limit)) => format!(" (limit {}{unit})", SampleValue(limit)),
            Some((comparison, limit)) => format!(" (alarm if {comparison} {}{unit})", SampleValue(limit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queries_read_as_documented() {
        let mut checks = Checks::default();
        checks.requests.filter = r#"namespace="shop""#.to_owned();
        checks.custom.push(CustomCheck::new("queue", "sum(queue_length)", 1000.0));
        let all: Vec<String> = probes(&checks)
            .into_iter()
            .map(|p| format!("{}\n  {}\n  exists: {}", p.name, p.promql, p.exists.unwrap_or_default()))
            .collect();
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn a_changed_setting_makes_a_check_the_users() {
        let mut checks = Checks::default();
        assert!(probes(&checks).iter().all(|p| !p.configured));
        checks.hot_nodes.cpu_percent = 90.0;
        checks.requests.metric = "requests".to_owned();
        checks.custom = vec![CustomCheck::new("backlog", "queue", 5.0)];
        let all = probes(&checks);
        let configured: Vec<&str> = all.iter().filter(|p| p.configured).map(|p| p.name.as_str()).collect();
        assert_eq!(configured, ["hot_nodes", "error_rates", "error_ratios", "backlog"]);
    }

    #[test]
    fn what_is_not_enabled_is_not_asked() {
        let mut checks = Checks::default();
        checks.hot_nodes.enabled = false;
        checks.error_ratio.enabled = false;
        let names: Vec<String> = probes(&checks).into_iter().map(|p| p.name).collect();
        assert_eq!(names, ["filling_disks", "error_rates", "targets_down"]);
    }
}
