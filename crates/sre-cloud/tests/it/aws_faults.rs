//! Every fault at every question: class, attempts, that the rest stands, and that it ends in time.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sre_cloud::aws::{AwsSession, AwsSettings, SurveyOptions};
use sre_cloud::{Error, ErrorKind};
use sre_core::{Classify, Delivery, ErrorClass};
use sre_testkit::scripted::{Blackhole, Reply, Server};
use tokio::time::Instant;

use crate::aws_endpoint::{Call, handler, refusal, session, settings, start, within, xml};

/// Every question that is asked.
const ACTIONS: [&str; 5] =
    ["GetCallerIdentity", "DescribeRegions", "DescribeInstances", "DescribeInstanceStatus", "ListMetrics"];

/// Asks `action` and gives its error; whatever else is asked must succeed.
async fn error_of(session: &AwsSession, action: &str, deadline: Instant) -> Error {
    match action {
        "GetCallerIdentity" => session.identity(deadline).await.unwrap_err(),
        "DescribeRegions" => session.regions(deadline).await.unwrap_err(),
        _ => {
            let mut survey = session.survey_region("us-east-1", &SurveyOptions::default(), deadline).await.unwrap();
            assert_eq!(survey.incomplete.len(), 1, "{action}: only this part fails: {survey:?}");
            survey.incomplete.remove(0).error
        }
    }
}

struct Fault {
    name: &'static str,
    reply: fn(&str) -> Reply,
    kind: ErrorKind,
    class: ErrorClass,
    attempts: u32,
}

const fn fault(
    name: &'static str,
    reply: fn(&str) -> Reply,
    kind: ErrorKind,
    class: ErrorClass,
    attempts: u32,
) -> Fault {
    Fault { name, reply, kind, class, attempts }
}

fn faults() -> Vec<Fault> {
    use ErrorClass::{Application, Auth, Connection};
    vec![
        fault("hang", |_| Reply::hang(), ErrorKind::Timeout, Connection, 3),
        fault("close", |_| Reply::close(), ErrorKind::Broken, Connection, 3),
        fault("reset", |_| Reply::reset_after(200, "x".repeat(1000), 10), ErrorKind::Broken, Connection, 3),
        fault("cut off", |_| Reply::truncated(200, "x".repeat(1000), 10), ErrorKind::Broken, Connection, 3),
        fault("half a document", |_| xml("<DescribeInst"), ErrorKind::Decode, Application, 1),
        fault("300 MB", |_| Reply::endless(300 << 20), ErrorKind::TooLarge, Application, 1),
        fault("401", |a| refusal(a, 401, "AuthFailure", "not valid"), ErrorKind::Unauthorized, Auth, 1),
        fault("expired", |a| refusal(a, 400, "ExpiredToken", "expired"), ErrorKind::Unauthorized, Auth, 1),
        fault("403", |a| refusal(a, 403, "AccessDenied", "not allowed"), ErrorKind::Forbidden, Auth, 1),
        fault("404", |_| Reply::text(404, "no"), ErrorKind::NotFound, Application, 1),
        fault("429", |_| Reply::text(429, "").header("retry-after", "1"), ErrorKind::RateLimited, Application, 3),
        fault("throttled", |a| refusal(a, 400, "Throttling", "Rate"), ErrorKind::RateLimited, Application, 3),
        fault("limit", |a| refusal(a, 503, "RequestLimitExceeded", "R"), ErrorKind::RateLimited, Application, 3),
        fault("503", |_| Reply::text(503, "busy"), ErrorKind::Server, Application, 3),
        fault("500", |a| refusal(a, 500, "InternalError", "oops"), ErrorKind::Server, Application, 3),
        fault("400", |a| refusal(a, 400, "InvalidParameterValue", "bad"), ErrorKind::Refused, Application, 1),
    ]
}

