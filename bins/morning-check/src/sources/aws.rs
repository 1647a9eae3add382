//! AWS: who we are once, then every region on its own.

use std::path::PathBuf;
use std::time::Duration;

use sre_cloud::aws::{AwsSession, AwsSettings, RegionSurvey, SurveyOptions};
use sre_cloud::{Error, ErrorKind};
use sre_core::http::Proxy;
use sre_core::{Delivery, RetryPolicy, SharedClock, Target};
use tokio::time::Instant;

use crate::config;
use crate::environment::Environment;
use crate::gather::{Board, Job};
use crate::settings::Settings;
use crate::source::{SourceError, SourceKey, SourceKind, SourceReport};

/// Room between the calls' own deadline and the source's timeout, so that the calls' errors come first.
const MARGIN: Duration = Duration::from_millis(200);

pub(super) fn job(settings: &Settings, env: &Environment, clock: &SharedClock, board: &Board) -> Job {
    let config = settings.config.aws.clone();
    let account = key(config.profile.as_deref().unwrap_or("account"));
    board.expect(account.clone());
    let (board, clock) = (board.clone(), clock.clone());
    let ca_bundle = env.var("AWS_CA_BUNDLE").map(PathBuf::from);
    Box::pin(async move {
        let started = clock.instant();
        let deadline = started + board.timeout();
        let session = match tokio::time::timeout_at(deadline + MARGIN, open(&config, ca_bundle, &clock, deadline)).await
        {
            Ok(Ok(session)) => session,
            Ok(Err(error)) => return board.done(failed(account, clock.instant() - started, &error)),
            Err(_) => return board.done(SourceReport::late(account, board.timeout(), "no result within its timeout")),
        };
        let (session, regions) = session;
        board.replace(account, regions.iter().map(|region| key(region)).collect());
        let options = options(&config);
        let asked = regions.iter().map(|region| board.run(key(region), survey(&session, region, &options, deadline)));
        futures_util::future::join_all(asked).await;
    })
}

fn key(target: &str) -> SourceKey {
    SourceKey::new(SourceKind::Aws, target)
}

/// Bad credentials are one error here, not one a region.
async fn open(
    config: &config::Aws,
    ca_bundle: Option<PathBuf>,
    clock: &SharedClock,
    deadline: Instant,
) -> Result<(AwsSession, Vec<String>), Error> {
    let limit = deadline.saturating_duration_since(clock.instant());
    let mut settings = AwsSettings::default()
        .regions(&config.regions)
        .connect_timeout(limit.min(Duration::from_secs(5)))
        .read_timeout(limit.min(Duration::from_secs(10)))
        .attempt_timeout(limit.min(Duration::from_secs(15)))
        .operation_timeout(limit)
        .credentials_timeout(super::login_limit(limit).min(Duration::from_secs(10)))
        .retry(RetryPolicy::default())
        .proxy(Proxy::FromEnvironment);
    if let Some(profile) = &config.profile {
        settings = settings.profile(profile);
    }
    if let Some(url) = &config.endpoint_url {
        settings = settings.endpoint_url(url);
    }
    if let Some(path) = ca_bundle {
        // As in the AWS CLI; the SDK does not know it.
        let unreadable = |why: String| {
            Error::new(ErrorKind::Config, Target::new("AWS_CA_BUNDLE"))
                .with_delivery(Delivery::NotSent)
                .with_detail(why)
        };
        let pem = tokio::fs::read(&path).await.map_err(|e| unreadable(format!("{}: {e}", path.display())))?;
        settings = settings.ca_pem(pem);
    }
    let session = AwsSession::connect(settings, clock.clone()).await?;
    let who = session.identity(deadline).await?;
    tracing::info!(account = %who.account, "AWS credentials accepted");
    let regions = session.regions(deadline).await?;
    Ok((session, regions))
}

fn options(config: &config::Aws) -> SurveyOptions {
    SurveyOptions::default().buckets(config.buckets).event_urgency(config.event_urgency).growth(config.s3_growth)
}

async fn survey(session: &AwsSession, region: &str, options: &SurveyOptions, deadline: Instant) -> SourceReport {
    match session.survey_region(region, options, deadline).await {
        Ok(survey) => {
            let notes =
                survey.incomplete.iter().map(|part| format!("{}: {}", part.part.as_str(), part.error)).collect();
            SourceReport::answered(key(region), &survey, survey.findings(), summary(&survey), notes)
                .scoped(&(&session.settings().profile, options))
        }
        Err(error) => failed(key(region), Duration::ZERO, &error),
    }
}

fn failed(key: SourceKey, elapsed: Duration, error: &Error) -> SourceReport {
    SourceReport::failed(key, elapsed, SourceError::new(SourceKind::Aws, error))
}

/// `47 running, 12 stopped, 1 impaired, 2 scheduled events, 9 buckets`.
fn summary(survey: &RegionSurvey) -> String {
    let mut parts = Vec::new();
    if let Some(states) = &survey.summary {
        let all = [
            (states.running, "running"),
            (states.pending, "pending"),
            (states.stopped, "stopped"),
            (states.stopping, "stopping"),
            (states.shutting_down, "shutting down"),
            (states.terminated, "terminated"),
        ];
        parts.extend(all.into_iter().filter(|(n, _)| *n > 0).map(|(n, state)| format!("{n} {state}")));
        if parts.is_empty() {
            parts.push("no instances".to_owned());
        }
    }
    for (n, what) in [
        (survey.problems.len(), "with failed status checks"),
        (survey.scheduled_events.len(), "scheduled events"),
        (survey.buckets.len(), "buckets"),
    ] {
        if n > 0 {
            parts.push(format!("{n} {what}"));
        }
    }
    parts.join(", ")
}
