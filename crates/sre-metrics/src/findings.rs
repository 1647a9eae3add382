//! From what a survey saw to what a person should know. Pure: it asks nobody.

use std::collections::BTreeMap;

use sre_core::chain::ErrorChain;
use sre_core::{Code, Evidence, Finding, Severity, SourceId, duration};

use crate::alertmanager::Alertmanager;
use crate::checks::SurveyConfig;
use crate::codes;
use crate::firing::{FiringAlert, Merged};
use crate::probe::{Kind, Probe};
use crate::prometheus::Prometheus;
use crate::survey::PrometheusSurvey;
use crate::value::{Labels, SampleValue};

/// Longest title taken from an annotation.
const TITLE: usize = 140;
/// Targets named in a finding.
const NAMED: usize = 5;

/// What findings are made with.
pub(crate) struct Judge<'a> {
    pub(crate) prometheus: &'a Prometheus,
    pub(crate) alertmanager: Option<&'a Alertmanager>,
    pub(crate) config: &'a SurveyConfig,
    pub(crate) probes: &'a [Probe],
}

impl Judge<'_> {
    /// Everything, worst first.
    pub(crate) fn findings(&self, survey: &PrometheusSurvey, watchdog: Option<Finding>) -> Vec<Finding> {
        let mut all: Vec<Finding> = watchdog.into_iter().collect();
        all.extend(self.alerts(&survey.firing_alerts));
        all.extend(self.nodes(survey));
        all.extend(self.services(survey));
        all.extend(self.targets(survey));
        all.extend(self.own(survey));
        all.extend(self.gaps(survey));
        all.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| (a.code, &a.subject).cmp(&(b.code, &b.subject))));
        all
    }

    /// The alert that should always fire, when it does not fire or does not arrive.
    pub(crate) fn watchdog(&self, merged: &Merged) -> Option<Finding> {
        let name = self.config.watchdog.as_deref()?;
        let all = || merged.silent.iter().chain(&merged.firing).chain(&merged.suppressed);
        let title = match all().find(|alert| alert.name == name) {
            None => "does not fire: Prometheus does not evaluate its rules, or has no such rule",
            Some(alert) if alert.in_alertmanager == Some(false) => {
                "fires, but Alertmanager does not have it: alerts do not arrive"
            }
            Some(_) => return None,
        };
        let promql = format!("ALERTS{{alertname={name:?}}}");
        let finding = self.finding(codes::WATCHDOG, Severity::Error, name, title);
        Some(finding.evidence(Evidence::Command(promql)).evidence(Evidence::Link(self.prometheus.alerts_url(name))))
    }

    fn finding(&self, code: Code, severity: Severity, subject: impl Into<String>, title: impl Into<String>) -> Finding {
        let source = SourceId::new("prometheus");
        Finding::new(code, severity, source, self.prometheus.target().clone(), subject, title)
    }

    /// The query that shows it, and the page that shows the query.
    fn shown(&self, finding: Finding, promql: &str) -> Finding {
        let link = self.prometheus.graph_url(promql);
        finding.evidence(Evidence::Command(promql.to_owned())).evidence(Evidence::Link(link))
    }

    fn probe(&self, kind: Kind) -> &str {
        self.probes.iter().find(|probe| probe.kind == kind).map_or("", |probe| &probe.promql)
    }

    /// One finding a subject: the same alert may fire at two severities, or be seen by two replicas.
    fn alerts(&self, alerts: &[FiringAlert]) -> Vec<Finding> {
        let mut subjects: BTreeMap<String, (Severity, Vec<&FiringAlert>)> = BTreeMap::new();
        for alert in alerts {
            let Some(severity) = alert.severity.severity() else { continue };
            let (worst, same) = subjects.entry(alert.subject()).or_insert((severity, Vec::new()));
            *worst = severity.max(*worst);
            same.push(alert);
        }
        let threshold = self.config.alert_severity_threshold;
        let judged = subjects.into_iter().filter(|(_, (severity, _))| *severity >= threshold);
        judged.filter_map(|(subject, (severity, same))| self.alert(subject, severity, &same)).collect()
    }

    fn alert(&self, subject: String, severity: Severity, same: &[&FiringAlert]) -> Option<Finding> {
        let first = same.first()?;
        let title = match first.summary.lines().next().unwrap_or_default() {
            "" => "firing".to_owned(),
            line if line.chars().count() > TITLE => line.chars().take(TITLE - 1).chain(['…']).collect(),
            line => line.to_owned(),
        };
        let mut detail = first.description.clone();
        if first.in_alertmanager == Some(false) {
            let space = if detail.is_empty() { "" } else { " " };
            detail = format!("{detail}{space}(Alertmanager does not have this alert: nobody is told)");
        }
        let promql = format!("ALERTS{{{}}}", matchers(&first.labels));
        let page = match (first.in_alertmanager, self.alertmanager) {
            (Some(true), Some(alertmanager)) => alertmanager.alerts_url(&first.name),
            _ => self.prometheus.alerts_url(&first.name),
        };
        let mut finding = self.finding(codes::ALERT, severity, subject, title).detail(detail);
        finding = finding.count(u32::try_from(same.len()).unwrap_or(u32::MAX));
        finding = finding.since(same.iter().filter_map(|a| a.since).min());
        finding = finding.evidence(Evidence::Command(promql)).evidence(Evidence::Link(page));
        if let Some(value) = first.value {
            finding = measured(finding, "value", value, "");
        }
        match &first.runbook {
            Some(runbook) => Some(finding.evidence(Evidence::Link(runbook.clone()))),
            None => Some(finding),
        }
    }

    fn nodes(&self, survey: &PrometheusSurvey) -> Vec<Finding> {
        let (hot, filling) = (&self.config.checks.hot_nodes, &self.config.checks.filling_disks);
        let nodes = survey.hot_nodes.iter().map(|node| {
            let title = format!("CPU {} % busy (limit {} %)", node.cpu_percent, SampleValue(hot.cpu_percent));
            let finding = self.finding(codes::HOTNODE, hot.severity, &node.instance, title);
            measured(self.shown(finding, self.probe(Kind::HotNodes)), "cpu", node.cpu_percent, "%")
        });
        let disks = survey.filling_disks.iter().map(|disk| {
            let title = format!("{} % free, full within {}", disk.available_percent, duration::format(filling.within));
            let subject = format!("{} {}", disk.instance, disk.mountpoint);
            let finding = self.finding(codes::DISKFILL, filling.severity, subject, title);
            let finding = finding.detail(format!("device {}", disk.device));
            measured(self.shown(finding, self.probe(Kind::FillingDisks)), "free", disk.available_percent, "%")
        });
        nodes.chain(disks).collect()
    }

    fn services(&self, survey: &PrometheusSurvey) -> Vec<Finding> {
        let (rate, ratio) = (&self.config.checks.error_rate, &self.config.checks.error_ratio);
        let rates = survey.error_rates.iter().map(|service| {
            let title = format!("5xx {}/s (limit {}/s)", service.per_second, SampleValue(rate.per_second));
            let finding = self.finding(codes::ERRORS, rate.severity, &service.service, title);
            measured(self.shown(finding, self.probe(Kind::ErrorRate)), "5xx", service.per_second, "/s")
        });
        let ratios = survey.error_ratios.iter().map(|service| {
            let title = format!("{} % of requests failed (limit {} %)", service.percent, SampleValue(ratio.percent));
            let finding = self.finding(codes::ERRORRATIO, ratio.severity, &service.service, title);
            measured(self.shown(finding, self.probe(Kind::ErrorRatio)), "5xx", service.percent, "%")
        });
        rates.chain(ratios).collect()
    }

    fn targets(&self, survey: &PrometheusSurvey) -> Vec<Finding> {
        let severity = self.config.checks.targets_down.severity;
        let jobs = survey.down_by_job().into_iter().map(|(job, instances)| {
            let (n, s) = (instances.len(), if instances.len() == 1 { "" } else { "s" });
            let mut named = instances[..n.min(NAMED)].join(", ");
            if n > NAMED {
                named.push_str(&format!(" and {} more", n - NAMED));
            }
            let finding =
                self.finding(codes::TARGETDOWN, severity, format!("job {job}"), format!("{n} target{s} down"));
            let finding = finding.detail(named).count(u32::try_from(n).unwrap_or(u32::MAX));
            // That page also says why; the query's own page would only repeat the query.
            let finding = finding.evidence(Evidence::Command(format!("up{{job={job:?}}} == 0")));
            finding.evidence(Evidence::Link(self.prometheus.targets_url(job)))
        });
        jobs.collect()
    }

    fn own(&self, survey: &PrometheusSurvey) -> Vec<Finding> {
        let readings = survey.custom.iter().filter_map(|reading| {
            let number = self.config.checks.custom.iter().position(|check| check.name == reading.check)?;
            let check = self.config.checks.custom.get(number)?;
            let probe = self.probes.iter().find(|probe| probe.kind == Kind::Custom(number))?;
            let words = reading.labels.words(|name| name == "__name__");
            let subject = format!("{} {words}", reading.check);
            let title = format!("{}{}{}", reading.value, check.unit, probe.limit_text(&check.unit));
            let finding = self.finding(codes::CUSTOM, check.severity, subject.trim(), title);
            let finding = self.shown(finding.detail(&check.summary), &check.promql);
            Some(measured(finding, &check.name, reading.value, &check.unit))
        });
        readings.collect()
    }

    /// What was not seen.
    fn gaps(&self, survey: &PrometheusSurvey) -> Vec<Finding> {
        let failed = survey.failed_checks.iter().map(|failed| {
            let title = format!("no answer: {}", sre_core::FailureKind::as_str(failed.error.kind()));
            let finding = self.finding(codes::PARTIAL, Severity::Warning, &failed.check, title);
            finding.detail(ErrorChain(&failed.error).to_string())
        });
        let mut by_check: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for warning in &survey.warnings {
            by_check.entry(&warning.check).or_default().push(&warning.message);
        }
        let partial = by_check.into_iter().map(|(check, texts)| {
            let finding = self.finding(
                codes::PARTIAL,
                Severity::Warning,
                format!("{check} warnings"),
                "the answer may be incomplete",
            );
            finding.detail(texts.join("; ")).count(u32::try_from(texts.len()).unwrap_or(u32::MAX))
        });
        let unknown = survey.unknown_checks.iter().map(|unknown| {
            let severity = if unknown.configured { Severity::Warning } else { Severity::Info };
            let finding = |title: &str| self.finding(codes::NODATA, severity, &unknown.check, title);
            match unknown.reason.strip_suffix(" is empty") {
                Some(promql) => {
                    finding("nothing to judge by: this query is empty").evidence(Evidence::Command(promql.to_owned()))
                }
                None => finding("nothing to judge by").detail(&unknown.reason),
            }
        });
        failed.chain(partial).chain(unknown).collect()
    }
}

/// Adds a value; one that is not finite has no place in JSON, and the title says it.
fn measured(finding: Finding, name: &str, value: SampleValue, unit: &str) -> Finding {
    if !value.is_finite() {
        return finding;
    }
    finding.evidence(Evidence::Value { name: name.to_owned(), value: value.0, unit: unit.to_owned() })
}

fn matchers(labels: &Labels) -> String {
    // An external label is not in the series that Prometheus itself has.
    let pairs = labels.iter().filter(|(name, _)| *name != "prometheus" && *name != "prometheus_replica");
    pairs.map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(", ")
}
