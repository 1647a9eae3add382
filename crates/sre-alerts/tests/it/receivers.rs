//! One table for all receivers: what each says or suffers, and whether that is permanent, whose fault, and whether the
//! notification may have arrived.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sre_alerts::alertmanager::Alertmanager;
use sre_alerts::command::Command;
use sre_alerts::discord::Discord;
use sre_alerts::log::Log;
use sre_alerts::pagerduty::PagerDuty;
use sre_alerts::slack::SlackWebhook;
use sre_alerts::teams::Teams;
use sre_alerts::webhook::Webhook;
use sre_alerts::{Error, ErrorKind, Notification, SharedNotifier};
use sre_core::chain::ErrorChain;
use sre_core::http::Client;
use sre_core::{Classify, Delivery, ErrorClass, RetryHint, RetryPolicy, Secret, Severity};
use sre_testkit::scripted::{Reply, Server};

const KINDS: [&str; 6] = ["slack", "pagerduty", "webhook", "teams", "discord", "alertmanager"];
const PATH: &str = "/hooks/T0/s3cr3tXYZ";
const ROUTING_KEY: &str = "s3cr3t00000000000000000000000000";
const LATER: RetryHint = RetryHint::After(Duration::from_secs(30));

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Invalid,
    Credentials,
    Removed,
    TooMany,
    Overloaded,
    Unavailable,
    Portal,
    Redirect,
    Silence,
    HungUp,
    CutOff,
    Nobody,
    WrongCertificate,
}

struct Row(Fault, ErrorKind, ErrorClass, Delivery, RetryHint, bool);

const TABLE: [Row; 13] = {
    use Delivery::{Answered, MaybeSent, NotSent};
    use ErrorClass::{Application, Auth, Connection};
    use RetryHint::{Backoff, Never};
    [
        Row(Fault::Invalid, ErrorKind::InvalidPayload, Application, Answered, Never, true),
        Row(Fault::Credentials, ErrorKind::Unauthorized, Auth, Answered, Never, true),
        Row(Fault::Removed, ErrorKind::NoService, Auth, Answered, Never, true),
        Row(Fault::TooMany, ErrorKind::RateLimited, Application, Answered, LATER, false),
        Row(Fault::Overloaded, ErrorKind::Server, Application, MaybeSent, LATER, false),
        Row(Fault::Unavailable, ErrorKind::Server, Application, MaybeSent, Backoff, false),
        Row(Fault::Portal, ErrorKind::Unexpected, Application, MaybeSent, Backoff, false),
        Row(Fault::Redirect, ErrorKind::Unexpected, Application, MaybeSent, Backoff, false),
        Row(Fault::Silence, ErrorKind::Timeout, Connection, MaybeSent, Backoff, false),
        Row(Fault::HungUp, ErrorKind::Broken, Connection, MaybeSent, Backoff, false),
        Row(Fault::CutOff, ErrorKind::Broken, Connection, Answered, Backoff, false),
        Row(Fault::Nobody, ErrorKind::Connect, Connection, NotSent, Backoff, false),
        // Trying again does not mend a certificate, but somebody may.
        Row(Fault::WrongCertificate, ErrorKind::Tls, Connection, NotSent, Never, false),
    ]
};

fn receiver(kind: &str, base: &str, patience: Duration) -> SharedNotifier {
    let client = Client::builder().read_timeout(patience).deadline(Duration::from_secs(15));
    let (client, never) = (client.build().unwrap(), RetryPolicy::never());
    let url = Secret::new(format!("{base}{PATH}"));
    match kind {
        "slack" => Arc::new(SlackWebhook::new(client, url).unwrap().retry(never)),
        "pagerduty" => Arc::new(PagerDuty::at(client, url.expose(), Secret::new(ROUTING_KEY)).unwrap().retry(never)),
        "webhook" => Arc::new(Webhook::new(client, url).unwrap().sign_with(Secret::new("s3cr3t")).retry(never)),
        "teams" => Arc::new(Teams::new(client, url).unwrap().retry(never)),
        "discord" => Arc::new(Discord::new(client, url).unwrap().retry(never)),
        _ => Arc::new(Alertmanager::new(client, [url]).unwrap().retry(never)),
    }
}

