//! Posts messages to an incoming webhook, at most one a second.

use std::time::Duration;

use sre_core::http::Client;
use sre_core::{Delivery, Secret, Target};

use super::message::Message;
use super::pack::Part;
use super::reply;
use crate::endpoint::{self, Endpoint};
use crate::error::{Error, ErrorKind};
use crate::notify::{Notification, Notifier, NotifyFuture, Receipt};

/// Time between two messages of one webhook: Slack allows one a second
/// (<https://api.slack.com/apis/rate-limits>).
pub(super) const PACE: Duration = Duration::from_secs(1);

/// A Slack channel behind an incoming webhook. Clones share the pace.
///
/// The URL is a secret: it is in no error, log or `Debug`; errors speak of `Slack webhook hooks.slack.com`.
///
/// A message is sent again only when it surely was not posted: no connection came about, or Slack answered 429 (its
/// `Retry-After` is waited out, up to 60 s). After a timeout, a broken answer or a 5xx it may have been posted; these
/// are errors with [`Delivery::MaybeSent`] and [`RetryHint::Backoff`](sre_core::RetryHint::Backoff), for the caller to
/// choose between a duplicate and silence. Default: 3 attempts a message within 2 minutes.
#[derive(Debug, Clone)]
pub struct SlackWebhook {
    endpoint: Endpoint,
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
        Ok(Self { endpoint: Endpoint::new(client, "Slack webhook", url, PACE)? })
    }

    endpoint::setters!();

    /// The name shown instead of the URL.
    #[must_use]
    pub fn target(&self) -> &Target {
        self.endpoint.target()
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
            let e = Error::new(ErrorKind::InvalidPayload, self.target().clone()).with_attempts(0);
            return Err(e.with_detail("the message is empty").with_delivery(Delivery::NotSent));
        }
        self.deliver(&parts).await.into_result()
    }

    /// Posts parts in order and stops at the first that fails.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the part under way posted or not.
    pub async fn deliver(&self, parts: &[Part]) -> Posting {
        let started = self.endpoint.time().instant();
        let mut posting = Posting {
            delivered: 0,
            total: parts.len(),
            attempts: 0,
            elapsed: Duration::ZERO,
            error: None,
            target: self.target().clone(),
        };
        for part in parts {
            match self.endpoint.post(|request| request.json(part), reply::read).await {
                Ok(attempts) => {
                    posting.delivered += 1;
                    posting.attempts += attempts;
                }
                Err(e) => {
                    posting.attempts += e.attempts();
                    posting.error = Some(e);
                    break;
                }
            }
        }
        posting.elapsed = self.endpoint.time().instant() - started;
        posting
    }
}

impl Notifier for SlackWebhook {
    endpoint::parts!("slack");

    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move { self.post(&Message::from(notification)).await })
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
