//! What the webhook does with every answer a receiver can give.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sre_alerts::slack::{Block, Message, SlackWebhook, Text};
use sre_alerts::{Error, ErrorKind, Notification, Notifier, Receipt};
use sre_core::chain::ErrorChain;
use sre_core::http::Client;
use sre_core::{Classify, Delivery, ErrorClass, RetryHint, Secret, Severity};
use sre_testkit::scripted::{Reply, Server};

use crate::receiver::SkippingClock;

const PATH: &str = "/services/T000/B000/s3cr3tXYZ";

struct Rig {
    webhook: SlackWebhook,
    clock: Arc<SkippingClock>,
}

fn rig(url: &str) -> Rig {
    rig_at(format!("{url}{PATH}"))
}

fn rig_at(url: String) -> Rig {
    let client = Client::builder().read_timeout(Duration::from_secs(1)).deadline(Duration::from_secs(5));
    let clock = Arc::new(SkippingClock::new());
    let webhook = SlackWebhook::new(client.build().unwrap(), Secret::new(url)).unwrap();
    Rig { webhook: webhook.clock(clock.clone()), clock }
}

async fn post(url: &str) -> Result<Receipt, Error> {
    let result = rig(url).webhook.post(&Message::new("hello")).await;
    if let Err(e) = &result {
        let said = format!("{e} {e:?} {}", ErrorChain(e));
        assert!(!said.contains("s3cr3t") && said.contains("Slack webhook 127.0.0.1"), "{said}");
    }
    result
}

async fn post_to(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Result<Receipt, Error>, usize) {
    let server = Server::start(move |_| reply()).await;
    let result = post(&server.url()).await;
    (result, server.count())
}

#[tokio::test]
async fn each_of_slacks_words_has_its_kind() {
    for (status, word, kind, class) in [
        (400, "invalid_payload", ErrorKind::InvalidPayload, ErrorClass::Application),
        (400, "no_text", ErrorKind::InvalidPayload, ErrorClass::Application),
        (400, "invalid_blocks", ErrorKind::InvalidBlocks, ErrorClass::Application),
        (400, "invalid_attachments", ErrorKind::InvalidAttachments, ErrorClass::Application),
        (403, "action_prohibited", ErrorKind::ActionProhibited, ErrorClass::Auth),
        (403, "invalid_token", ErrorKind::Unauthorized, ErrorClass::Auth),
        (404, "channel_not_found", ErrorKind::ChannelNotFound, ErrorClass::Application),
        (404, "no_service", ErrorKind::NoService, ErrorClass::Auth),
        (410, "channel_is_archived", ErrorKind::ChannelIsArchived, ErrorClass::Application),
        (500, "rollup_error", ErrorKind::RollupError, ErrorClass::Application),
        (502, "<html>bad gateway</html>", ErrorKind::Server, ErrorClass::Application),
        (418, "teapot", ErrorKind::Refused, ErrorClass::Application),
        (200, "<html>Log in to the guest network</html>", ErrorKind::Unexpected, ErrorClass::Application),
    ] {
        let (result, requests) = post_to(move || Reply::text(status, word)).await;
        let e = result.unwrap_err();
        assert_eq!((e.kind(), e.class(), e.status()), (kind, class, Some(status)), "{word}");
        assert!(e.to_string().contains(&format!("{status} {word}")), "{e}");
        assert_eq!(requests, 1, "{word} must not be posted again");
        assert_eq!(e.retry_hint() == RetryHint::Never, kind.is_permanent(), "{word}");
    }
}

#[tokio::test]
async fn the_message_names_the_fix() {
    let (result, _) = post_to(|| Reply::text(404, "no_service")).await;
    let text = result.unwrap_err().to_string();
    let text = text.split(" (").next().unwrap().to_owned();
    let port = text.split("127.0.0.1:").nth(1).unwrap().split(':').next().unwrap().to_owned();
    insta::assert_snapshot!(text.replace(&port, "PORT"));
}

#[tokio::test]
async fn a_429_is_waited_out() {
    let calls = Arc::new(AtomicUsize::new(0));
    let server = Server::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::text(429, "rate_limited").header("retry-after", "30"),
        1 => Reply::text(429, "rate_limited"),
        _ => Reply::text(200, "ok"),
    })
    .await;
    let rig = rig(&server.url());
    let receipt = rig.webhook.post(&Message::new("hello")).await.unwrap();
    assert_eq!((receipt.parts, receipt.attempts, server.count()), (1, 3, 3));
    assert!(rig.clock.slept() >= Duration::from_secs(31), "{:?}", rig.clock.slept());
}

