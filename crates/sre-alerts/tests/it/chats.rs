//! Teams and Discord as strict as they are: whatever is put in is taken, at their pace, and their "later" is understood.

use std::sync::Arc;
use std::time::Duration;

use sre_alerts::discord::Discord;
use sre_alerts::teams::Teams;
use sre_alerts::{ErrorKind, Event, Notification, Notifier, SharedNotifier};
use sre_core::http::Client;
use sre_core::{Classify, Delivery, RetryHint, RetryPolicy, Secret, Severity};
use sre_testkit::discord::DiscordWebhook;
use sre_testkit::double::{Double, Receiver};
use sre_testkit::teams::TeamsWorkflow;

fn client() -> Client {
    Client::builder().build().unwrap()
}

fn discord(server: &DiscordWebhook) -> Discord {
    Discord::new(client(), Secret::new(server.url())).unwrap().retry(RetryPolicy::never())
}

fn teams(server: &TeamsWorkflow) -> Teams {
    Teams::new(client(), Secret::new(server.url())).unwrap().retry(RetryPolicy::never())
}

/// Nothing, the usual, and too much of everything.
fn odd() -> Vec<Notification> {
    let start = |text: &str| Notification::new(Severity::Critical, text).source(text).text(text).key("k");
    let usual = start("api is down").field("Host", "web-03").link("https://status.example/api").label("dc", "eu");
    let mut all = vec![Notification::new(Severity::Info, ""), usual.clone(), usual.event(Event::Resolved)];
    for pattern in ["🦀\u{7}\"", "ü\n", "*_~`[x](y)", "\\", " ", "@everyone <@1> "] {
        let long = pattern.repeat(60_000 / pattern.len());
        let n = start(&long).link("javascript:alert(1)").field("", "");
        all.push((0..60).fold(n, |n, i| n.field(format!("{i}{long}"), long.clone())));
        all.push(start(pattern).field(pattern, pattern).link(format!("https://x.example/{}", "a".repeat(20_000))));
    }
    all
}

async fn takes_all<R: Receiver>(server: &Double<R>, receiver: SharedNotifier) {
    server.keep_pace();
    let all = odd();
    for n in &all {
        receiver.attempt(n).await.unwrap();
    }
    assert!(server.refused().is_empty(), "{:?}", server.refused());
    assert_eq!(server.messages().len(), all.len());
    let shown = format!("{receiver:?} {}", receiver.target());
    assert!(!shown.contains("aSecret"), "{shown}");
}

#[tokio::test]
async fn whatever_is_put_in_is_taken_at_their_pace() {
    let (d, t) = tokio::join!(DiscordWebhook::start(), TeamsWorkflow::start());
    tokio::join!(takes_all(&d, Arc::new(discord(&d))), takes_all(&t, Arc::new(teams(&t))));
    let texts = d.messages().iter().map(ToString::to_string).collect::<String>();
    assert!(texts.contains(r#""allowed_mentions":{"parse":[]}"#), "nobody is pinged");
}

#[tokio::test]
async fn discords_body_says_when_to_come_back() {
    let server = DiscordWebhook::start().await;
    server.rate_limit_next(Duration::from_millis(1650));
    let discord = discord(&server);
    let n = Notification::new(Severity::Warning, "disk /data is 91 % full");
    let e = discord.notify(&n).await.unwrap_err();
    let exactly = RetryHint::After(Duration::from_millis(1650));
    assert_eq!((e.kind(), e.retry_hint(), e.delivery()), (ErrorKind::RateLimited, exactly, Delivery::Answered));
    assert_eq!((server.server().count(), e.kind().is_permanent()), (1, false));
}

#[tokio::test]
async fn teams_says_later_in_two_ways() {
    let server = TeamsWorkflow::start().await;
    let n = Notification::new(Severity::Warning, "disk /data is 91 % full");
    server.rate_limit_next(Duration::from_secs(30));
    let e = teams(&server).notify(&n).await.unwrap_err();
    assert_eq!((e.kind(), e.retry_hint()), (ErrorKind::RateLimited, RetryHint::After(Duration::from_secs(30))));
    for (status, kind, permanent) in
        [(429, ErrorKind::RateLimited, false), (413, ErrorKind::InvalidPayload, true), (502, ErrorKind::Server, false)]
    {
        server.connector_fails_next(status);
        let e = teams(&server).notify(&n).await.unwrap_err();
        assert_eq!((e.kind(), e.kind().is_permanent()), (kind, permanent), "{e}");
    }
    assert!(server.messages().is_empty());
}

#[tokio::test]
async fn who_comes_too_fast_is_sent_away() {
    let (d, t) = tokio::join!(DiscordWebhook::start(), TeamsWorkflow::start());
    d.keep_pace();
    t.keep_pace();
    let client = client();
    // Each has its own idea of the pace: together they are too fast.
    let receivers = (0..12).flat_map(|_| -> [SharedNotifier; 2] {
        let discord = Discord::new(client.clone(), Secret::new(d.url())).unwrap();
        [Arc::new(discord), Arc::new(Teams::new(client.clone(), Secret::new(t.url())).unwrap())]
    });
    let n = Notification::new(Severity::Warning, "x");
    let posts = receivers.map(async |receiver| receiver.attempt(&n).await.err().map(|e| (receiver.kind(), e)));
    let refused = futures_util::future::join_all(posts).await.into_iter().flatten().collect::<Vec<_>>();
    for (kind, least, most) in [("discord", 1, 2), ("teams", 1, 1)] {
        let waits = refused.iter().filter(|(k, _)| *k == kind).map(|(_, e)| (e.kind(), e.retry_hint()));
        let waits = waits.collect::<Vec<_>>();
        assert!(waits.len() >= least, "{refused:?}");
        let soon = |hint| matches!(hint, RetryHint::After(wait) if wait <= Duration::from_secs(most));
        assert!(waits.into_iter().all(|(kind, hint)| kind == ErrorKind::RateLimited && soon(hint)), "{refused:?}");
    }
}
