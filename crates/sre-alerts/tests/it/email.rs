//! The mail client against a real SMTP server, and against ones that break.

use std::time::Duration;

use sre_alerts::digest::{Digest, Outcome, Record};
use sre_alerts::email::{Email, EmailBuilder, Security};
use sre_alerts::{Error, ErrorKind, Event, Notification, Notifier};
use sre_core::chain::ErrorChain;
use sre_core::{Classify, Delivery, ErrorClass, RetryHint, RetryPolicy, Secret, Severity};
use sre_testkit::peers::{Smtp, SmtpSecurity};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

fn builder(server: &Smtp) -> EmailBuilder {
    Email::builder("127.0.0.1", "Alerts <alerts@example.org>")
        .port(server.port())
        .ca_pem(server.ca_pem())
        .login(Smtp::USER, Secret::new(Smtp::PASSWORD))
        .retry(RetryPolicy::never())
}

fn down() -> Notification {
    Notification::new(Severity::Critical, "api is down").key("http:api").text("3 of 3 probes").field("Host", "wéb-03")
}

#[tokio::test]
async fn text_and_html_arrive_over_starttls_and_over_tls() {
    for (offered, used) in [(SmtpSecurity::StartTls, Security::StartTls), (SmtpSecurity::Tls, Security::Tls)] {
        let server = Smtp::start(offered).await;
        let email =
            builder(&server).security(used).to("On call <oncall@example.org>").to("b@example.org").build().unwrap();
        let receipt = email.notify(&down()).await.unwrap();
        assert_eq!((receipt.parts, receipt.attempts, email.kind()), (1, 1, "email"));
        email.notify(&down().event(Event::Resolved)).await.unwrap();
        let messages = server.messages();
        let mail = &messages[0];
        assert_eq!((mail.encrypted, mail.user.as_deref()), (true, Some(Smtp::USER)));
        assert_eq!((mail.from.as_str(), mail.to.len()), ("alerts@example.org", 2));
        assert_eq!(mail.content_type, "multipart/alternative");
        assert!(mail.parts["text/plain"].contains("Host: wéb-03"), "{mail:?}");
        assert!(mail.parts["text/html"].contains("<td>wéb-03</td>"), "{mail:?}");
        assert_eq!(mail.header("subject"), Some("CRITICAL: api is down"));
        assert_eq!(messages[1].header("subject"), Some("RESOLVED: api is down"));
        assert_eq!(
            (mail.header("x-dedup-key"), mail.header("auto-submitted")),
            (Some("http:api"), Some("auto-generated"))
        );
        assert_eq!(mail.header("references"), messages[1].header("references"), "one thread");
        assert_ne!(mail.header("message-id"), messages[1].header("message-id"), "two mails");
    }
}

#[tokio::test]
async fn words_make_no_header_and_no_recipient() {
    let server = Smtp::start(SmtpSecurity::StartTls).await;
    let email = builder(&server).to("oncall@example.org").build().unwrap();
    let evil = "down\r\nBcc: all@example.org\r\n\r\n.\r\nMAIL FROM:<x@example.org>\r\n\u{2028}ü";
    let n = Notification::new(Severity::Error, evil).key(evil).text(evil).source(evil).field(evil, evil).link(evil);
    email.notify(&n).await.unwrap();
    email.send_test().await.unwrap();
    let messages = server.messages();
    assert_eq!(messages.len(), 2);
    let mail = &messages[0];
    assert_eq!(mail.to, ["oncall@example.org"]);
    let head = mail.raw.split("\r\n\r\n").next().unwrap();
    for forged in ["bcc", "mail from"] {
        assert!(!head.lines().any(|line| line.to_lowercase().starts_with(forged)), "{head}");
    }
    assert!(mail.header("bcc").is_none() && mail.parts["text/plain"].contains("\n.\r\n"), "{mail:?}");
    assert!(messages[1].header("subject").unwrap().contains("test notification"));
}

