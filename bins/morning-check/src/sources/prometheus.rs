//! Prometheus, and Alertmanager where one is named.

use std::time::Duration;

use sre_core::SharedClock;
use sre_core::http::Client;
use sre_metrics::{Alertmanager, Prometheus, PrometheusSurvey, SurveyConfig, survey};
use tokio::time::Instant;

use super::http;
use crate::environment::Environment;
use crate::gather::{Board, Job};
use crate::settings::{Settings, Usage};
use crate::source::{SourceError, SourceKey, SourceKind, SourceReport};

/// The two clients, or why one cannot be made.
struct Servers {
    prometheus: Prometheus,
    alertmanager: Option<Alertmanager>,
}

pub(super) fn job(settings: &Settings, env: &Environment, clock: &SharedClock, board: &Board) -> Job {
    let config = &settings.config;
    let url = config.prometheus.url.clone().unwrap_or_default();
    let key = SourceKey::new(SourceKind::Prometheus, sre_core::redact::url(&url));
    board.expect(key.clone());
    // Certificates and tokens in files may lie on a dead network disk: not on a thread of the runtime.
    let clients = {
        let (config, env, clock, limit) = (config.clone(), env.clone(), clock.clone(), board.timeout());
        move || {
            let client = |name: &str, auth| http::client(name, auth, &env, &clock, limit);
            Ok((client("prometheus", &config.prometheus.auth)?, client("alertmanager", &config.alertmanager.auth)?))
        }
    };
    let alertmanager = config.alertmanager.url.clone();
    let asked = config.prometheus.survey();
    let (board, clock) = (board.clone(), clock.clone());
    Box::pin(async move {
        let work = async {
            // A little before the source's own limit, so that one call that hangs does not take the others along.
            let deadline = clock.instant() + board.timeout().saturating_sub(Duration::from_millis(100));
            let clients = tokio::task::spawn_blocking(clients).await;
            let clients: Result<(Client, Client), Usage> = clients.unwrap_or_else(|e| Err(Usage::from_error(&e, "")));
            match clients.map(|clients| servers(clients, &url, alertmanager.as_deref())) {
                Err(usage) => SourceReport::failed(key.clone(), Default::default(), unusable(&key, &usage)),
                Ok(Err(error)) => failed(&key, &error),
                Ok(Ok(servers)) => ask(&key, &servers, &asked, deadline).await,
            }
        };
        board.run(key.clone(), work).await;
    })
}

fn servers(clients: (Client, Client), url: &str, alertmanager: Option<&str>) -> Result<Servers, sre_metrics::Error> {
    let prometheus = Prometheus::new(clients.0, url)?;
    let alertmanager = alertmanager.map(|url| Alertmanager::new(clients.1, url)).transpose()?;
    Ok(Servers { prometheus, alertmanager })
}

async fn ask(key: &SourceKey, servers: &Servers, asked: &SurveyConfig, deadline: Instant) -> SourceReport {
    match survey::survey(&servers.prometheus, servers.alertmanager.as_ref(), asked, deadline).await {
        Err(error) => failed(key, &error),
        Ok(survey) => {
            let failed = alike(survey.failed_checks.iter().map(|f| (f.check.to_string(), f.error.to_string())));
            let warned = survey.warnings.iter().map(|w| format!("{}: Prometheus warns: {}", w.check, w.message));
            let blind = survey.unknown_checks.iter().filter(|unknown| unknown.configured);
            let blind = blind.map(|unknown| format!("{}: no data: {}", unknown.check, unknown.reason));
            let notes = failed.chain(warned).chain(blind).collect();
            SourceReport::answered(key.clone(), &survey, survey.findings().to_vec(), summary(&survey), notes)
                .scoped(&(asked, servers.alertmanager.is_some()))
        }
    }
}

/// One note for all checks that failed for the same reason: a dead Prometheus is one thing, not ten.
fn alike(failed: impl Iterator<Item = (String, String)>) -> impl Iterator<Item = String> {
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for (check, why) in failed {
        match reasons.iter_mut().find(|(reason, _)| *reason == why) {
            Some((_, checks)) => checks.push(check),
            None => reasons.push((why, vec![check])),
        }
    }
    reasons.into_iter().map(|(why, checks)| format!("{}: {why}", checks.join(", ")))
}

fn failed(key: &SourceKey, error: &sre_metrics::Error) -> SourceReport {
    SourceReport::failed(key.clone(), Default::default(), SourceError::new(key.kind, error))
}

fn unusable(key: &SourceKey, usage: &Usage) -> SourceError {
    SourceError::settings(key, usage.what(), usage.advice())
}

/// `3 firing (1 critical), 1 silenced, 0 hot nodes, 1 disk filling, 2 targets down`.
fn summary(survey: &PrometheusSurvey) -> String {
    let critical =
        survey.firing_alerts.iter().filter(|a| a.severity == sre_metrics::severity::AlertSeverity::Critical).count();
    let mut parts = vec![format!("{} firing ({critical} critical)", survey.firing_alerts.len())];
    if !survey.suppressed_alerts.is_empty() {
        parts.push(format!("{} silenced", survey.suppressed_alerts.len()));
    }
    for (n, one, many) in [
        (survey.hot_nodes.len(), "hot node", "hot nodes"),
        (survey.filling_disks.len(), "disk filling", "disks filling"),
        (survey.error_rates.len(), "service with 5xx", "services with 5xx"),
        (survey.targets_down.len(), "target down", "targets down"),
    ] {
        parts.push(format!("{n} {}", if n == 1 { one } else { many }));
    }
    if !survey.unknown_checks.is_empty() {
        parts.push(format!("{} checks without data", survey.unknown_checks.len()));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reason_is_one_note() {
        let failed = [("alerts", "refused"), ("hot_nodes", "late"), ("targets", "refused")];
        let notes: Vec<String> = alike(failed.into_iter().map(|(c, w)| (c.to_owned(), w.to_owned()))).collect();
        assert_eq!(notes, ["alerts, targets: refused", "hot_nodes: late"]);
    }
}
