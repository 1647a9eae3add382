//! The PagerDuty client against a PagerDuty that enforces the limits and keeps incidents.

use std::sync::Arc;
use std::time::Duration;

use sre_alerts::pagerduty::PagerDuty;
use sre_alerts::{ErrorKind, Event, Notification, Notifier};
use sre_core::http::Client;
use sre_core::{Classify, RetryHint, Secret, Severity};
use sre_testkit::pagerduty::{self, ROUTING_KEY, State};
use sre_testkit::scripted::Reply;

use crate::receiver::SkippingClock;

fn client(server: &pagerduty::PagerDuty, key: &str) -> (PagerDuty, Arc<SkippingClock>) {
    let clock = Arc::new(SkippingClock::new());
    let pager = PagerDuty::at(Client::builder().build().unwrap(), &server.url(), Secret::new(key)).unwrap();
    (pager.clock(clock.clone()), clock)
}

fn down() -> Notification {
    Notification::new(Severity::Critical, "api is down").key("http:api").source("prober-1")
}

#[tokio::test]
async fn an_incident_is_opened_once_acknowledged_and_closed() {
    let server = pagerduty::PagerDuty::start().await;
    let (pager, clock) = client(&server, ROUTING_KEY);
    // The answer to the first trigger is lost: it is sent again, and merged.
    server.reply_next(Reply::close());
    for n in [down(), down(), down().event(Event::Acknowledged), down().event(Event::Resolved)] {
        pager.notify(&n).await.unwrap();
    }
    let incidents = server.incidents();
    assert_eq!((incidents.len(), incidents[0].triggers, incidents[0].state), (1, 2, State::Resolved));
    assert_eq!(server.messages().len(), 4);
    assert!(clock.slept() >= Duration::from_millis(4 * 500), "two events a second: {:?}", clock.slept());
    pager.notify(&down()).await.unwrap();
    assert_eq!(server.incidents().len(), 2, "it is down again");
}

#[tokio::test]
async fn without_a_key_the_same_is_still_one_incident() {
    let server = pagerduty::PagerDuty::start().await;
    let (pager, _) = client(&server, ROUTING_KEY);
    for source in ["web-1", "web-1", "web-2"] {
        pager.notify(&Notification::new(Severity::Error, "disk full").source(source)).await.unwrap();
    }
    assert_eq!(server.incidents().iter().map(|i| i.triggers).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn whatever_is_put_in_is_taken() {
    let server = pagerduty::PagerDuty::start().await;
    let (pager, _) = client(&server, ROUTING_KEY);
    let huge = "🦀\u{7}\"".repeat(200_000);
    let mut n =
        Notification::new(Severity::Warning, huge.clone()).key(huge.clone()).source(huge.clone()).text(huge.clone());
    for i in 0..100 {
        n = n.field(format!("{i}{huge}"), huge.clone());
    }
    n = n.label("service", huge.clone()).link(format!("https://x.example/{huge}"));
    for n in [n, Notification::new(Severity::Info, "")] {
        pager.notify(&n).await.unwrap();
    }
    assert!(server.refused().is_empty(), "{:?}", server.refused());
    let sent = server.messages()[0].clone();
    let summary = sent["payload"]["summary"].as_str().unwrap();
    assert!(summary.ends_with(" characters)") && summary.contains("… (+"), "the cut says so: {summary}");
    assert!(sent["payload"]["custom_details"]["omitted"].as_str().unwrap().contains("more"), "{sent}");
}

#[tokio::test]
async fn a_key_that_pagerduty_does_not_know_is_an_auth_failure() {
    let server = pagerduty::PagerDuty::start().await;
    let (pager, _) = client(&server, &"0".repeat(32));
    let e = pager.notify(&down()).await.unwrap_err();
    assert_eq!((e.kind(), e.status(), server.server().count()), (ErrorKind::Unauthorized, Some(400), 1));
    assert!(e.to_string().contains("'routing_key' is not that of a service"), "{e}");
    for key in ["", "short", "s3cr3t-0000000000000000000000000"] {
        let e = PagerDuty::new(Client::builder().build().unwrap(), Secret::new(key)).unwrap_err();
        assert_eq!((e.kind(), e.attempts()), (ErrorKind::Config, 0));
    }
}

#[tokio::test]
async fn a_429_is_kept_away_from_for_minutes_by_all() {
    let server = pagerduty::PagerDuty::start().await;
    let (pager, clock) = client(&server, ROUTING_KEY);
    server.rate_limit_next(None);
    for requests in [1, 0] {
        let e = pager.notify(&down()).await.unwrap_err();
        assert_eq!((e.kind(), e.attempts()), (ErrorKind::RateLimited, requests));
        let RetryHint::After(wait) = e.retry_hint() else { panic!("{e}") };
        assert!(wait > Duration::from_secs(110) && wait <= Duration::from_secs(120), "{wait:?}");
    }
    assert_eq!(server.server().count(), 1, "the second was not even sent");
    clock.skip(Duration::from_secs(120));
    server.rate_limit_next(Some(Duration::from_secs(7)));
    assert_eq!(pager.notify(&down()).await.unwrap().attempts, 2, "a short wait is waited out");
}