#[tokio::test]
async fn a_digest_is_a_mail_like_any_other() {
    let server = Smtp::start(SmtpSecurity::StartTls).await;
    let email = builder(&server).to("team@example.org").build().unwrap();
    let (from, to) = ("2026-03-23T00:00:00Z".parse().unwrap(), "2026-03-24T00:00:00Z".parse().unwrap());
    let mut digest = Digest::new(from, to, jiff::tz::TimeZone::UTC);
    digest
        .extend((0..500).map(|i| Record::new(from, Outcome::Fired, format!("{i}"), Severity::Info, format!("p{i} ü"))));
    email.send(&digest.mail()).await.unwrap();
    let mail = &server.messages()[0];
    assert_eq!(mail.header("subject"), Some(digest.title().as_str()));
    assert!(mail.parts["text/html"].contains("… and 300 more"));
}

#[tokio::test]
async fn each_refusal_has_its_meaning() {
    let server = Smtp::start(SmtpSecurity::StartTls).await;
    let wrong = Secret::new("s3cr3t wrong");
    let (auth, app) = (ErrorClass::Auth, ErrorClass::Application);
    for (email, n, kind, class, status) in [
        (builder(&server).login(Smtp::USER, wrong).to("a@example.org"), down(), ErrorKind::Unauthorized, auth, 535),
        (builder(&server).to("refuse-550@example.org"), down(), ErrorKind::Refused, app, 550),
        (builder(&server).to("refuse-451@example.org"), down(), ErrorKind::Server, app, 451),
        (builder(&server).to("refuse-550@x.org").to("refuse-450@x.org"), down(), ErrorKind::Server, app, 450),
        (builder(&server).to("a@example.org"), down().text("answer-554"), ErrorKind::InvalidPayload, app, 554),
        (builder(&server).to("a@example.org"), down().text("answer-421"), ErrorKind::Server, app, 421),
        (
            builder(&server).to("a@example.org"),
            down().text("x".repeat(199_999)).field("f", "y".repeat(1 << 20)),
            ErrorKind::InvalidPayload,
            app,
            552,
        ),
    ] {
        let e = email.build().unwrap().notify(&n).await.unwrap_err();
        let expected = (kind, class, Some(status), Delivery::Answered);
        assert_eq!((e.kind(), e.class(), e.status(), e.delivery()), expected, "{e}");
        assert_eq!(e.retry_hint() == RetryHint::Never, kind.is_permanent(), "{e}");
        assert!(!format!("{e} {e:?} {}", ErrorChain(&e)).contains("s3cr3t"), "{e:?}");
    }
    assert!(server.messages().is_empty());
}

#[tokio::test]
async fn a_recipient_that_is_refused_does_not_take_the_mail_from_the_others() {
    let server = Smtp::start(SmtpSecurity::StartTls).await;
    let good = || builder(&server).to("a@example.org");
    good().to("refuse-550@example.org").build().unwrap().notify(&down()).await.unwrap();
    assert_eq!(server.messages()[0].to, ["a@example.org"]);

    let e = good().to("refuse-451@example.org").build().unwrap().notify(&down()).await.unwrap_err();
    assert_eq!((e.kind(), e.delivery(), server.messages().len()), (ErrorKind::Server, Delivery::MaybeSent, 2));
    assert!(e.to_string().contains("1 of 2 recipients refused") && e.to_string().contains("the others have it"), "{e}");
}

async fn send(email: EmailBuilder) -> Error {
    let email = email.to("a@example.org").retry(RetryPolicy::never()).build().unwrap();
    let e = email.notify(&down()).await.unwrap_err();
    assert_eq!(e.kind().is_permanent(), e.kind() == ErrorKind::Unauthorized, "{e}");
    e
}

#[tokio::test]
async fn without_trust_or_tls_nothing_is_said() {
    let server = Smtp::start(SmtpSecurity::StartTls).await;
    let untrusted = Email::builder("127.0.0.1", "a@example.org").port(server.port()).login("u", Secret::new("p"));
    let plain = Smtp::start_open(SmtpSecurity::Plain).await;
    let downgraded = Email::builder("127.0.0.1", "a@example.org").port(plain.port()).login("u", Secret::new("p"));
    for email in [untrusted.clone(), downgraded, untrusted.security(Security::Tls)] {
        let e = send(email).await;
        assert_eq!(
            (e.kind(), e.class(), e.delivery()),
            (ErrorKind::Tls, ErrorClass::Connection, Delivery::NotSent),
            "{e}"
        );
    }
    let open = Email::builder("127.0.0.1", "a@example.org").port(plain.port()).security(Security::Plain);
    open.to("b@example.org").build().unwrap().notify(&down()).await.unwrap();
    assert!(!plain.messages()[0].encrypted && server.messages().is_empty());
}

