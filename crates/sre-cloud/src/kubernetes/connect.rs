//! A connection to one cluster.
//!
//! ```no_run
//! # async fn run() -> Result<(), sre_cloud::Error> {
//! use sre_cloud::kubernetes::{Cluster, ConnectOptions, Contexts, ListOptions, ListScope, Listing, Pod};
//! use sre_core::SystemClock;
//!
//! let contexts = Contexts::read(&["/home/me/.kube/config".into()])?;
//! let context = contexts.select(Some("prod-eu-west-1"))?;
//! let cluster = Cluster::connect(&context, ConnectOptions::default(), SystemClock::shared()).await?;
//! let mut names = Vec::new();
//! cluster.list::<Pod>(&ListScope::All, &ListOptions::default(), |listing| match listing {
//!     Listing::Page(pods) => names.extend(pods.into_iter().map(|p| p.metadata.name)),
//!     Listing::StartOver => names.clear(),
//! }).await?;
//! # Ok(()) }
//! ```

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Uri, header};
use kube::Config;
use kube::config::{AuthInfo, ExecAuthCluster, KubeconfigError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sre_core::{Delivery, SharedClock, Target, duration};
use tokio::time::{Instant, timeout_at};

use super::contexts::{KubeContext, config_error};
use super::options::ConnectOptions;
use super::scope::Scope;
use super::session::{PluginSource, Session};
use crate::{Error, ErrorKind};

/// A cluster that can be asked. Cheap to clone; all clones share connections and credentials.
#[derive(Debug, Clone)]
pub struct Cluster {
    pub(crate) session: Arc<Session>,
    pub(crate) target: Target,
    pub(crate) host: Arc<str>,
    pub(crate) options: Arc<ConnectOptions>,
    pub(crate) clock: SharedClock,
    pub(crate) gzip: bool,
    in_cluster: bool,
}

// === impl Cluster ===

impl Cluster {
    /// Gets credentials and makes a client. Sends nothing yet: an unreachable server shows with the first request.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a server, proxy, certificate or key that makes no sense;
    /// [`ErrorKind::CredentialPlugin`] for an exec plugin that fails or outlives its limit.
    ///
    /// # Cancel safety
    /// Dropping the future kills a credential plugin that is still running.
    pub async fn connect(context: &KubeContext, options: ConnectOptions, clock: SharedClock) -> Result<Self, Error> {
        let target = Target::new(context.name());
        let start = clock.instant();
        let deadline = start + options.deadline;
        let late = |host: &str| too_late(&target, host, options.deadline).with_delivery(Delivery::NotSent);
        let prepared = timeout_at(deadline, prepare(context, &options)).await.map_err(|_| late(context.name()))?;
        let (config, plugin) = prepared?;
        let host = config.cluster_url.authority().map_or("", |a| a.as_str().rsplit('@').next().unwrap_or_default());
        let host: Arc<str> = Arc::from(host);
        let gzip = !context.cluster.disable_compression.unwrap_or(false);
        let opening = Session::open(config, plugin, Arc::clone(&clock), target.clone());
        let session = timeout_at(deadline, opening).await.map_err(|_| late(&host))?;
        let session = session.map_err(|e| e.with_elapsed(clock.instant() - start))?;
        Ok(Self {
            session: Arc::new(session),
            target,
            host,
            options: Arc::new(options),
            clock,
            gzip,
            in_cluster: context.reload_ca,
        })
    }

    /// The context's name.
    pub fn name(&self) -> &str {
        self.target.as_str()
    }

    /// The context's name, as findings and errors carry it.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// How findings and commands name this cluster.
    pub fn scope(&self) -> Scope {
        if self.in_cluster { Scope::in_cluster(self.name()) } else { Scope::new(self.name()) }
    }

    /// Host and port of the API server.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The same cluster, with another time limit for each operation.
    #[must_use]
    pub fn with_deadline(&self, limit: Duration) -> Self {
        let options = ConnectOptions { deadline: limit, ..(*self.options).clone() };
        Self { options: Arc::new(options), ..self.clone() }
    }

    /// When an operation that begins now has to end.
    pub(crate) fn deadline(&self) -> Instant {
        self.clock.instant() + self.options.deadline
    }
}

pub(crate) fn too_late(target: &Target, host: &str, limit: Duration) -> Error {
    let detail = format!("{host}: the time limit of {} for all of it is over", duration::format(limit));
    Error::new(ErrorKind::Timeout, target.clone()).with_detail(detail)
}

/// Certificates are read from files, perhaps on a slow disk: not on the async threads.
async fn prepare(context: &KubeContext, options: &ConnectOptions) -> Result<(Config, Option<PluginSource>), Error> {
    let name = context.name().to_owned();
    let (context, options) = (context.clone(), options.clone());
    let reading =
        tokio::task::spawn_blocking(move || Ok((config(&context, &options)?, plugin(&context, &options)?))).await;
    reading.unwrap_or_else(|e| Err(config_error(&name, format!("reading its files failed: {e}"))))
}

fn config(context: &KubeContext, options: &ConnectOptions) -> Result<Config, Error> {
    let fail = |why: String| config_error(context.name(), why);
    let server = context.cluster.server.as_deref().unwrap_or_default();
    let url: Uri = server.parse().map_err(|e| fail(format!("its server is no URL: {e}")))?;
    let (Some("http" | "https"), Some(host)) = (url.scheme_str(), url.host()) else {
        return Err(fail("its server is no http or https URL".to_owned()));
    };
    let proxy = context.cluster.proxy_url.as_deref().filter(|p| !p.is_empty()).or(options.proxy.for_host(host));
    let proxy_url = proxy.map(str::parse).transpose().map_err(|e| fail(format!("its proxy is no URL: {e}")))?;
    let agent = HeaderValue::from_str(&options.user_agent).map_err(|_| fail("the User-Agent is no header".into()))?;
    let mut config = Config::new(url);
    config.proxy_url = proxy_url;
    config.root_cert = roots(context)?;
    config.root_cert_file = context.cluster.certificate_authority.clone().filter(|_| context.reload_ca).map(Into::into);
    config.accept_invalid_certs = context.cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.tls_server_name = context.cluster.tls_server_name.clone();
    config.auth_info = user(context)?;
    config.connect_timeout = Some(options.connect_timeout);
    config.read_timeout = Some(options.read_timeout);
    config.write_timeout = Some(options.read_timeout);
    // The read timeout shall count from the request on, not from when the pooled connection fell idle.
    config.reset_reader_on_write = true;
    // We decompress ourselves (see `body`) and retry ourselves (see `request`).
    config.disable_compression = true;
    config.default_retry = false;
    config.headers = vec![(header::USER_AGENT, agent)];
    Ok(config)
}

/// The cluster's CA certificates; `None` means those of the operating system.
fn roots(context: &KubeContext) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let fail = |why: String| config_error(context.name(), why);
    let cluster = exec_cluster(context)?;
    let Some(pem) = cluster.certificate_authority_data else { return Ok(None) };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|e| fail(format!("its certificate-authority is not PEM: {e}")))?;
    if certificates.is_empty() {
        return Err(fail("its certificate-authority holds no certificate".to_owned()));
    }
    Ok(Some(certificates.iter().map(|c| c.to_vec()).collect()))
}