#[tokio::test]
async fn every_fault_has_its_class_and_its_attempts() {
    let run = |fault: Fault| async move {
        for action in ACTIONS {
            let reply = fault.reply;
            let server = start(move |call, _| (call.action == action).then(|| reply(action))).await;
            let patience = Duration::from_millis(if fault.name == "hang" { 400 } else { 10_000 });
            let session = session(settings(&server.url()).read_timeout(patience)).await;
            let begun = Instant::now();
            let error = error_of(&session, action, within(30)).await;
            let seen = (error.kind(), error.class(), error.attempts());
            assert_eq!(seen, (fault.kind, fault.class, fault.attempts), "{} at {action}: {error}", fault.name);
            assert_eq!(error.target().as_str(), "us-east-1", "{}", fault.name);
            assert!(error.elapsed().is_some() && begun.elapsed() < Duration::from_secs(31), "{}", fault.name);
        }
    };
    futures_util::future::join_all(faults().into_iter().map(run)).await;
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    for (action, iam) in [
        ("DescribeInstances", "ec2:DescribeInstances"),
        ("DescribeInstanceStatus", "ec2:DescribeInstanceStatus"),
        ("ListMetrics", "cloudwatch:ListMetrics"),
    ] {
        let refuse = move |call: &Call, _: &_| {
            (call.action == action).then(|| refusal(action, 403, "UnauthorizedOperation", "You are not authorized."))
        };
        let server = start(refuse).await;
        let error = error_of(&session(settings(&server.url())).await, action, within(30)).await;
        assert!(error.detail().starts_with(&format!("the IAM action {iam} is missing")), "{error}");
        assert_eq!(error.delivery(), Delivery::Answered);
    }
}

