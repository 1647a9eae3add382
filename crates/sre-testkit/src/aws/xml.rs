//! The XML of EC2's and STS's answers, as the API references show it.

use std::fmt::Write;

use super::instance::Instance;
use crate::scripted::Reply;

const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

/// An error of EC2, such as `aws_error(503, "RequestLimitExceeded", "Request limit exceeded.")`.
#[must_use]
pub fn aws_error(status: u16, code: &str, message: &str) -> Reply {
    let error = element("Error", &(element("Code", &escaped(code)) + &element("Message", &escaped(message))));
    answer(status, &element("Response", &(element("Errors", &error) + &element("RequestID", REQUEST_ID))))
}

/// An error of STS, such as `sts_error(403, "ExpiredToken", "The security token included in the request is expired")`.
#[must_use]
pub fn sts_error(status: u16, code: &str, message: &str) -> Reply {
    let inside = element("Type", "Sender") + &element("Code", &escaped(code)) + &element("Message", &escaped(message));
    let body = element("Error", &inside) + &element("RequestId", REQUEST_ID);
    answer(
        status,
        &format!("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">{body}</ErrorResponse>"),
    )
}

pub(super) fn caller_identity(account: &str) -> Reply {
    let result = element("Arn", &format!("arn:aws:iam::{account}:user/testkit"))
        + &element("UserId", "AIDATESTKIT")
        + &element("Account", account);
    let body =
        element("GetCallerIdentityResult", &result) + &element("ResponseMetadata", &element("RequestId", REQUEST_ID));
    let name = "GetCallerIdentityResponse";
    answer(200, &format!("<{name} xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">{body}</{name}>"))
}

pub(super) fn regions(names: &[&str]) -> Reply {
    let items = names.iter().map(|name| {
        element("regionName", name)
            + &element("regionEndpoint", &format!("ec2.{name}.amazonaws.com"))
            + &element("optInStatus", "opt-in-not-required")
    });
    ec2("DescribeRegions", &element("regionInfo", &set(items)))
}

pub(super) fn instances(region: &str, page: &[&Instance], next: Option<usize>) -> Reply {
    // Reservations of 20, so that a client cannot take one for an instance.
    let reservations = page.chunks(20).enumerate().map(|(at, chunk)| {
        let items = chunk.iter().map(|instance| {
            element("instanceId", &instance.id)
                + &element("imageId", "ami-00000000")
                + &element("instanceState", &state(instance))
                + &element("instanceType", "t3.micro")
                + &element("launchTime", &instance.launched)
                + &element("placement", &element("availabilityZone", &format!("{region}a")))
                + &element(
                    "tagSet",
                    &set(instance
                        .tags
                        .iter()
                        .map(|(k, v)| element("key", &escaped(k)) + &element("value", &escaped(v)))),
                )
        });
        element("reservationId", &format!("r-{at:017x}"))
            + &element("ownerId", "123456789012")
            + &element("instancesSet", &set(items))
    });
    ec2("DescribeInstances", &(element("reservationSet", &set(reservations)) + &token(next)))
}

pub(super) fn statuses(region: &str, page: &[&Instance], next: Option<usize>) -> Reply {
    let items = page.iter().map(|instance| {
        let events = instance.events.iter().enumerate().map(|(at, event)| {
            element("instanceEventId", &format!("instance-event-{at:017x}"))
                + &element("code", &event.code)
                + &element("description", &escaped(&event.description))
                + &element("notBefore", &event.not_before)
        });
        element("instanceId", &instance.id)
            + &element("availabilityZone", &format!("{region}a"))
            + &element("instanceState", &state(instance))
            + &check("systemStatus", &instance.system, instance)
            + &check("instanceStatus", &instance.instance, instance)
            + &check("attachedEbsStatus", &instance.attached_ebs, instance)
            + &element("eventsSet", &set(events))
    });
    ec2("DescribeInstanceStatus", &(element("instanceStatusSet", &set(items)) + &token(next)))
}

fn check(name: &str, status: &str, instance: &Instance) -> String {
    let detail = match status {
        "impaired" => "failed",
        "ok" => "passed",
        other => other,
    };
    let since =
        instance.impaired_since.iter().filter(|_| status == "impaired").map(|time| element("impairedSince", time));
    let details = element("name", "reachability") + &element("status", detail) + &since.collect::<String>();
    element(name, &(element("status", status) + &element("details", &set([details].into_iter()))))
}

fn state(instance: &Instance) -> String {
    element("code", &instance.state_code().to_string()) + &element("name", &instance.state)
}

fn token(next: Option<usize>) -> String {
    next.map(|start| element("nextToken", &format!("after-{start}"))).unwrap_or_default()
}

fn ec2(action: &str, body: &str) -> Reply {
    let name = format!("{action}Response");
    let body = element("requestId", REQUEST_ID) + body;
    answer(200, &format!("<{name} xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">{body}</{name}>"))
}

fn answer(status: u16, xml: &str) -> Reply {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}\n");
    Reply::bytes(status, "text/xml;charset=UTF-8", body).header("x-amzn-requestid", REQUEST_ID)
}

fn set(items: impl Iterator<Item = String>) -> String {
    items.fold(String::new(), |mut all, item| {
        write!(all, "<item>{item}</item>").expect("write into memory");
        all
    })
}

fn element(name: &str, inside: &str) -> String {
    format!("<{name}>{inside}</{name}>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
