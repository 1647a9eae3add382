//! The error answers of a real API server, for the `fault` hook: golden bodies, adapted to what was asked.

use std::time::Duration;

use serde_json::{Value, json};

use super::route::{Kind, Route};
use crate::fixtures;
use crate::scripted::{Reply, Request};

/// 401, the token is wrong or has expired.
#[must_use]
pub fn unauthorized() -> Reply {
    Reply::json(401, &golden(fixtures::error_401()))
}

/// 403, naming the user, verb, resource and scope of the request.
#[must_use]
pub fn forbidden(request: &Request) -> Reply {
    let mut body = golden(fixtures::error_403());
    if let Some((kind, namespace)) = Route::parse(&request.path).scope() {
        let scope = match namespace {
            Some(namespace) => format!("in the namespace \"{namespace}\""),
            None => "at the cluster scope".to_owned(),
        };
        let (subject, group) = (resource(request, kind), kind.group);
        body["message"] = json!(format!(
            "{subject} is forbidden: User \"viewer\" cannot {} resource \"{subject}\" in API group \"{group}\" {scope}",
            verb(request),
        ));
        body["details"] =
            if group.is_empty() { json!({ "kind": subject }) } else { json!({ "group": group, "kind": subject }) };
    }
    Reply::json(403, &body)
}

/// 404 for one object.
#[must_use]
pub fn not_found(plural: &str, name: &str) -> Reply {
    let mut body = golden(fixtures::error_404());
    body["message"] = json!(format!("{plural} \"{name}\" not found"));
    body["details"] = json!({ "name": name, "kind": plural });
    Reply::json(404, &body)
}

/// 410 in mid-list, with a fresh continue token for the rest.
#[must_use]
pub fn expired(continue_token: &str) -> Reply {
    let mut body = golden(fixtures::error_410());
    body["metadata"]["continue"] = json!(continue_token);
    Reply::json(410, &body)
}

/// 429 with `Retry-After` in whole seconds.
#[must_use]
pub fn rate_limited(retry_after: Duration) -> Reply {
    let seconds = retry_after.as_secs();
    let mut body =
        status(429, "TooManyRequests", "the server has received too many requests and has asked us to try again later");
    body["details"] = json!({ "retryAfterSeconds": seconds });
    Reply::json(429, &body).header("retry-after", seconds.to_string())
}

/// Any other failure as a `Status` object, such as `error(500, "InternalError", "etcdserver: request timed out")`.
#[must_use]
pub fn error(code: u16, reason: &str, message: &str) -> Reply {
    Reply::json(code, &status(code, reason, message))
}

/// The body of a failure.
pub(super) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
}

fn golden(text: &str) -> Value {
    serde_json::from_str(text).expect("a golden error body")
}

fn resource(request: &Request, kind: &Kind) -> String {
    let suffix = if matches!(Route::parse(&request.path), Route::Scale { .. }) { "/scale" } else { "" };
    format!("{}{suffix}", kind.plural)
}

fn verb(request: &Request) -> &'static str {
    match (request.method.as_str(), Route::parse(&request.path)) {
        ("GET", Route::List { .. }) if request.query_value("watch").is_some_and(|on| on == "true" || on == "1") => {
            "watch"
        }
        ("GET", Route::List { .. }) => "list",
        ("GET", _) => "get",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", _) => "delete",
        _ => "use",
    }
}
