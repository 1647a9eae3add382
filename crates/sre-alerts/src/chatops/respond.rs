//! Later answers go to the command's `response_url`: at most five, within half an hour
//! (<https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>).

use std::time::Duration;

use sre_core::http::Client;
use sre_core::{Classify as _, Delivery, Secret, SharedClock, Target};
use tokio::time::Instant;
use url::Url;

use super::reply::Reply;

/// How many posts Slack takes.
const MOST: u32 = 5;

/// How long Slack takes them.
const WINDOW: Duration = Duration::from_secs(30 * 60);

/// The time of one post.
const DEADLINE: Duration = Duration::from_secs(10);

/// Who may be posted to when nothing else is configured.
pub(super) const SLACK: [&str; 2] = ["https://hooks.slack.com", "https://hooks.slack-gov.com"];

/// One command's way back.
#[derive(Debug)]
pub(super) struct Responder {
    client: Client,
    clock: SharedClock,
    url: Secret,
    left: u32,
    until: Instant,
}

// === impl Responder ===

impl Responder {
    /// Posts to `url`, if it is one of these origins: whoever forges a command must not make us post elsewhere.
    pub(super) fn new(client: Client, clock: SharedClock, url: Secret, origins: &[String]) -> Option<Self> {
        let origin = Url::parse(url.expose()).ok()?.origin().ascii_serialization();
        let until = clock.instant() + WINDOW;
        origins.contains(&origin).then_some(Self { client, clock, url, left: MOST, until })
    }

    /// How many posts are left.
    pub(super) fn left(&self) -> u32 {
        if self.clock.instant() < self.until { self.left } else { 0 }
    }

    /// Posts once, or again while it surely did not arrive and a post is left. Says whether Slack took it.
    pub(super) async fn post(&mut self, reply: &Reply) -> bool {
        let body = reply.json();
        let mut pause = Duration::from_secs(1);
        while self.left() > 0 {
            self.left -= 1;
            let request = self.client.post(self.url.expose()).json(&body).deadline(DEADLINE);
            match request.target(Target::new("Slack response_url")).send().await {
                Ok(answer) if answer.is_success() => return true,
                Ok(answer) if answer.status() == 429 || answer.status() >= 500 => {
                    tracing::warn!(status = answer.status(), left = self.left, "Slack did not take an answer");
                }
                Ok(answer) => {
                    tracing::warn!(status = answer.status(), "Slack refused an answer");
                    return false;
                }
                Err(error) => {
                    tracing::warn!(%error, left = self.left, "an answer did not reach Slack");
                    if error.delivery() != Delivery::NotSent {
                        return false;
                    }
                }
            }
            self.clock.sleep(pause).await;
            pause *= 2;
        }
        false
    }
}
