//! The client and its settings.

use std::time::Duration;

use reqwest::Method;
use reqwest_middleware::ClientWithMiddleware;
use reqwest_retry::RetryTransientMiddleware;

use super::attempt::Attempt;
use super::error::{Error, ErrorKind};
use super::request::Request;
use super::retry::{Policy, Strategy};
use crate::clock::{SharedClock, SystemClock};
use crate::error::Delivery;
use crate::retry::RetryPolicy;
use crate::secret::Secret;
use crate::target::Target;

/// An HTTP client with pooled connections. Cheap to clone; clones share the pool.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) retrying: ClientWithMiddleware,
    pub(super) once: ClientWithMiddleware,
    pub(super) clock: SharedClock,
    pub(super) deadline: Duration,
    pub(super) auth: Auth,
}

/// How requests prove who we are.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Auth {
    /// They do not.
    #[default]
    None,
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`.
    Basic {
        /// The user's name.
        user: String,
        /// The password.
        password: Secret,
    },
}

/// Which proxy requests go through.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Proxy {
    /// None.
    #[default]
    Direct,
    /// What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    FromEnvironment,
    /// This one, for every request.
    Url(String),
}

/// Settings of a [`Client`].
///
/// Defaults: connect timeout 5 s, read timeout 10 s (between two reads), total deadline 30 s, the default
/// [`RetryPolicy`], bodies up to 16 MiB, 5 redirects, no proxy, no credentials, the system's trusted certificates.
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientBuilder {
    connect_timeout: Duration,
    read_timeout: Duration,
    deadline: Duration,
    retry: RetryPolicy,
    max_body: usize,
    redirects: usize,
    auth: Auth,
    proxy: Proxy,
    ca_pem: Option<Vec<u8>>,
    identity_pem: Option<Secret>,
    user_agent: String,
    clock: SharedClock,
}

// === impl Client ===

impl Client {
    /// Starts from the defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            max_body: 16 * 1024 * 1024,
            redirects: 5,
            auth: Auth::None,
            proxy: Proxy::Direct,
            ca_pem: None,
            identity_pem: None,
            user_agent: concat!("sre-core/", env!("CARGO_PKG_VERSION")).to_owned(),
            clock: SystemClock::shared(),
        }
    }

    /// A GET request.
    pub fn get(&self, url: impl AsRef<str>) -> Request {
        Request::new(self.clone(), Method::GET, url.as_ref())
    }

    /// A HEAD request.
    pub fn head(&self, url: impl AsRef<str>) -> Request {
        Request::new(self.clone(), Method::HEAD, url.as_ref())
    }

    /// A POST request; not repeated unless declared [`idempotent`](Request::idempotent).
    pub fn post(&self, url: impl AsRef<str>) -> Request {
        Request::new(self.clone(), Method::POST, url.as_ref())
    }

    /// A PUT request; not repeated unless declared [`idempotent`](Request::idempotent).
    pub fn put(&self, url: impl AsRef<str>) -> Request {
        Request::new(self.clone(), Method::PUT, url.as_ref())
    }

    /// A DELETE request; not repeated unless declared [`idempotent`](Request::idempotent).
    pub fn delete(&self, url: impl AsRef<str>) -> Request {
        Request::new(self.clone(), Method::DELETE, url.as_ref())
    }
}

// === impl ClientBuilder ===

impl ClientBuilder {
    /// Time for DNS, TCP and TLS together.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Longest silence while an answer is awaited or read.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Time for everything: all attempts, sleeps and bodies.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How idempotent requests are repeated.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Largest body accepted, in bytes after decompression.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// How many redirects are followed; 0 makes each an answer of its own.
    pub fn redirects(mut self, most: usize) -> Self {
        self.redirects = most;
        self
    }

    /// Credentials sent with every request.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Which proxy to use.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Certificates (PEM, one or more) to trust besides the system's.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// Our own certificate and its private key, PEM, for mutual TLS.
    pub fn identity_pem(mut self, pem: Secret) -> Self {
        self.identity_pem = Some(pem);
        self
    }

    /// The `User-Agent` header, as in `morning-check/0.1.0`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// The clock that deadlines and waits follow.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] when a certificate, key, proxy URL or header value cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        let mut inner = reqwest::Client::builder()
            .tls_backend_rustls()
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.read_timeout)
            .redirect(reqwest::redirect::Policy::limited(self.redirects))
            // Our URLs may be secrets: no other server is told where we come from.
            .referer(false)
            .retry(reqwest::retry::never())
            .user_agent(&self.user_agent);
        match &self.proxy {
            Proxy::FromEnvironment => {}
            Proxy::Direct => inner = inner.no_proxy(),
            Proxy::Url(url) => {
                inner = inner.proxy(reqwest::Proxy::all(url).map_err(|e| unusable("the proxy URL", &e))?)
            }
        }
        if let Some(pem) = &self.ca_pem {
            let certs = reqwest::Certificate::from_pem_bundle(pem).map_err(|e| unusable("the CA certificate", &e))?;
            inner = inner.tls_certs_merge(certs);
        }
        if let Some(pem) = &self.identity_pem {
            let identity = reqwest::Identity::from_pem(pem.expose().as_bytes());
            inner = inner.identity(identity.map_err(|e| unusable("the client certificate or key", &e))?);
        }
        let inner = inner.build().map_err(|e| unusable("the HTTP settings", &e))?;
        let attempt = || Attempt { clock: self.clock.clone(), max_body: self.max_body, policy: self.retry };
        let retrying = reqwest_middleware::ClientBuilder::new(inner.clone())
            .with(RetryTransientMiddleware::new_with_policy_and_strategy(Policy(self.retry), Strategy))
            .with(attempt())
            .build();
        let once = reqwest_middleware::ClientBuilder::new(inner).with(attempt()).build();
        Ok(Client { retrying, once, clock: self.clock, deadline: self.deadline, auth: self.auth })
    }
}

fn unusable(what: &str, error: &reqwest::Error) -> Error {
    let text = crate::chain::ErrorChain(error).to_string();
    Error::new(ErrorKind::InvalidRequest, Target::new(what)).with_detail(text).with_delivery(Delivery::NotSent)
}
