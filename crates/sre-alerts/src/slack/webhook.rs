//! Posts messages to an incoming webhook, at most one a second.

use std::sync::Arc;
use std::time::Duration;

use sre_core::http::Client;
use sre_core::{Classify, Delivery, RetryHint, RetryPolicy, Secret, SharedClock, SystemClock, Target};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::message::Message;
use super::pack::Part;
use super::reply;
use crate::error::{Error, ErrorKind};
use crate::notify::{Notification, Notifier, NotifyFuture, Receipt};

/// Time between two messages of one webhook: Slack allows one a second
/// (<https://api.slack.com/apis/rate-limits>).
pub(super) const PACE: Duration = Duration::from_secs(1);

/// The longest `Retry-After` that is waited out; beyond it the message fails with the hint.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A Slack channel behind an incoming webhook. Clones share the pace.
///
/// The URL is a secret: it is in no error, log or `Debug`; errors speak of `Slack webhook hooks.slack.com`.
///
/// A message is sent again only when it surely was not posted: no connection came about, or Slack answered 429 (its
/// `Retry-After` is waited out, up to 60 s). After a timeout, a broken answer or a 5xx it may have been posted; these
/// are errors with [`Delivery::MaybeSent`] and [`RetryHint::Backoff`], for the caller to choose between a duplicate and
/// silence. Default: 3 attempts a message within 2 minutes.
#[derive(Debug, Clone)]
pub struct SlackWebhook {
    client: Client,
    url: Secret,
    target: Target,
    retry: RetryPolicy,
    clock: SharedClock,
    free_at: Arc<Mutex<Option<Instant>>>,
}

/// What became of a message's parts: the first [`delivered`](Self::delivered) of them arrived.
#[derive(Debug)]
#[non_exhaustive]
pub struct Posting {
    /// How many parts Slack said it has.
    pub delivered: usize,
    /// How many parts there are.
    pub total: usize,
    /// Requests sent, the repeated ones included.
    pub attempts: u32,
    /// Time for all of it, pacing included.
    pub elapsed: Duration,
    /// Why part number `delivered` (the first is 0) was not posted; the parts after it were not tried.
    pub error: Option<Error>,
    target: Target,
}

// === impl SlackWebhook ===

impl SlackWebhook {
    /// A webhook at `url`, which is `https` (or `http`, for a test's receiver).
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is no such URL.
    pub fn new(client: Client, url: Secret) -> Result<Self, Error> {
        let target = target(url.expose())?;
        let retry = RetryPolicy::builder().base(PACE).cap(LONGEST_WAIT).deadline(2 * LONGEST_WAIT).build();
        let retry = retry.unwrap_or_default();
        let clock = SystemClock::shared();
        Ok(Self { client, url, target, retry, clock, free_at: Arc::default() })
    }

    /// How often a message that surely was not posted is tried.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The clock that pacing and waiting follow.
    #[must_use]
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// The name shown instead of the URL.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Posts a message, in as many parts as it takes.
    ///
    /// # Errors
    /// - connection: Slack was not reached, or broke off
    /// - auth: the webhook was removed, or posting is prohibited
    /// - application: everything else that Slack refuses; an empty message
    ///
    /// The detail says which parts were delivered before, if any.
    pub async fn post(&self, message: &Message) -> Result<Receipt, Error> {
        let parts = message.parts();
        if parts.is_empty() {
            let e = Error::new(ErrorKind::InvalidPayload, self.target.clone()).with_attempts(0);
            return Err(e.with_detail("the message is empty").with_delivery(Delivery::NotSent));
        }
        self.deliver(&parts).await.into_result()
    }

    /// Posts parts in order and stops at the first that fails.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the part under way posted or not.
    pub async fn deliver(&self, parts: &[Part]) -> Posting {
        let started = self.clock.instant();
        let mut posting = Posting {
            delivered: 0,
            total: parts.len(),
            attempts: 0,
            elapsed: Duration::ZERO,
            error: None,
            target: self.target.clone(),
        };
        for part in parts {
            match self.send(part, &mut posting.attempts).await {
                Ok(()) => posting.delivered += 1,
                Err(e) => {
                    posting.error = Some(e);
                    break;
                }
            }
        }
        posting.elapsed = self.clock.instant() - started;
        posting
    }

