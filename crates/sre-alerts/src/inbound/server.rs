//! The server: built whole or not at all, then serving until it is told to stop.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::post;
use sre_core::SharedClock;

use super::body::Room;
use super::client::Network;
use super::connection::{self, Drained};
use super::credential::Credential;
use super::endpoint::{Endpoint, Source};
use super::handle::{self, Shared};
use super::limits::Limits;
use super::setup::SetupError;
use super::tls::Tls;
use crate::chatops::ChatOps;
use crate::intake::SharedIntake;

/// The endpoints that are configured, ready to serve. See the [module](super) for what they are.
#[derive(Debug)]
pub struct Inbound {
    router: Router,
    limits: Limits,
    tls: Option<Tls>,
}

/// Builds an [`Inbound`].
#[derive(Debug)]
#[must_use]
pub struct InboundBuilder {
    intake: SharedIntake,
    clock: SharedClock,
    endpoints: Vec<Endpoint>,
    limits: Limits,
    tls: Option<Tls>,
    trusted_proxies: Vec<Network>,
}

// === impl Inbound ===

impl Inbound {
    /// Starts with no endpoint; alerts go to `intake`, signatures are judged by `clock`.
    pub fn builder(intake: SharedIntake, clock: SharedClock) -> InboundBuilder {
        InboundBuilder {
            intake,
            clock,
            endpoints: Vec::new(),
            limits: Limits::default(),
            tls: None,
            trusted_proxies: Vec::new(),
        }
    }

    /// Serves on a listener that is bound already, until `stop` completes. Then no connection is taken any more,
    /// requests under way get [`Limits::drain`] to end, and what is left is cut off.
    ///
    /// # Errors
    /// [`SetupError::Listener`] when the listener cannot be used with tokio.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<Drained, SetupError> {
        listener.set_nonblocking(true).map_err(SetupError::Listener)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(SetupError::Listener)?;
        Ok(connection::serve(listener, self.router, self.limits, self.tls, stop).await)
    }
}

// === impl InboundBuilder ===

impl InboundBuilder {
    /// `/webhook/alert`, with a bearer or an HMAC credential. `types` are the known ones (422 for others); none means all.
    pub fn alerts(self, credential: Credential, types: impl IntoIterator<Item = String>) -> Self {
        self.endpoint(Source::Alerts(BTreeSet::from_iter(types)), credential)
    }

    /// `/webhook/alertmanager`, with a bearer credential (`http_config.authorization` there).
    pub fn alertmanager(self, credential: Credential) -> Self {
        self.endpoint(Source::Alertmanager, credential)
    }

    /// `/webhook/github`, with a GitHub credential. The webhook's content type there is `application/json`.
    pub fn github(self, credential: Credential) -> Self {
        self.endpoint(Source::GitHub, credential)
    }

    /// `/slack/commands`, with the signing secret of the Slack app.
    pub fn commands(self, credential: Credential, chatops: ChatOps) -> Self {
        self.endpoint(Source::Commands(chatops), credential)
    }

    /// Other bounds than the default ones.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Speaks TLS. Default: plain HTTP.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Proxies whose `X-Forwarded-For` and `X-Request-Id` are believed. Default: none.
    pub fn trusted_proxies(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.trusted_proxies = networks.into_iter().collect();
        self
    }

    /// Checks it all.
    ///
    /// # Errors
    /// No endpoint, one of them twice, a credential that its senders cannot show, a limit of zero.
    pub fn build(self) -> Result<Inbound, SetupError> {
        let Self { intake, clock, endpoints, limits, tls, trusted_proxies } = self;
        limits.validate()?;
        if endpoints.is_empty() {
            return Err(SetupError::NoEndpoint);
        }
        let mut paths = BTreeSet::new();
        for endpoint in &endpoints {
            endpoint.validate()?;
            if !paths.insert(endpoint.source.path()) {
                return Err(SetupError::Twice { endpoint: endpoint.source.path() });
            }
        }
        let room = Room::new(limits.max_buffered);
        let shared = Arc::new(Shared { intake, clock, limits: limits.clone(), trusted_proxies, room });
        Ok(Inbound { router: router(&shared, endpoints), limits, tls })
    }

    fn endpoint(mut self, source: Source, credential: Credential) -> Self {
        self.endpoints.push(Endpoint { source, credential });
        self
    }
}

fn router(shared: &Arc<Shared>, endpoints: Vec<Endpoint>) -> Router {
    let mut router = Router::new();
    for endpoint in endpoints {
        let (shared, endpoint) = (Arc::clone(shared), Arc::new(endpoint));
        let path = endpoint.source.path();
        let handler = move |request: Request| {
            let (shared, endpoint) = (Arc::clone(&shared), Arc::clone(&endpoint));
            async move { handle::endpoint(&shared, &endpoint, request).await }
        };
        router = router.route(path, post(handler).fallback(handle::method_not_allowed));
    }
    router.fallback(handle::not_found).layer(axum::middleware::from_fn_with_state(Arc::clone(shared), handle::log))
}