fn success(kind: &str) -> Reply {
    match kind {
        "slack" => Reply::text(200, "ok"),
        "pagerduty" => {
            Reply::json(202, &json!({ "status": "success", "message": "Event processed", "dedup_key": "k" }))
        }
        "webhook" => Reply::text(204, ""),
        "teams" => Reply::text(202, ""),
        "discord" => Reply::json(200, &json!({ "id": "1234", "type": 0 })),
        _ => Reply::text(200, ""),
    }
}

/// In the receiver's own words, where it has any.
fn reply(kind: &str, fault: Fault) -> Reply {
    let pagerduty = |error: &str| {
        Reply::json(400, &json!({ "status": "invalid event", "message": "Event object is invalid", "errors": [error] }))
    };
    let discord = |status, code: u32| Reply::json(status, &json!({ "code": code, "message": "Nope" }));
    let teams = |status, code: &str| Reply::json(status, &json!({ "error": { "code": code, "message": "Nope" } }));
    match (fault, kind) {
        (Fault::Invalid, "slack") => Reply::text(400, "invalid_payload"),
        (Fault::Invalid, "pagerduty") => pagerduty("'payload.summary' is missing or blank"),
        (Fault::Invalid, "discord") => discord(400, 50035),
        (Fault::Invalid, "teams") => teams(400, "TriggerInputSchemaMismatch"),
        (Fault::Invalid, "webhook") => Reply::text(413, "too large"),
        (Fault::Invalid, _) => Reply::text(400, "bad"),
        (Fault::Credentials, "slack") => Reply::text(403, "invalid_token"),
        (Fault::Credentials, "pagerduty") => pagerduty("'routing_key' is invalid"),
        (Fault::Credentials, "discord") => discord(401, 50027),
        (Fault::Credentials, "teams") => teams(401, "DirectApiAuthorizationRequired"),
        (Fault::Credentials, _) => Reply::text(401, "who are you"),
        (Fault::Removed, "slack") => Reply::text(404, "no_service"),
        (Fault::Removed, "discord") => discord(404, 10015),
        (Fault::Removed, "teams") => teams(400, "WorkflowTriggerIsNotEnabled"),
        (Fault::Removed, _) => Reply::text(410, "gone"),
        (Fault::TooMany, "discord") => {
            Reply::json(429, &json!({ "message": "limited", "retry_after": 30.0 })).header("retry-after", "31")
        }
        (Fault::TooMany, _) => Reply::text(429, "").header("retry-after", "30"),
        (Fault::Overloaded, _) => Reply::text(503, "").header("retry-after", "30"),
        (Fault::Unavailable, _) => Reply::text(502, "<html>bad gateway</html>"),
        (Fault::Portal, "alertmanager" | "webhook") => Reply::text(304, ""),
        (Fault::Portal, _) => Reply::text(200, "<html>Log in to the guest network</html>"),
        (Fault::Redirect, _) => Reply::text(302, "").header("location", "/login"),
        (Fault::Silence, _) => Reply::hang(),
        (Fault::CutOff, _) => Reply::reset_after(200, "ok ok ok", 1),
        (Fault::HungUp | Fault::Nobody | Fault::WrongCertificate, _) => Reply::close(),
    }
}

async fn server(kind: &'static str, fault: Fault) -> Server {
    let handler = move |request: &sre_testkit::scripted::Request| match request.path.as_str() {
        "/login" => success(kind),
        _ => reply(kind, fault),
    };
    if fault == Fault::WrongCertificate { Server::start_tls(handler).await } else { Server::start(handler).await }
}