#[tokio::test]
async fn a_wait_beyond_patience_is_handed_to_the_caller() {
    let (result, requests) = post_to(|| Reply::text(429, "").header("retry-after", "3600")).await;
    let e = result.unwrap_err();
    assert_eq!((e.kind(), requests), (ErrorKind::RateLimited, 1));
    assert_eq!(e.retry_hint(), RetryHint::After(Duration::from_secs(3600)));
}

#[tokio::test]
async fn only_what_surely_did_not_arrive_is_posted_again() {
    let e = post(&sre_testkit::refused_url()).await.unwrap_err();
    assert_eq!((e.kind(), e.delivery(), e.attempts()), (ErrorKind::Connect, Delivery::NotSent, 3));

    for (reply, kind) in [
        (Reply::hang as fn() -> Reply, ErrorKind::Timeout),
        (Reply::close, ErrorKind::Broken),
        (|| Reply::reset_after(200, "ok", 1), ErrorKind::Broken),
        (|| Reply::text(503, "try later"), ErrorKind::Server),
    ] {
        let (result, requests) = post_to(reply).await;
        let e = result.unwrap_err();
        assert_eq!((e.kind(), requests), (kind, 1), "{e}");
        assert_ne!(e.delivery(), Delivery::NotSent, "{e}");
    }
}

#[tokio::test]
async fn parts_come_in_order_one_a_second() {
    let slack = sre_testkit::slack::SlackWebhook::start().await;
    slack.rate_limit_next(Duration::from_secs(7));
    let rig = rig_at(slack.url());
    let blocks = (0..120).map(|i| Block::section(Text::mrkdwn(format!("finding {i}"))));
    let receipt = rig.webhook.post(&Message::new("many").blocks(blocks)).await.unwrap();
    assert_eq!((receipt.parts, receipt.attempts), (3, 4));
    assert!(rig.clock.slept() >= Duration::from_secs(9) && receipt.elapsed >= Duration::from_secs(9));
    let again = rig.webhook.clone();
    again.post(&Message::new("one more")).await.unwrap();
    assert!(rig.clock.slept() >= Duration::from_secs(10), "a clone shares the pace");
    assert_eq!(slack.refused().len(), 1, "only the one that was to be refused");
    let texts: Vec<String> = slack.messages().iter().map(|m| m["text"].to_string()).collect();
    assert_eq!(texts[0..3], ["\"many (part 1 of 3)\"", "\"many (part 2 of 3)\"", "\"many (part 3 of 3)\""]);
}

#[tokio::test]
async fn a_half_delivered_message_says_which_half() {
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::text(200, "ok"),
        _ => Reply::text(410, "channel_is_archived"),
    })
    .await;
    let rig = rig(&server.url());
    let message = Message::new("many").blocks(vec![Block::divider(); 120]);
    let posting = rig.webhook.deliver(&message.parts()).await;
    assert_eq!((posting.delivered, posting.total, posting.attempts), (1, 3, 2));
    let e = posting.into_result().unwrap_err();
    assert!(e.to_string().contains("part 2 of 3: 410 channel_is_archived"), "{e}");
    assert!(e.to_string().contains("(part 1 was delivered)"), "{e}");
    assert_eq!(e.delivery(), Delivery::MaybeSent);
    assert_eq!(server.count(), 2, "the third part was not tried");
}

#[tokio::test]
async fn any_notification_goes_through_the_trait() {
    let server = Server::start(|_| Reply::text(200, "ok")).await;
    let notifier: Arc<dyn Notifier> = Arc::new(rig(&server.url()).webhook);
    let receipt = notifier.notify(&Notification::new(Severity::Warning, "disk /data is 91 % full")).await.unwrap();
    assert_eq!((notifier.kind(), receipt.parts), ("slack", 1));
    let sent: serde_json::Value = server.requests()[0].json().unwrap();
    assert_eq!(sent["attachments"][0]["color"], "#ff9900");
    assert_eq!(server.requests()[0].path, PATH);
}

#[tokio::test]
async fn nothing_is_sent_when_there_is_nothing_to_say_or_nowhere() {
    let server = Server::start(|_| Reply::text(200, "ok")).await;
    let e = rig(&server.url()).webhook.post(&Message::new("")).await.unwrap_err();
    assert_eq!((e.kind(), e.delivery(), server.count()), (ErrorKind::InvalidPayload, Delivery::NotSent, 0));
    for url in ["", "hooks.slack.com/services/s3cr3t", "ftp://hooks.slack.com/s3cr3t", "s3cr3t"] {
        let client = Client::builder().build().unwrap();
        let e = SlackWebhook::new(client, Secret::new(url)).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Config);
        assert!(!format!("{e} {e:?}").contains("s3cr3t"));
    }
}
