//! A URL that notifications are posted to: paced, named without its secret, and tried again only where that is harmless.

use std::time::Duration;

use sre_core::http::{Client, Request, Response};
use sre_core::{Classify, Delivery, RetryHint, RetryPolicy, Secret, SharedClock, SystemClock, Target};

use crate::answer;
use crate::error::{Error, ErrorKind, misconfigured};
use crate::notify::Receipt;
use crate::pace::Pace;

/// The longest `Retry-After` that is waited out; beyond it the message fails with the hint.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// See the module. Clones share the pace.
///
/// A message is sent again only when it surely was not delivered (no connection came about, or the answer was 429), or
/// when the receiver merges repeats ([`idempotent`](Self::idempotent)). Default: 3 attempts within 2 minutes.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    client: Client,
    url: Secret,
    target: Target,
    retry: RetryPolicy,
    clock: SharedClock,
    pace: Pace,
    idempotent: bool,
}

/// The setters that all receivers over an `endpoint` have.
macro_rules! setters {
    () => {
        /// How often [`notify`](crate::Notifier::notify) tries a message, where that surely makes no duplicate.
        #[must_use]
        pub fn retry(mut self, policy: sre_core::RetryPolicy) -> Self {
            self.endpoint = self.endpoint.retry(policy);
            self
        }

        /// The clock of pacing and waiting.
        #[must_use]
        pub fn clock(mut self, clock: sre_core::SharedClock) -> Self {
            self.endpoint = self.endpoint.clock(clock);
            self
        }
    };
}

/// What is the same in their [`Notifier`](crate::Notifier), by their kind.
macro_rules! parts {
    ($kind:literal) => {
        fn kind(&self) -> &'static str {
            $kind
        }

        fn target(&self) -> &sre_core::Target {
            self.endpoint.target()
        }

        fn min_interval(&self) -> Duration {
            self.endpoint.interval()
        }

        fn attempt<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
            let once = self.clone().retry(sre_core::RetryPolicy::never());
            Box::pin(async move { once.notify(notification).await })
        }
    };
}

pub(crate) use {parts, setters};

// === impl Endpoint ===

impl Endpoint {
    /// `name` is the receiver's, as in `Slack webhook`; only the URL's host is ever shown beside it.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is no http(s) URL.
    pub(crate) fn new(client: Client, name: &str, url: Secret, interval: Duration) -> Result<Self, Error> {
        let target = target(name, url.expose())?;
        let retry = RetryPolicy::builder().base(Duration::from_secs(1)).cap(LONGEST_WAIT).deadline(2 * LONGEST_WAIT);
        let (retry, clock) = (retry.build().unwrap_or_default(), SystemClock::shared());
        Ok(Self { client, url, target, retry, clock, pace: Pace::new(interval), idempotent: false })
    }

    /// The receiver merges a repeated message with the first.
    pub(crate) fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    pub(crate) fn pace(mut self, interval: Duration) -> Self {
        self.pace = Pace::new(interval);
        self
    }

    pub(crate) fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    pub(crate) fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn interval(&self) -> Duration {
        self.pace.interval()
    }

    /// The clock that pacing and waiting follow.
    pub(crate) fn time(&self) -> &SharedClock {
        &self.clock
    }

    /// Posts what `fill` makes of the request until `read` is content with the answer; how many requests that took.
    ///
    /// # Errors
    /// The last attempt's error.
    pub(crate) async fn post(
        &self,
        fill: impl Fn(Request) -> Request + Send + Sync,
        read: impl Fn(&Response) -> Result<(), Error> + Send + Sync,
    ) -> Result<u32, Error> {
        let started = self.clock.instant();
        let (mut attempt, mut requests) = (0, 0);
        loop {
            attempt += 1;
            let Err(error) = self.once(&fill, &read).await else { return Ok(requests + 1) };
            // None, where it was not even sent.
            requests += error.attempts();
            let elapsed = self.clock.instant() - started;
            let error = error.with_attempts(requests).with_elapsed(elapsed);
            // Coming back earlier than asked only prolongs the ban, so a wait beyond the cap is not shortened to it.
            let too_long = matches!(error.retry_hint(), RetryHint::After(wait) if wait > self.retry.cap());
            let delay = self.retry.next_delay(&error, self.idempotent, attempt, elapsed).filter(|_| !too_long);
            let Some(delay) = delay else { return Err(error) };
            tracing::warn!(target = %self.target, attempt, ?delay, %error, "sending again");
            self.clock.sleep(delay).await;
        }
    }

    /// [`post`](Self::post) of all there is to say.
    ///
    /// # Errors
    /// The same.
    pub(crate) async fn deliver(
        &self,
        fill: impl Fn(Request) -> Request + Send + Sync,
        read: impl Fn(&Response) -> Result<(), Error> + Send + Sync,
    ) -> Result<Receipt, Error> {
        let started = self.clock.instant();
        let attempts = self.post(fill, read).await?;
        Ok(Receipt::new(self.target.clone(), 1, attempts, self.clock.instant() - started))
    }

    async fn once(
        &self,
        fill: &(impl Fn(Request) -> Request + Sync),
        read: &(impl Fn(&Response) -> Result<(), Error> + Sync),
    ) -> Result<(), Error> {
        let patience = self.retry.cap().max(self.pace.interval());
        let turn = self.pace.turn(&*self.clock, patience).await.map_err(|wait| self.held_off(wait))?;
        let request = fill(self.client.post(self.url.expose()).target(self.target.clone()));
        let result = match request.send().await {
            // A redirected POST arrives as a GET: whoever answered never saw the message.
            Ok(answer) if answer.redirected() => {
                Err(answer::refused(&answer, ErrorKind::Unexpected, "(after a redirect)", Duration::ZERO))
            }
            Ok(answer) => read(&answer),
            Err(e) => {
                let detail = format!("{}; {}", e.detail(), ErrorKind::from_http(e.kind()).advice());
                Err(e.map_kind(ErrorKind::from_http).with_detail(detail.replace(self.url.expose(), "***")))
            }
        };
        let quiet = result.as_ref().err().and_then(|e| match (e.kind(), e.retry_hint()) {
            (ErrorKind::RateLimited, RetryHint::After(wait)) => Some(wait),
            _ => None,
        });
        turn.end(&*self.clock, quiet);
        result
    }

    /// Another message was answered with a long `Retry-After`, which holds for this one too.
    fn held_off(&self, wait: Duration) -> Error {
        Error::new(ErrorKind::RateLimited, self.target.clone())
            .with_attempts(0)
            .with_delivery(Delivery::NotSent)
            .with_hint(RetryHint::After(wait))
            .with_detail("it asked to be left alone; not sent")
    }
}

/// The host is enough to know which receiver it is; the path may be the secret.
fn target(name: &str, url: &str) -> Result<Target, Error> {
    let parsed = url::Url::parse(url.trim()).ok().filter(|u| matches!(u.scheme(), "https" | "http"));
    let host = parsed.as_ref().and_then(|u| u.host_str().map(|host| (host, u.port())));
    match host {
        Some((host, Some(port))) => Ok(Target::new(format!("{name} {host}:{port}"))),
        Some((host, None)) => Ok(Target::new(format!("{name} {host}"))),
        None => Err(misconfigured(name, "the webhook is not an http(s) URL")),
    }
}
