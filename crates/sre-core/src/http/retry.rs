//! Binds our [`RetryPolicy`] to reqwest-retry's loop.

use std::time::{Duration, SystemTime};

use reqwest::Response;
use reqwest_retry::{Retryable, RetryableStrategy};

use super::error::{Diagnosis, status_hint};
use crate::error::RetryHint;
use crate::retry::RetryPolicy;

/// Our policy in the shape that reqwest-retry asks for.
#[derive(Debug)]
pub(super) struct Policy(pub(super) RetryPolicy);

/// Which results are worth another try, given that the request may be repeated at all.
#[derive(Debug)]
pub(super) struct Strategy;

impl retry_policies::RetryPolicy for Policy {
    #[expect(clippy::disallowed_methods, reason = "the interface wants a point in wall-clock time, not a duration")]
    fn should_retry(&self, started: SystemTime, past_retries: u32) -> retry_policies::RetryDecision {
        let now = SystemTime::now();
        let delay = self.0.jittered_delay(past_retries);
        let elapsed = now.duration_since(started).unwrap_or(Duration::ZERO);
        let too_late = self.0.deadline().is_some_and(|deadline| elapsed + delay >= deadline);
        if past_retries + 1 >= self.0.attempts() || too_late {
            return retry_policies::RetryDecision::DoNotRetry;
        }
        retry_policies::RetryDecision::Retry { execute_after: now + delay }
    }
}

impl RetryableStrategy for Strategy {
    fn handle(&self, result: &reqwest_middleware::Result<Response>) -> Option<Retryable> {
        let hint = match result {
            Ok(response) => status_hint(response.status().as_u16(), None),
            Err(error) => Diagnosis::of(error).hint,
        };
        (hint != RetryHint::Never).then_some(Retryable::Transient)
    }
}
