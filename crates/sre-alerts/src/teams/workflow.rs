//! Posts cards and reads the answers.

use std::time::Duration;

use serde::Deserialize;
use sre_core::Secret;
use sre_core::http::{Client, Response};

use super::card;
use crate::answer;
use crate::endpoint::{self, Endpoint};
use crate::error::{Error, ErrorKind};
use crate::notify::{Notification, Notifier, NotifyFuture};

/// Four requests a second.
const PACE: Duration = Duration::from_millis(250);

/// After a 429 without `Retry-After`.
const QUIET: Duration = Duration::from_secs(10);

/// A Teams channel behind a workflow's webhook; see the [module](super). Clones share the pace.
///
/// Default: 3 attempts within 2 minutes where that surely makes no duplicate, four messages a second.
#[derive(Debug, Clone)]
pub struct Teams {
    endpoint: Endpoint,
}

/// How a workflow says no.
#[derive(Debug, Deserialize)]
struct Refusal {
    error: Reason,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Reason {
    code: String,
    message: String,
}

// === impl Teams ===

impl Teams {
    /// The workflow at `url`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is not `https` (or `http`, for a test's receiver).
    pub fn new(client: Client, url: Secret) -> Result<Self, Error> {
        Ok(Self { endpoint: Endpoint::new(client, "Teams webhook", url, PACE)? })
    }

    endpoint::setters!();
}

impl Notifier for Teams {
    endpoint::parts!("teams");

    fn notify<'a>(&'a self, notification: &'a Notification) -> NotifyFuture<'a> {
        Box::pin(async move {
            let message = card::message(notification);
            self.endpoint.deliver(|request| request.json(&message), read).await
        })
    }
}

fn read(response: &Response) -> Result<(), Error> {
    let text = response.text();
    match response.status() {
        202 => Ok(()),
        200 => match connector(text.trim()) {
            None => Ok(()),
            Some(kind) => Err(answer::refused(response, kind, &text, QUIET)),
        },
        status => {
            let refusal = response.json::<Refusal>().map(|r| r.error).unwrap_or_default();
            let kind = match refusal.code.as_str() {
                "WorkflowTriggerIsNotEnabled" | "WorkflowNotFound" => ErrorKind::NoService,
                _ => answer::kind_of(status),
            };
            let said = match refusal.code.as_str() {
                "" => text.into_owned(),
                code => format!("{code}: {}", refusal.message),
            };
            Err(answer::refused(response, kind, &said, QUIET))
        }
    }
}

/// What the 200 of an older connector really is; `None` is a success. It says `1`, or names the status it got itself.
fn connector(said: &str) -> Option<ErrorKind> {
    if matches!(said, "" | "1") {
        return None;
    }
    let status = said.split("HTTP error ").nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit));
    match status.and_then(|digits| digits.collect::<String>().parse::<u16>().ok()) {
        Some(status) => Some(answer::kind_of(status)),
        None => Some(ErrorKind::Unexpected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_200_is_not_always_a_success() {
        let failed = |n| {
            format!(
                "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {n} with ContextId x"
            )
        };
        assert_eq!((connector("1"), connector("")), (None, None));
        assert_eq!(connector(&failed(429)), Some(ErrorKind::RateLimited));
        assert_eq!(connector(&failed(413)), Some(ErrorKind::InvalidPayload));
        assert_eq!(connector(&failed(503)), Some(ErrorKind::Server));
        assert_eq!(connector("<html>Log in</html>"), Some(ErrorKind::Unexpected));
    }
}