#[tokio::test]
async fn two_bad_answers_then_a_good_one() {
    for action in ACTIONS {
        let bad = AtomicU32::new(2);
        let server = start(move |call, _| {
            let hit = call.action == action
                && bad.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
            hit.then(|| Reply::text(500, "oops"))
        })
        .await;
        let session = session(settings(&server.url())).await;
        match action {
            "GetCallerIdentity" => assert_eq!(session.identity(within(30)).await.unwrap().account, "123456789012"),
            "DescribeRegions" => assert_eq!(session.regions(within(30)).await.unwrap(), ["eu-west-1", "us-east-1"]),
            _ => {
                let survey = session.survey_region("us-east-1", &SurveyOptions::default(), within(30)).await.unwrap();
                assert!(survey.incomplete.is_empty(), "{survey:?}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_there() {
    let dns = "http://no-such-host.invalid:80".to_owned();
    for (url, kind) in [(sre_testkit::refused_url(), ErrorKind::Connect), (dns, ErrorKind::Dns)] {
        let session = session(settings(&url)).await;
        let survey = SurveyOptions::default();
        for error in [
            session.identity(within(30)).await.unwrap_err(),
            session.regions(within(30)).await.unwrap_err(),
            session.survey_region("us-east-1", &survey, within(30)).await.unwrap_err(),
        ] {
            let seen = (error.kind(), error.class(), error.attempts(), error.delivery());
            assert_eq!(seen, (kind, ErrorClass::Connection, 3, Delivery::NotSent), "{error}");
        }
    }
}

#[tokio::test]
async fn an_unknown_certificate_is_a_tls_failure_and_a_known_one_is_none() {
    let server = Server::start_tls(handler(|_, _| None)).await;
    let stranger = session(settings(&server.url())).await;
    let error = stranger.identity(within(30)).await.unwrap_err();
    assert_eq!((error.kind(), error.class(), error.attempts()), (ErrorKind::Tls, ErrorClass::Connection, 1), "{error}");
    let friend = session(settings(&server.url()).ca_pem(server.ca_pem())).await;
    assert_eq!(friend.identity(within(30)).await.unwrap().account, "123456789012");
    let survey = friend.survey_region("us-east-1", &SurveyOptions::default(), within(30)).await.unwrap();
    assert!(survey.incomplete.is_empty(), "{survey:?}");
}

#[tokio::test]
async fn a_certificate_that_is_none_is_refused_at_once() {
    let nonsense = settings("http://127.0.0.1:1").ca_pem("not a certificate");
    let error = AwsSession::connect(nonsense, sre_core::SystemClock::shared()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
}

#[tokio::test]
async fn a_blackholed_region_costs_only_itself() {
    let server = start(|call, _| (call.region == "us-east-1").then(Reply::hang)).await;
    let settings = settings(&server.url()).regions(["us-east-1", "eu-west-1"]);
    let session = session(settings).await;
    let begun = Instant::now();
    let deadline = within(3);
    assert_eq!(session.identity(deadline).await.unwrap().account, "123456789012", "the other region says who we are");
    let options = SurveyOptions::default();
    let (dead, alive) = tokio::join!(
        session.survey_region("us-east-1", &options, deadline),
        session.survey_region("eu-west-1", &options, deadline),
    );
    assert!(alive.unwrap().incomplete.is_empty());
    let dead = dead.unwrap_err();
    assert_eq!((dead.kind(), dead.target().as_str()), (ErrorKind::Timeout, "us-east-1"), "{dead}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_deadline_of_the_caller_ends_everything() {
    let server = start(|_, _| Some(Reply::hang())).await;
    let patient =
        settings(&server.url()).read_timeout(Duration::from_secs(60)).attempt_timeout(Duration::from_secs(60));
    let patient = session(patient.operation_timeout(Duration::from_secs(60))).await;
    let begun = Instant::now();
    let error = patient.survey_region("us-east-1", &SurveyOptions::default(), within(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_that_nobody_accepts_ends_with_the_connect_timeout() {
    let hole = Blackhole::start().await;
    let session = session(settings(&hole.url()).connect_timeout(Duration::from_millis(300))).await;
    let error = session.identity(within(30)).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Timeout, Delivery::NotSent), "{error}");
    assert_eq!(error.attempts(), 3);
}

#[tokio::test]
async fn pages_without_end_are_noticed() {
    let page = "<DescribeInstancesResponse><nextToken>again</nextToken></DescribeInstancesResponse>";
    let server = start(move |call, _| (call.action == "DescribeInstances").then(|| xml(page))).await;
    let error = error_of(&session(settings(&server.url())).await, "DescribeInstances", within(30)).await;
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_one_auth_error() {
    let server = start(|_, _| None).await;
    let mut settings: AwsSettings = settings(&server.url()).profile("no-such-profile-here");
    settings.credentials = None;
    let session = session(settings).await;
    let begun = Instant::now();
    let error = session.identity(within(30)).await.unwrap_err();
    assert_eq!((error.class(), error.attempts()), (ErrorClass::Auth, 1), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert_eq!(server.count(), 0, "nothing is sent without credentials");
    assert_eq!(error.kind(), ErrorKind::CredentialPlugin);
}

#[tokio::test]
async fn a_region_that_is_none_is_refused_before_it_is_asked() {
    let server = start(|_, _| None).await;
    let session = session(settings(&server.url())).await;
    let error = session.survey_region("evil.example/", &SurveyOptions::default(), within(30)).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Config, 0), "{error}");
}

/// Callers spawn these, one task a region.
#[tokio::test]
async fn regions_can_be_surveyed_in_tasks_of_their_own() {
    let server = start(|_, _| None).await;
    let session = session(settings(&server.url())).await;
    let task = tokio::spawn(async move {
        let who = session.identity(within(30)).await?;
        let regions = session.regions(within(30)).await?;
        let survey = session.survey_region(&regions[0], &SurveyOptions::default(), within(30)).await?;
        Ok::<_, Error>((who.account, survey.incomplete.len()))
    });
    assert_eq!(task.await.unwrap().unwrap(), ("123456789012".to_owned(), 0));
}
