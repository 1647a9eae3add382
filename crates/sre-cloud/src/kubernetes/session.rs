//! A client with the credentials it uses right now, and how to get new ones.
//!
//! Only the exec plugin's credentials are ours to renew: shortly before they end, and once when the server answers 401.
//! Token files are read again by the client library, at most a minute late. Several requests that find the credentials
//! refused at once share one run of the plugin.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use kube::config::{ExecAuthCluster, ExecConfig};
use kube::{Client, Config};
use sre_core::chain::ErrorChain;
use sre_core::{SharedClock, Target};
use tokio::sync::{Mutex, OnceCell};

use super::contexts::config_error;
use super::exec_plugin::{Credential, Plugin};
use crate::Error;

/// Credentials are renewed this long before their end.
const EARLY: SignedDuration = SignedDuration::from_secs(60);

/// Everything that is needed to (re)make a client.
pub(crate) struct Session {
    /// Without the plugin's part.
    config: Config,
    plugin: Option<PluginSource>,
    live: RwLock<Arc<Live>>,
    renewing: Mutex<()>,
    clock: SharedClock,
    target: Target,
}

/// Where credentials come from.
pub(crate) struct PluginSource {
    pub(crate) config: ExecConfig,
    pub(crate) cluster: Option<ExecAuthCluster>,
    pub(crate) interactive: bool,
    pub(crate) limit: Duration,
}

/// A client and its credentials.
pub(crate) struct Live {
    pub(crate) client: Client,
    pub(crate) authorization: Option<HeaderValue>,
    generation: u64,
    renew_at: Option<Timestamp>,
    config: Config,
    watching: OnceCell<Client>,
}

// === impl Session ===

impl Session {
    /// Runs the plugin where there is one, and makes the client. No request is sent.
    pub(crate) async fn open(
        mut config: Config,
        plugin: Option<PluginSource>,
        clock: SharedClock,
        target: Target,
    ) -> Result<Self, Error> {
        config.auth_info.exec = None;
        let credential = match &plugin {
            Some(plugin) => Some(plugin.run(&target).await?),
            None => None,
        };
        let live = live(&config, credential, 0, clock.now(), &target).await?;
        Ok(Self { config, plugin, live: RwLock::new(Arc::new(live)), renewing: Mutex::default(), clock, target })
    }

    /// The client to use now; renews credentials that are about to end.
    pub(crate) async fn live(&self) -> Result<Arc<Live>, Error> {
        let live = self.current();
        match live.renew_at {
            Some(at) if self.clock.now() >= at => self.renew(&live).await,
            _ => Ok(live),
        }
    }

    /// Whether a 401 can be answered with new credentials.
    pub(crate) fn can_renew(&self) -> bool {
        self.plugin.is_some()
    }

    /// Replaces `old` by new credentials, unless somebody else has done so.
    pub(crate) async fn renew(&self, old: &Live) -> Result<Arc<Live>, Error> {
        let _one_at_a_time = self.renewing.lock().await;
        let current = self.current();
        let Some(plugin) = self.plugin.as_ref().filter(|_| current.generation == old.generation) else {
            return Ok(current);
        };
        tracing::debug!(cluster = %self.target, "running the credential plugin again");
        let credential = plugin.run(&self.target).await?;
        let next = current.generation + 1;
        let live = match credential.identity {
            // Only the header changes: the connections stay.
            None if current.config.auth_info.client_key_data.is_none() => Live {
                client: current.client.clone(),
                renew_at: renew_at(&credential, self.clock.now()),
                authorization: credential.authorization,
                generation: next,
                config: current.config.clone(),
                watching: OnceCell::new_with(current.watching.get().cloned()),
            },
            _ => live(&self.config, Some(credential), next, self.clock.now(), &self.target).await?,
        };
        let live = Arc::new(live);
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&live);
        Ok(live)
    }

    fn current(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("target", &self.target).field("plugin", &self.plugin.is_some()).finish()
    }
}

// === impl PluginSource ===

impl PluginSource {
    async fn run(&self, target: &Target) -> Result<Credential, Error> {
        let (interactive, limit) = (self.interactive, self.limit);
        Plugin { config: &self.config, cluster: self.cluster.clone(), interactive, limit, target }.run().await
    }
}

// === impl Live ===

impl Live {
    /// A second client for watches: a quiet watch sends nothing for minutes, and that is no fault.
    pub(crate) async fn watching(&self, read_timeout: Duration, target: &Target) -> Result<Client, Error> {
        let make = async || {
            let mut config = self.config.clone();
            config.read_timeout = Some(read_timeout);
            client(config, target).await
        };
        self.watching.get_or_try_init(make).await.cloned()
    }
}

async fn live(
    config: &Config,
    credential: Option<Credential>,
    generation: u64,
    now: Timestamp,
    target: &Target,
) -> Result<Live, Error> {
    let mut config = config.clone();
    let renew_at = credential.as_ref().and_then(|c| renew_at(c, now));
    let (authorization, identity) = credential.map(|c| (c.authorization, c.identity)).unwrap_or_default();
    if let Some((certificate, key)) = identity {
        config.auth_info.client_certificate_data = Some(STANDARD.encode(certificate));
        config.auth_info.client_key_data = Some(STANDARD.encode(key.expose()).into());
    }
    let client = client(config.clone(), target).await?;
    Ok(Live { client, authorization, generation, renew_at, config, watching: OnceCell::new() })
}

/// Making a client reads certificate files, perhaps from a slow disk: not on the async threads.
async fn client(config: Config, target: &Target) -> Result<Client, Error> {
    let made = tokio::task::spawn_blocking(move || Client::try_from(config)).await;
    match made {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(e)) => Err(config_error(target.as_str(), format!("no client can be made of it: {}", ErrorChain(&e)))),
        Err(e) => Err(config_error(target.as_str(), format!("making a client failed: {e}"))),
    }
}

/// A credential that comes with its end already near is used until it is refused: a plugin that hands out nothing
/// better must not run before each request.
fn renew_at(credential: &Credential, now: Timestamp) -> Option<Timestamp> {
    let at = credential.expires?.checked_sub(EARLY).ok()?;
    (at > now).then_some(at)
}
