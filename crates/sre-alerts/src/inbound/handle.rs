//! What happens to one request, in order: content type, credential, body, signature, format, intake.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use sre_core::SharedClock;
use tokio::time::timeout;

use super::body::Room;
use super::client::{self, Network};
use super::endpoint::{Asked, Endpoint, Taken};
use super::limits::Limits;
use super::rejection::{Rejection, RejectionKind};
use crate::alert::Alert;
use crate::intake::{IntakeError, SharedIntake};

/// What all requests share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) intake: SharedIntake,
    pub(super) clock: SharedClock,
    pub(super) limits: Limits,
    pub(super) trusted_proxies: Vec<Network>,
    pub(super) room: Room,
}

/// The address on the other side of the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// The request's id, for the answer and the log.
#[derive(Debug, Clone)]
struct RequestId(String);

/// Why a request was not taken, for the log.
#[derive(Debug, Clone)]
struct Refused(Rejection);

/// Takes one request of an endpoint.
pub(super) async fn endpoint(shared: &Shared, endpoint: &Endpoint, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let id = head.extensions.get::<RequestId>().map_or("", |id| id.0.as_str());
    match take(shared, endpoint, &head, body, id).await {
        Ok(response) => response,
        Err(rejection) => refuse(rejection, id),
    }
}

/// The answer where there is no endpoint.
pub(super) async fn not_found(request: Request) -> Response {
    refused(&request, RejectionKind::NotFound, "there is no such endpoint")
}

/// The answer to a GET.
pub(super) async fn method_not_allowed(request: Request) -> Response {
    let mut response = refused(&request, RejectionKind::MethodNotAllowed, "send a POST");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

async fn take(shared: &Shared, endpoint: &Endpoint, head: &Parts, body: Body, id: &str) -> Result<Response, Rejection> {
    let (source, credential) = (&endpoint.source, &endpoint.credential);
    source.content(&head.headers)?;
    let proof = credential.examine(&head.headers, shared.clock.now().as_second())?;
    let held = shared.room.read(body, &shared.limits).await?;
    // A slow body may have outlived its signature.
    let now = shared.clock.now();
    let claim = credential.check(&proof, &held.bytes, now.as_second())?;
    let response = match source.parse(head, &held.bytes, now)? {
        Asked::Alerts(alerts) => json(200, &Taken { accepted: accept(shared, alerts).await?, request_id: id }),
        Asked::Command(_, invocation) if invocation.is_probe => Response::new(Body::empty()),
        Asked::Command(chatops, invocation) => json(200, &chatops.handle(invocation, id).await.json()),
    };
    if let Some(claim) = claim {
        claim.keep();
    }
    Ok(response)
}

/// Hands alerts to the pipeline, and waits until they are safe.
async fn accept(shared: &Shared, alerts: Vec<Alert>) -> Result<usize, Rejection> {
    let count = alerts.len();
    if count == 0 {
        return Ok(0);
    }
    match timeout(shared.limits.accept, shared.intake.accept(alerts)).await {
        Ok(Ok(_)) => Ok(count),
        Ok(Err(error)) => {
            if let IntakeError::Storage(why) = &error {
                tracing::error!(error = why.as_str(), count, "alerts could not be stored; the sender was told");
            }
            Err(error.into())
        }
        Err(_) => Err(Rejection::busy("the queue is slow")),
    }
}

/// Gives the request its id and writes the access log. What is in it: our own words, the client's address, sizes and
/// times; nothing of headers, queries, unknown paths or bodies.
pub(super) async fn log(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let start = shared.clock.instant();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let proxied = |peer| client::request_id(peer, request.headers(), &shared.trusted_proxies);
    let id = peer.and_then(proxied).unwrap_or_else(random_id);
    let client = peer.map(|peer| client::address(peer, request.headers(), &shared.trusted_proxies));
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let path = endpoint_path(request.uri().path());
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    let status = response.status().as_u16();
    let elapsed_ms = shared.clock.instant().duration_since(start).as_secs_f64() * 1000.0;
    let client = client.map(tracing::field::display);
    match response.extensions().get::<Refused>() {
        Some(Refused(why)) => {
            let error = why.kind().code();
            tracing::info!(target: "sre_alerts::access", request_id = id, client, path, status, length, elapsed_ms, error, why = %why);
        }
        None => tracing::info!(target: "sre_alerts::access", request_id = id, client, path, status, length, elapsed_ms),
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// A path of ours, or a dash: what strangers ask for may be a secret sent to the wrong place.
fn endpoint_path(path: &str) -> &'static str {
    super::endpoint::PATHS.into_iter().find(|known| *known == path).unwrap_or("-")
}

fn random_id() -> String {
    let mut bytes = [0; 16];
    // It cannot fail with the system's generator; an id of zeros would still do.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

fn refused(request: &Request, kind: RejectionKind, why: &str) -> Response {
    let id = request.extensions().get::<RequestId>().map_or("", |id| id.0.as_str());
    refuse(Rejection::new(kind, why), id)
}

fn refuse(rejection: Rejection, id: &str) -> Response {
    let mut response = json(rejection.kind().status(), &rejection.body(id));
    let headers = response.headers_mut();
    if let Some(seconds) = rejection.retry_after_seconds() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if rejection.kind() == RejectionKind::Unauthorized {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response.extensions_mut().insert(Refused(rejection));
    response
}

pub(super) fn json(status: u16, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