fn exec_cluster(context: &KubeContext) -> Result<ExecAuthCluster, Error> {
    ExecAuthCluster::try_from(&context.cluster)
        .map_err(|e: KubeconfigError| config_error(context.name(), e.to_string()))
}

/// The user, rid of everything that would make the client library run a program.
fn user(context: &KubeContext) -> Result<AuthInfo, Error> {
    let mut user = context.user.clone();
    user.exec = None;
    if let Some(provider) = user.auth_provider.take() {
        let token = provider.config.get("id-token").filter(|_| matches!(provider.name.as_str(), "oidc" | "gcp"));
        let Some(token) = token else {
            let name = &provider.name;
            let why =
                format!("its user has the auth-provider `{name}`, which Kubernetes has removed: use an exec plugin");
            return Err(config_error(context.name(), why));
        };
        user.token = Some(token.clone().into());
    }
    Ok(user)
}

/// The exec plugin counts only where nothing else identifies the user, as in the client library.
fn plugin(context: &KubeContext, options: &ConnectOptions) -> Result<Option<PluginSource>, Error> {
    let user = &context.user;
    let other = user.token.is_some() || user.token_file.is_some() || user.auth_provider.is_some();
    let basic = user.username.is_some() && user.password.is_some();
    let Some(exec) = user.exec.clone().filter(|_| !other && !basic) else { return Ok(None) };
    let cluster = if exec.provide_cluster_info { Some(exec_cluster(context)?) } else { None };
    let limit = options.plugin_timeout.min(options.deadline);
    Ok(Some(PluginSource { config: exec, cluster, interactive: options.interactive, limit }))
}