fn notification() -> Notification {
    Notification::new(Severity::Critical, "api is down")
        .key("http:api")
        .source("prober-1")
        .text("3 of 3")
        .field("a", "b")
}

async fn check(kind: &'static str, row: &Row) {
    let server = server(kind, row.0).await;
    let base = if row.0 == Fault::Nobody { sre_testkit::refused_url() } else { server.url() };
    let patience = if row.0 == Fault::Silence { Duration::from_millis(300) } else { Duration::from_secs(10) };
    let receiver = receiver(kind, &base, patience);
    let e = judge(&receiver, row).await;
    let shown = format!("{e} {receiver:?}");
    assert!(shown.contains("127.0.0.1") && e.attempts() == 1, "{shown}");
    assert!(server.count() <= 2, "only what a redirect adds: {e}");
}

/// What every receiver, over HTTP or not, has to get right about an error.
async fn judge(receiver: &SharedNotifier, Row(fault, expected, class, delivery, hint, permanent): &Row) -> Error {
    let e = receiver.notify(&notification()).await.unwrap_err();
    let said = format!("{e} {e:?} {} {receiver:?} {}", ErrorChain(&e), receiver.target());
    assert!(!said.contains("s3cr3t") && e.target() == receiver.target(), "{said}");
    let what = format!("{} {fault:?}: {e}", receiver.kind());
    assert_eq!((e.kind(), e.class(), e.delivery()), (*expected, *class, *delivery), "{what}");
    assert_eq!((e.retry_hint(), e.kind().is_permanent()), (*hint, *permanent), "{what}");
    e
}

/// Those that speak no HTTP: what comes nearest to the faults above.
#[tokio::test]
async fn commands_and_logs_are_judged_alike() {
    use Delivery::{Answered, MaybeSent, NotSent};
    use ErrorClass::{Application, Connection};
    use RetryHint::{Backoff, Never};
    let sh = |script: &str| Command::new("sh").args(["-c", script]).env("TOKEN", "s3cr3t");
    let quick = Duration::from_millis(300);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let rows: [(SharedNotifier, Row); 6] = [
        (Arc::new(sh("exit 65")), Row(Fault::Invalid, ErrorKind::Refused, Application, Answered, Never, true)),
        (Arc::new(sh("exit 75")), Row(Fault::Overloaded, ErrorKind::Command, Application, MaybeSent, Backoff, false)),
        (Arc::new(sh("kill -9 $$")), Row(Fault::HungUp, ErrorKind::Command, Application, MaybeSent, Backoff, false)),
        (
            Arc::new(sh("sleep 600").timeout(quick)),
            Row(Fault::Silence, ErrorKind::Timeout, Connection, MaybeSent, Backoff, false),
        ),
        (Arc::new(Command::new("/no/such")), Row(Fault::Nobody, ErrorKind::Config, Application, NotSent, Never, true)),
        (Arc::new(Log::text(full)), Row(Fault::Unavailable, ErrorKind::Output, Application, MaybeSent, Backoff, false)),
    ];
    for (receiver, row) in &rows {
        judge(receiver, row).await;
    }
}