    /// One part, tried again while that surely makes no duplicate.
    async fn send(&self, part: &Part, total_attempts: &mut u32) -> Result<(), Error> {
        let started = self.clock.instant();
        let mut attempt = 0;
        loop {
            attempt += 1;
            *total_attempts += 1;
            let Err(error) = self.once(part).await else { return Ok(()) };
            let elapsed = self.clock.instant() - started;
            let error = error.with_attempts(attempt).with_elapsed(elapsed);
            // Coming back earlier than asked only prolongs the ban, so a wait beyond the cap is not shortened to it.
            let too_long = matches!(error.retry_hint(), RetryHint::After(wait) if wait > self.retry.cap());
            let delay = self.retry.next_delay(&error, false, attempt, elapsed).filter(|_| !too_long);
            let Some(delay) = delay else { return Err(error) };
            tracing::warn!(target = %self.target, attempt, ?delay, %error, "posting again");
            self.clock.sleep(delay).await;
        }
    }

    async fn once(&self, part: &Part) -> Result<(), Error> {
        let mut free_at = self.free_at.lock().await;
        if let Some(at) = *free_at {
            self.clock.sleep(at.saturating_duration_since(self.clock.instant())).await;
        }
        *free_at = Some(self.clock.instant() + PACE);
        let sent = self.client.post(self.url.expose()).target(self.target.clone()).json(part).send().await;
        // Counted from the answer too: how long the request was on its way is not known.
        *free_at = Some(self.clock.instant() + PACE);
        match sent {
            Ok(response) => reply::read(&response),
            Err(e) => {
                let detail = format!("{}; {}", e.detail(), ErrorKind::from_http(e.kind()).advice());
                Err(e.map_kind(ErrorKind::from_http).with_detail(detail.replace(self.url.expose(), "***")))
            }
        }
    }
}

impl Notifier for SlackWebhook {
    fn kind(&self) -> &'static str {
        "slack"
    }

    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move { self.post(&Message::from(notification)).await })
    }
}

/// The host is enough to know which receiver it is; the path is the secret.
fn target(url: &str) -> Result<Target, Error> {
    let parsed = url::Url::parse(url.trim()).ok().filter(|u| matches!(u.scheme(), "https" | "http"));
    let host = parsed.as_ref().and_then(|u| u.host_str().map(|host| (host, u.port())));
    match host {
        Some((host, Some(port))) => Ok(Target::new(format!("Slack webhook {host}:{port}"))),
        Some((host, None)) => Ok(Target::new(format!("Slack webhook {host}"))),
        None => {
            let e = Error::new(ErrorKind::Config, Target::new("Slack webhook")).with_attempts(0);
            Err(e.with_detail("the webhook is not an http(s) URL").with_delivery(Delivery::NotSent))
        }
    }
}

// === impl Posting ===

impl Posting {
    /// A receipt when every part arrived, else why not, with the parts that did named in the detail.
    ///
    /// # Errors
    /// The error of the part that failed.
    pub fn into_result(self) -> Result<Receipt, Error> {
        let Self { delivered, total, attempts, elapsed, error, target } = self;
        let Some(error) = error else { return Ok(Receipt::new(target, delivered, attempts, elapsed)) };
        if total == 1 {
            return Err(error);
        }
        let arrived = match delivered {
            0 => "none was delivered".to_owned(),
            1 => "part 1 was delivered".to_owned(),
            n => format!("parts 1 to {n} were delivered"),
        };
        let detail = format!("part {} of {total}: {} ({arrived})", delivered + 1, error.detail());
        let error = error.with_detail(detail);
        // Some of it is in the channel: the message as a whole is no longer surely unsent.
        Err(if delivered > 0 { error.with_delivery(Delivery::MaybeSent) } else { error })
    }
}
