//! Posts embeds and reads the answers.

use std::time::Duration;

use serde::Deserialize;
use sre_core::http::{Client, Response};
use sre_core::{RetryHint, Secret};

use super::embed;
use crate::answer;
use crate::endpoint::{self, Endpoint};
use crate::error::{Error, ErrorKind, misconfigured};
use crate::notify::{Notification, Notifier, NotifyFuture};

/// Five requests in two seconds, and one of them to spare.
const PACE: Duration = Duration::from_millis(500);

/// After a 429 that says nothing about it.
const QUIET: Duration = Duration::from_secs(5);

/// A Discord channel behind a webhook; see the [module](super). Clones share the pace.
///
/// The URL is a secret. It is asked with `wait=true`, so that a success is the message as Discord has it, and nobody
/// else's answer. Default: 3 attempts within 2 minutes where that surely makes no duplicate, two messages a second.
#[derive(Debug, Clone)]
pub struct Discord {
    endpoint: Endpoint,
}

/// What all of Discord's answers are made of.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Words {
    /// Of the message that was posted.
    id: Option<String>,
    code: u64,
    message: String,
    /// Seconds.
    retry_after: Option<f64>,
}

// === impl Discord ===

impl Discord {
    /// The webhook at `url`; a `thread_id` in its query is kept.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is not `https` (or `http`, for a test's receiver).
    #[expect(clippy::needless_pass_by_value, reason = "as with every other receiver")]
    pub fn new(client: Client, url: Secret) -> Result<Self, Error> {
        const NAME: &str = "Discord webhook";
        let unusable = |_| misconfigured(NAME, "the webhook is not an http(s) URL");
        let mut asked = url::Url::parse(url.expose().trim()).map_err(unusable)?;
        let others: Vec<(String, String)> = asked.query_pairs().into_owned().filter(|(key, _)| key != "wait").collect();
        asked.query_pairs_mut().clear().extend_pairs(others).append_pair("wait", "true");
        Ok(Self { endpoint: Endpoint::new(client, NAME, Secret::new(asked), PACE)? })
    }

    endpoint::setters!();
}

impl Notifier for Discord {
    endpoint::parts!("discord");

    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move {
            let message = embed::message(notification);
            self.endpoint.deliver(|request| request.json(&message), read).await
        })
    }
}

fn read(response: &Response) -> Result<(), Error> {
    let words: Words = response.json().unwrap_or_default();
    let status = response.status();
    if status == 204 || (status == 200 && words.id.is_some()) {
        return Ok(());
    }
    let said = match words.message.as_str() {
        "" => response.text().into_owned(),
        message => format!("{} {message}", words.code),
    };
    let error = answer::refused(response, answer::kind_of(status), &said, QUIET);
    // The body is exact where the header is whole seconds.
    let exact = words.retry_after.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Err(match exact {
        Some(wait) if error.kind() == ErrorKind::RateLimited => error.with_hint(RetryHint::After(wait)),
        _ => error,
    })
}
