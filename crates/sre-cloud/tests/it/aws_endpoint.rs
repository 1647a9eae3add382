//! An AWS that says what a test wants: moto has no impaired instances, no scheduled events and no bad days.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sre_cloud::aws::{AwsSession, AwsSettings, StaticCredentials};
use sre_core::http::Proxy;
use sre_core::{RetryPolicy, Secret, SharedClock, SystemClock};
use sre_testkit::scripted::{Reply, Request, Server};
use tokio::time::Instant;

/// One call as AWS sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) region: String,
    pub(crate) action: String,
}

/// Answers with `script`, and where that says nothing, like an empty account.
pub(crate) fn handler(
    script: impl Fn(&Call, &Request) -> Option<Reply> + Send + Sync + 'static,
) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    move |request| {
        let call = call_of(request);
        script(&call, request).unwrap_or_else(|| empty(&call.action))
    }
}

pub(crate) async fn start(script: impl Fn(&Call, &Request) -> Option<Reply> + Send + Sync + 'static) -> Server {
    Server::start(handler(script)).await
}

/// What was asked: the region is in the signature's scope, the action in the form or the target header.
pub(crate) fn call_of(request: &Request) -> Call {
    let scope = request.header("authorization").and_then(|v| v.split("Credential=").nth(1)).unwrap_or_default();
    let region = scope.split('/').nth(2).unwrap_or_default().to_owned();
    let target = request.header("x-amz-target").and_then(|t| t.rsplit('.').next()).map(str::to_owned);
    Call { region, action: target.or_else(|| request.form_value("Action")).unwrap_or_default() }
}

/// Settings for a double: fixed keys, no proxy, short times, three attempts in quick succession.
pub(crate) fn settings(url: &str) -> AwsSettings {
    let quick = RetryPolicy::builder().base(Duration::from_millis(1)).cap(Duration::from_millis(20)).build().unwrap();
    AwsSettings::default()
        .endpoint_url(url)
        .home_region("us-east-1")
        .credentials(StaticCredentials::new("AKIATEST", Secret::new("secret")))
        .proxy(Proxy::Direct)
        .connect_timeout(Duration::from_secs(2))
        .read_timeout(Duration::from_secs(5))
        .attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(25))
        .max_body(8 * 1024 * 1024)
        .retry(quick)
}

pub(crate) async fn session(settings: AwsSettings) -> AwsSession {
    session_at(settings, SystemClock::shared()).await
}

pub(crate) async fn session_at(settings: AwsSettings, clock: SharedClock) -> AwsSession {
    AwsSession::connect(settings, clock).await.unwrap()
}

pub(crate) fn within(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

/// A clock that stands still.
pub(crate) fn clock_at(now: &str) -> SharedClock {
    Arc::new(sre_core::clock::FixedClock::at(now.parse().unwrap()))
}

pub(crate) fn xml(body: &str) -> Reply {
    Reply::bytes(200, "text/xml;charset=UTF-8", body.to_owned())
}

/// The refusal of `action` in its service's own format.
pub(crate) fn refusal(action: &str, status: u16, code: &str, message: &str) -> Reply {
    match action {
        "ListMetrics" | "GetMetricData" => {
            let body = json!({"__type": format!("com.amazonaws.cloudwatch#{code}"), "message": message});
            Reply::json(status, &body).header("x-amzn-query-error", format!("{code};Sender"))
        }
        "GetCallerIdentity" => Reply::bytes(
            status,
            "text/xml",
            format!(
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                 <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
            ),
        ),
        _ => Reply::bytes(
            status,
            "text/xml;charset=UTF-8",
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
                 <RequestID>r-1</RequestID></Response>"
            ),
        ),
    }
}

/// `describe-instances` with running instances that are called `NAME`.
pub(crate) fn instances(of: &[(&str, &str, &str)]) -> Reply {
    let items: String = of
        .iter()
        .map(|(id, name, launched)| {
            format!(
                "<item><instancesSet><item><instanceId>{id}</instanceId>\
                 <instanceState><code>16</code><name>running</name></instanceState><launchTime>{launched}</launchTime>\
                 <tagSet><item><key>Name</key><value>{name}</value></item></tagSet></item></instancesSet></item>"
            )
        })
        .collect();
    xml(&format!("<DescribeInstancesResponse><reservationSet>{items}</reservationSet></DescribeInstancesResponse>"))
}

fn empty(action: &str) -> Reply {
    match action {
        "GetCallerIdentity" => xml(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::123456789012:user/me</Arn><Account>123456789012</Account></GetCallerIdentityResult>\
             </GetCallerIdentityResponse>",
        ),
        "ListMetrics" => Reply::json(200, &json!({"Metrics": []})),
        "GetMetricData" => Reply::json(200, &json!({"MetricDataResults": []})),
        "DescribeRegions" => {
            xml("<DescribeRegionsResponse><regionInfo><item><regionName>us-east-1</regionName></item>\
             <item><regionName>eu-west-1</regionName></item></regionInfo></DescribeRegionsResponse>")
        }
        action => xml(&format!("<{action}Response><requestId>r-1</requestId></{action}Response>")),
    }
}
