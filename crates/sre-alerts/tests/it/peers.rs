//! The Alertmanager client against Debian's Alertmanager.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use sre_alerts::alertmanager::Alertmanager;
use sre_alerts::{Alert, ErrorKind, Notification, Notifier};
use sre_core::http::Client;
use sre_core::{Classify, Clock, Delivery, RetryPolicy, Secret, Severity, SystemClock};
use sre_testkit::peers;
use sre_testkit::scripted::{Blackhole, Reply, Server};

fn client(urls: impl IntoIterator<Item = String>) -> Alertmanager {
    let client = Client::builder().build().unwrap();
    Alertmanager::new(client, urls.into_iter().map(Secret::new)).unwrap().retry(RetryPolicy::never())
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn disk(host: &str) -> Alert {
    let alert = Alert::builder(Severity::Critical, "disk /data is 97 % full").source(host).label("service", "api");
    let alert =
        alert.field("Free space", "1.2 GiB").message("line 1\nline 2 <b>").link("graph", "https://prom.example/g");
    alert.starts_at(now() - Duration::from_secs(60)).build().unwrap()
}

fn field<'a>(alert: &'a Value, path: &str) -> &'a str {
    alert.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test]
async fn every_peer_gets_every_alert_and_its_end() {
    let (a, b) = tokio::join!(peers::Alertmanager::start(), peers::Alertmanager::start_with("/am/", CONFIG));
    let alertmanager = client([a.url(), b.url()]);
    let alerts = [disk("web-01"), disk("web-02")];
    let receipt = alertmanager.notify(&Notification::new(Severity::Critical, "2 disks").alerts(alerts.clone())).await;
    assert_eq!(receipt.unwrap().parts, 2);
    for peer in [&a, &b] {
        let held = peer.alerts("active=true").await;
        assert_eq!(held.as_array().unwrap().len(), 2, "{held}");
        let first = held.as_array().unwrap().iter().find(|x| field(x, "/labels/source") == "web-01").unwrap();
        for (path, expected) in [
            ("/labels/alertname", "disk /data is 97 % full"),
            ("/labels/severity", "critical"),
            ("/labels/service", "api"),
            ("/annotations/description", "line 1\nline 2 <b>"),
            ("/annotations/Free_space", "1.2 GiB"),
            ("/generatorURL", "https://prom.example/g"),
        ] {
            assert_eq!(field(first, path), expected, "{first}");
        }
        let ends: Timestamp = field(first, "/endsAt").parse().unwrap();
        let left = ends.duration_since(now()).as_secs();
        assert!((200..=240).contains(&left), "four reminders from now: {left}");
    }

    let [gone, _] = alerts;
    let over = Notification::new(Severity::Critical, "1 disk").alerts([gone.resolved(now())]);
    alertmanager.notify(&over).await.unwrap();
    for peer in [&a, &b] {
        let held = peer.alerts("active=true").await;
        assert_eq!(held.as_array().unwrap().iter().map(|x| field(x, "/labels/source")).collect::<Vec<_>>(), ["web-02"]);
    }
    let resend = alertmanager.resend().unwrap();
    assert_eq!((resend.every.as_secs(), resend.after_resolved.as_secs()), (60, 300));
}

#[tokio::test]
async fn a_peer_that_hangs_holds_nobody_up() {
    let (peer, hole) = tokio::join!(peers::Alertmanager::start(), Blackhole::start());
    let client = Client::builder().build().unwrap();
    let urls = [hole.url(), peer.url()].map(Secret::new);
    let n = Notification::new(Severity::Critical, "disk").alerts([disk("web-01")]);
    let receipt = Alertmanager::new(client, urls).unwrap().notify(&n).await.unwrap();
    assert_eq!(receipt.parts, 1);
    assert!(receipt.elapsed < Duration::from_millis(4500), "{:?}", receipt.elapsed);
    assert_eq!(peer.alerts("active=true").await.as_array().unwrap().len(), 1);
}

const CONFIG: &str = "route: {receiver: none, group_by: [alertname]}\nreceivers: [{name: none}]\n";

#[tokio::test]
async fn odd_words_are_taken_and_a_test_leaves_nothing_behind() {
    let peer = peers::Alertmanager::start().await;
    let alertmanager = client([peer.url()]);
    let odd =
        Notification::new(Severity::Info, "").label("größe-1", "\u{7}🦀").label("empty", "").field("", "x").text("t");
    alertmanager.notify(&odd).await.unwrap();
    let held = peer.alerts("active=true").await;
    assert_eq!((field(&held[0], "/labels/gr__e_1"), field(&held[0], "/annotations/_")), ("\u{7}🦀", "x"), "{held}");
    assert_eq!(alertmanager.send_test().await.unwrap().parts, 1);
    assert_eq!(peer.alerts("active=true").await.as_array().unwrap().len(), 1, "only the odd one");
}

#[tokio::test]
async fn one_peer_is_enough_and_none_is_not() {
    let peer = peers::Alertmanager::start().await;
    let dead = sre_testkit::refused_url();
    let n = Notification::new(Severity::Critical, "disk").alerts([disk("web-01")]);
    let receipt = client([dead.clone(), peer.url()]).notify(&n).await.unwrap();
    assert_eq!((receipt.parts, receipt.attempts), (1, 2));

    let refusing = Server::start(|_| Reply::text(400, "bad")).await;
    let e = client([refusing.url(), dead.clone()]).notify(&n).await.unwrap_err();
    assert_eq!((e.kind(), e.delivery()), (ErrorKind::Connect, Delivery::NotSent), "the one that may pass: {e}");
    assert!(e.to_string().contains("none of 2 peers took it"), "{e}");
    let e = client([refusing.url(), refusing.url()]).notify(&n).await.unwrap_err();
    assert!(e.kind().is_permanent(), "{e}");

    let lost = Server::start(|_| Reply::close()).await;
    let e = client([dead, lost.url()]).notify(&n).await.unwrap_err();
    assert_eq!(e.delivery(), Delivery::MaybeSent, "one of them may have it: {e}");
    let none = Alertmanager::new(Client::builder().build().unwrap(), []).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Config);
}