#[cfg(feature = "email")]
#[tokio::test]
async fn mail_is_judged_alike() {
    use sre_alerts::email::{Email, Security};
    use sre_testkit::peers::{Smtp, SmtpSecurity};

    use Delivery::{Answered, NotSent};
    use ErrorClass::{Application, Auth, Connection};
    use RetryHint::{Backoff, Never};
    let server = Smtp::start(SmtpSecurity::StartTls).await;
    let email = |to: &str, password: &str, port| {
        let email = Email::builder("127.0.0.1", "a@example.org").port(port).to(to).ca_pem(server.ca_pem());
        email.login(Smtp::USER, Secret::new(password)).retry(RetryPolicy::never())
    };
    let (here, nowhere) = (server.port(), sre_testkit::process::free_port());
    let (good, to) = (Smtp::PASSWORD, "b@example.org");
    for (email, row) in [
        (
            email("refuse-550@x.org", good, here),
            Row(Fault::Invalid, ErrorKind::Refused, Application, Answered, Never, true),
        ),
        (email(to, "s3cr3t?", here), Row(Fault::Credentials, ErrorKind::Unauthorized, Auth, Answered, Never, true)),
        (
            email("refuse-452@x.org", good, here),
            Row(Fault::TooMany, ErrorKind::Server, Application, Answered, Backoff, false),
        ),
        (email(to, good, nowhere), Row(Fault::Nobody, ErrorKind::Connect, Connection, NotSent, Backoff, false)),
        (
            email(to, good, here).security(Security::Tls),
            Row(Fault::WrongCertificate, ErrorKind::Tls, Connection, NotSent, Never, false),
        ),
    ] {
        let receiver: SharedNotifier = Arc::new(email.build().unwrap());
        judge(&receiver, &row).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_receiver_understands_every_fault() {
    for row in &TABLE {
        futures_util::future::join_all(KINDS.map(|kind| check(kind, row))).await;
    }
}

#[tokio::test]
async fn every_receiver_can_be_tested() {
    for kind in KINDS {
        let server = Server::start(move |_| success(kind)).await;
        let receiver = receiver(kind, &server.url(), Duration::from_secs(10));
        assert_eq!(receiver.kind(), kind);
        let receipt = receiver.send_test().await.unwrap();
        assert_eq!((receipt.parts, &receipt.target), (1, receiver.target()), "{kind}");
        assert!(server.requests()[0].text().contains("test notification"), "{kind}");
        let closes = matches!(kind, "pagerduty" | "alertmanager");
        assert_eq!(server.count(), if closes { 2 } else { 1 }, "{kind}");
    }
}

#[tokio::test]
async fn only_what_the_receiver_merges_is_sent_again_after_a_5xx() {
    for (kind, repeated) in [
        ("slack", false),
        ("teams", false),
        ("discord", false),
        ("webhook", false),
        ("pagerduty", true),
        ("alertmanager", true),
    ] {
        let server = Server::start(move |request| match request.nth {
            0 => Reply::text(503, "try later"),
            _ => success(kind),
        })
        .await;
        let clock = Arc::new(crate::receiver::SkippingClock::new());
        let client = Client::builder().build().unwrap();
        let url = Secret::new(server.url());
        let receiver: SharedNotifier = match kind {
            "slack" => Arc::new(SlackWebhook::new(client, url).unwrap().clock(clock)),
            "teams" => Arc::new(Teams::new(client, url).unwrap().clock(clock)),
            "discord" => Arc::new(Discord::new(client, url).unwrap().clock(clock)),
            "webhook" => Arc::new(Webhook::new(client, url).unwrap().clock(clock)),
            "pagerduty" => {
                Arc::new(PagerDuty::at(client, url.expose(), Secret::new(ROUTING_KEY)).unwrap().clock(clock))
            }
            _ => Arc::new(Alertmanager::new(client, [url]).unwrap().clock(clock)),
        };
        let sent = receiver.notify(&notification()).await;
        assert_eq!((sent.is_ok(), server.count()), (repeated, 1 + usize::from(repeated)), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_receiver_keeps_its_pace_however_many_ask() {
    let paced = ["slack", "pagerduty", "teams", "discord"].map(|kind| async move {
        let server = Server::start(move |_| success(kind)).await;
        let receiver = receiver(kind, &server.url(), Duration::from_secs(10));
        let pace = receiver.min_interval();
        assert!(pace > Duration::ZERO, "{kind}");
        let sends = (0..3).map(|_| async { receiver.notify(&notification()).await.unwrap() });
        futures_util::future::join_all(sends).await;
        let times: Vec<_> = server.requests().iter().map(|request| request.at).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= pace), "{kind}: {times:?}");
    });
    futures_util::future::join_all(paced).await;
}
