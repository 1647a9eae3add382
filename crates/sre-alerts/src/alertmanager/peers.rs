//! Posts to every peer at once and makes one answer of theirs.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{self, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use sre_core::http::{Client, Response};
use sre_core::{Delivery, RetryPolicy, Secret, SharedClock, SystemClock, Target};

use super::posted::{self, Posted};
use crate::answer;
use crate::endpoint::Endpoint;
use crate::error::{Error, misconfigured};
use crate::notify::{Event, Notification, Notifier, NotifyFuture, Receipt, Resend};

const NAME: &str = "Alertmanager";

/// How often Prometheus reminds it (`--rules.alert.resend-delay`).
const EVERY: Duration = Duration::from_secs(60);
/// So that a peer that was away for a while learns that it is over.
const AFTER_RESOLVED: Duration = Duration::from_secs(300);
/// Reminders that may be missed until a firing alert counts as over; Prometheus takes four too.
const MISSED: u32 = 4;
/// How long the others are waited for once one peer has the alerts.
const STRAGGLERS: Duration = Duration::from_secs(3);
/// In one post; Prometheus sends 64 (`--alertmanager.notification-batch-size`), but in a loop of its own.
const AT_ONCE: usize = 500;
/// After a 429 that says nothing about it; Alertmanager itself has none.
const QUIET: Duration = Duration::from_secs(5);

/// All peers of an Alertmanager; see the [module](super).
///
/// Credentials are the client's ([`Auth`](sre_core::http::Auth)) or in the URLs, which are secrets. As Alertmanager
/// merges what comes twice, a post is tried again after a timeout or a 5xx too. Defaults: 3 attempts a peer within 2
/// minutes, a reminder a minute.
#[derive(Debug, Clone)]
pub struct Alertmanager {
    peers: Vec<Endpoint>,
    target: Target,
    resend: Resend,
    clock: SharedClock,
}

// === impl Alertmanager ===

impl Alertmanager {
    /// The peers at these URLs, each with its path prefix if it has one: `https://am.example/alertmanager`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when there is none, or one is no such URL.
    #[expect(clippy::needless_pass_by_value, reason = "as with every other receiver; a client is a handle")]
    pub fn new(client: Client, peers: impl IntoIterator<Item = Secret>) -> Result<Self, Error> {
        let endpoint = |url: Secret| {
            let url = Secret::new(format!("{}/api/v2/alerts", url.expose().trim().trim_end_matches('/')));
            Endpoint::new(client.clone(), NAME, url, Duration::ZERO).map(Endpoint::idempotent)
        };
        let peers = peers.into_iter().map(endpoint).collect::<Result<Vec<_>, _>>()?;
        let hosts: Vec<&str> =
            peers.iter().map(|p| p.target().as_str().trim_start_matches(NAME).trim_start()).collect();
        if hosts.is_empty() {
            return Err(misconfigured(NAME, "there are no peers"));
        }
        let target = Target::new(format!("{NAME} {}", hosts.join(", ")));
        let clock = SystemClock::shared();
        Ok(Self { peers, target, resend: Resend::new(EVERY, AFTER_RESOLVED), clock })
    }

    /// How often a firing alert is posted again. It counts as over when four in a row are missed.
    #[must_use]
    pub fn resend_every(mut self, every: Duration) -> Self {
        self.resend.every = every;
        self
    }

    /// How often each peer is tried.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.peers = self.peers.into_iter().map(|peer| peer.retry(policy)).collect();
        self
    }

    /// The clock of ends and waits.
    #[must_use]
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.peers = self.peers.into_iter().map(|peer| peer.clock(clock.clone())).collect();
        self.clock = clock;
        self
    }

    async fn post(&self, alerts: &[Posted]) -> Result<Receipt, Error> {
        let started = self.clock.instant();
        let posts = self.peers.iter().map(|peer| peer.post(|request| request.json(alerts), read));
        let mut posts: FuturesUnordered<_> = posts.collect();
        let mut receipt = Receipt::new(self.target.clone(), 0, 0, Duration::ZERO);
        let mut failed = Vec::new();
        let mut grace = pin!(future::pending().boxed());
        loop {
            let answer = tokio::select! {
                answer = posts.next() => answer,
                () = &mut grace => None,
            };
            match answer {
                Some(Ok(attempts)) => {
                    receipt.parts += 1;
                    receipt.attempts += attempts;
                    if receipt.parts == 1 {
                        grace.set(self.clock.sleep(STRAGGLERS));
                    }
                }
                Some(Err(e)) => {
                    receipt.attempts += e.attempts();
                    failed.push(e);
                }
                None => break,
            }
        }
        receipt.elapsed = self.clock.instant() - started;
        if receipt.parts > 0 && receipt.parts < self.peers.len() {
            let why = failed.first().map(ToString::to_string);
            tracing::warn!(target = %self.target, took = receipt.parts, why, "not every peer took the alerts");
        }
        if receipt.parts == 0
            && let Some(error) = worst(failed, self.peers.len())
        {
            return Err(error);
        }
        Ok(receipt)
    }
}

/// The error for all peers together: one that may pass, if there is one, and [`Delivery::NotSent`] only if all agree.
fn worst(mut failed: Vec<Error>, peers: usize) -> Option<Error> {
    use sre_core::Classify;

    let not_sent = failed.iter().all(|e| e.delivery() == Delivery::NotSent);
    failed.sort_by_key(|e| (e.kind().is_permanent(), not_sent || e.delivery() == Delivery::NotSent));
    let error = failed.into_iter().next()?;
    if peers == 1 {
        return Some(error);
    }
    let detail = format!("none of {peers} peers took it; this one: {}", error.detail());
    Some(error.with_detail(detail))
}

impl Notifier for Alertmanager {
    fn kind(&self) -> &'static str {
        "alertmanager"
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move {
            let valid_for = self.resend.every.saturating_mul(MISSED);
            self.post(&posted::all(notification, self.clock.now(), valid_for)).await
        })
    }

    fn attempt<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move { self.clone().retry(RetryPolicy::never()).notify(notification).await })
    }

    /// Posts an alert, and at once that it is over.
    fn send_test(&self) -> NotifyFuture<'_> {
        Box::pin(async move {
            let test = Notification::test();
            self.notify(&test).await?;
            self.notify(&test.event(Event::Resolved)).await
        })
    }

    fn carries(&self) -> usize {
        AT_ONCE
    }

    fn resend(&self) -> Option<Resend> {
        Some(self.resend)
    }
}

fn read(response: &Response) -> Result<(), Error> {
    answer::expect(response, &[200], QUIET)
}
