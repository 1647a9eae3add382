//! One question to AWS: attempts, pauses and time limits, and what an attempt that failed means.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use sre_core::{Delivery, RetryHint};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::error::Asked;
use super::session::AwsSession;
use crate::{Error, ErrorKind};

// === impl AwsSession ===

impl AwsSession {
    /// Sends through an SDK client until there is an answer, the policy is used up or time is over.
    pub(super) async fn call<T, E, F>(
        &self,
        asked: &Asked<'_>,
        deadline: Instant,
        send: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: ProvideErrorMetadata + StdError + 'static,
    {
        self.attempts(asked, deadline, || {
            let sent = send();
            async move { sent.await.map_err(|e| asked.sdk_failed(&e)) }
        })
        .await
    }

    /// The same for anything that asks and only reads. The error that ends it knows all attempts and the whole time.
    pub(super) async fn attempts<T, F>(
        &self,
        asked: &Asked<'_>,
        deadline: Instant,
        attempt: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let span = tracing::debug_span!("cloud.list", region = asked.region, action = asked.action);
        self.attempts_within(asked, deadline, attempt).instrument(span).await
    }

    async fn attempts_within<T, F>(
        &self,
        asked: &Asked<'_>,
        deadline: Instant,
        attempt: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let (clock, settings) = (self.clock(), self.settings());
        let started = clock.instant();
        let limit = deadline.min(started + settings.operation_timeout);
        let mut tried = 1;
        loop {
            let error = match timeout_at(limit, attempt()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => too_late(asked, limit.saturating_duration_since(started)),
            };
            let elapsed = clock.instant().saturating_duration_since(started);
            // Every call of this module only reads, so a repeat does no harm.
            match settings.retry.next_delay(&error, true, tried, elapsed) {
                Some(delay) if started + elapsed + delay < limit => {
                    tracing::debug!(tried, ?delay, %error, "again");
                    clock.sleep(delay).await;
                }
                _ => return Err(error.with_attempts(tried).with_elapsed(elapsed)),
            }
            tried += 1;
        }
    }
}

/// The token of the next page; an empty one means the last page, the same one again means pages without end.
pub(super) fn next_page(
    asked: &Asked<'_>,
    this: Option<&String>,
    next: Option<String>,
) -> Result<Option<String>, Error> {
    match next.filter(|token| !token.is_empty()) {
        Some(next) if Some(&next) == this => Err(asked
            .failed(ErrorKind::Decode)
            .with_detail(format!("{} gives the same page again and again", asked.action))
            .with_delivery(Delivery::Answered)),
        next => Ok(next),
    }
}

fn too_late(asked: &Asked<'_>, allowed: Duration) -> Error {
    asked
        .failed(ErrorKind::Timeout)
        .with_detail(format!("no answer to {} in the {allowed:.1?} it had", asked.action))
        .with_hint(RetryHint::Backoff)
}