/// Says `lines` in answer to as many lines (the first at once), then does as `last` says.
async fn scripted(lines: &'static [&'static str], last: Last) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut heard = String::new();
        for line in lines {
            stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
            heard.clear();
            stream.read_line(&mut heard).await.unwrap();
        }
        match last {
            Last::Close => {}
            Last::Hang => std::future::pending().await,
        }
    });
    port
}

#[derive(Clone, Copy)]
enum Last {
    Close,
    Hang,
}

#[tokio::test]
async fn how_far_it_got_decides_what_became_of_it() {
    const GREETED: &[&str] = &["220 hi"];
    const ENVELOPE: &[&str] = &["220 hi", "250 hi", "250 ok"];
    const CONTENT: &[&str] = &["220 hi", "250 hi", "250 ok", "250 ok", "354 go"];
    for (lines, last, kind, delivery) in [
        (GREETED, Last::Close, ErrorKind::Broken, Delivery::NotSent),
        (ENVELOPE, Last::Close, ErrorKind::Broken, Delivery::NotSent),
        (CONTENT, Last::Close, ErrorKind::Broken, Delivery::MaybeSent),
        (&[], Last::Hang, ErrorKind::Timeout, Delivery::NotSent),
        (ENVELOPE, Last::Hang, ErrorKind::Timeout, Delivery::NotSent),
        (CONTENT, Last::Hang, ErrorKind::Timeout, Delivery::MaybeSent),
        (&["HTTP/1.1 400 Bad Request"], Last::Close, ErrorKind::Unexpected, Delivery::NotSent),
        (&["421 too busy"], Last::Close, ErrorKind::Server, Delivery::Answered),
    ] {
        let port = scripted(lines, last).await;
        let email = Email::builder("127.0.0.1", "a@example.org").port(port).security(Security::Plain);
        let e = send(email.deadline(Duration::from_millis(400))).await;
        assert_eq!((e.kind(), e.delivery(), e.retry_hint()), (kind, delivery, RetryHint::Backoff), "{lines:?}: {e}");
    }
    let port = sre_testkit::process::free_port();
    let nobody = Email::builder("127.0.0.1", "a@example.org").port(port).security(Security::Plain);
    let e = send(nobody).await;
    assert_eq!((e.kind(), e.delivery()), (ErrorKind::Connect, Delivery::NotSent), "{e}");
    let e = send(Email::builder("no-such-host.invalid", "a@example.org").security(Security::Plain)).await;
    assert_eq!((e.kind(), e.delivery()), (ErrorKind::Dns, Delivery::NotSent), "{e}");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let good = || Email::builder("smtp.example.org", "a@example.org").to("b@example.org");
    assert!(good().build().is_ok());
    for (email, why) in [
        (Email::builder("", "a@example.org").to("b@example.org"), "host"),
        (Email::builder("x/y", "a@example.org").to("b@example.org"), "host"),
        (Email::builder("h", "nobody").to("b@example.org"), "nobody"),
        (Email::builder("h", "a@example.org"), "recipients"),
        (good().to("b@example.org\r\nRCPT TO:<c@example.org>"), "not a mail address"),
        (good().to("bücher@example.org"), "ASCII"),
        (good().security(Security::Plain).login("u", Secret::new("s3cr3t")), "without TLS"),
        (good().ca_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "TLS"),
    ] {
        let e = email.build().unwrap_err();
        assert_eq!((e.kind(), e.delivery()), (ErrorKind::Config, Delivery::NotSent));
        assert!(e.to_string().contains(why) && !e.to_string().contains("s3cr3t"), "{why}: {e}");
    }
    let shown = format!(
        "{:?} {:?}",
        good().login("u", Secret::new("s3cr3t")),
        good().login("u", Secret::new("s3cr3t")).build()
    );
    assert!(!shown.contains("s3cr3t"), "{shown}");
}
