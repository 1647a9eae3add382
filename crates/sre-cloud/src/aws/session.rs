//! One way into an account: configuration read once, credentials and connections shared by all regions and services.

use std::sync::Arc;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::identity::IdentityCache;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_ec2::config::Region;
use sre_core::http::Client;
use sre_core::{RetryPolicy, SharedClock};

use super::connector;
use super::credentials::{self, Remembered};
use super::settings::AwsSettings;
use crate::{Error, ErrorKind};

/// Asked when neither the environment, the profile nor the settings name a region.
const FALLBACK_REGION: &str = "us-east-1";

/// An account that can be asked things. Cheap to clone; clones share credentials and connections.
///
/// ```no_run
/// # async fn example() -> Result<(), sre_cloud::Error> {
/// use std::time::Duration;
/// use sre_cloud::aws::{AwsSession, AwsSettings, SurveyOptions};
/// use sre_core::SystemClock;
/// use tokio::time::Instant;
///
/// let deadline = Instant::now() + Duration::from_secs(60);
/// let session = AwsSession::connect(AwsSettings::default().profile("prod-readonly"), SystemClock::shared()).await?;
/// let who = session.identity(deadline).await?;
/// for region in session.regions(deadline).await? {
///     let survey = session.survey_region(&region, &SurveyOptions::default(), deadline).await?;
///     assert!(survey.findings().len() < 100, "account {}", who.account);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct AwsSession {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: AwsSettings,
    config: SdkConfig,
    http: Client,
    home: String,
    clock: SharedClock,
}

// === impl AwsSession ===

impl AwsSession {
    /// Reads the configuration; asks nothing of AWS yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when a region, endpoint, proxy or certificate in the settings cannot be used.
    pub async fn connect(settings: AwsSettings, clock: SharedClock) -> Result<Self, Error> {
        settings.check()?;
        let home = home_region(&settings).await;
        let region = Region::new(home.clone());
        let http_client = connector::shared(&settings)?;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.read_timeout)
            .operation_attempt_timeout(settings.attempt_timeout)
            .operation_timeout(settings.operation_timeout)
            .build();
        let for_login = ProviderConfig::default()
            .with_behavior_version(Some(BehaviorVersion::latest()))
            .with_http_client(http_client.clone())
            .with_region(Some(region.clone()))
            .with_timeout_config(timeouts.clone());
        let login = credentials::provider(&settings, for_login, region.clone()).await;
        let login = Remembered::new(login, settings.credentials_timeout, clock.clone());
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(region)
            .http_client(http_client)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            .credentials_provider(login)
            // Ours ends first and says why.
            .identity_cache(IdentityCache::lazy().load_timeout(settings.credentials_timeout * 2).build());
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &settings.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let config = loader.load().await;
        let http = plain_client(&settings, clock.clone())?;
        Ok(Self { inner: Arc::new(Inner { settings, config, http, home, clock }) })
    }

    /// The region that is asked who we are and which regions there are.
    #[must_use]
    pub fn home_region(&self) -> &str {
        &self.inner.home
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &AwsSettings {
        &self.inner.settings
    }

    pub(super) fn config(&self) -> &SdkConfig {
        &self.inner.config
    }

    pub(super) fn http(&self) -> &Client {
        &self.inner.http
    }

    pub(super) fn clock(&self) -> &SharedClock {
        &self.inner.clock
    }

    pub(super) fn ec2(&self, region: &str) -> aws_sdk_ec2::Client {
        let config = aws_sdk_ec2::config::Builder::from(self.config()).region(Region::new(region.to_owned()));
        aws_sdk_ec2::Client::from_conf(config.build())
    }

    pub(super) fn sts(&self, region: &str) -> aws_sdk_sts::Client {
        let config = aws_sdk_sts::config::Builder::from(self.config()).region(Region::new(region.to_owned()));
        aws_sdk_sts::Client::from_conf(config.build())
    }
}

/// The SDK's own order without its last step, the instance metadata service: on a laptop that one only costs time.
async fn home_region(settings: &AwsSettings) -> String {
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    let found = match &settings.home_region {
        Some(region) => Some(region.clone()),
        None => RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(profile.build())
            .region()
            .await
            .map(|region| region.as_ref().to_owned()),
    };
    found.or_else(|| settings.regions.first().cloned()).unwrap_or_else(|| FALLBACK_REGION.to_owned())
}

/// For the services that are asked without an SDK client; repeated by the same loop as the others.
fn plain_client(settings: &AwsSettings, clock: SharedClock) -> Result<Client, Error> {
    let mut client = Client::builder()
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.read_timeout)
        .deadline(settings.attempt_timeout)
        .retry(RetryPolicy::never())
        .max_body(settings.max_body)
        .proxy(settings.proxy.clone())
        .user_agent(concat!("sre-cloud/", env!("CARGO_PKG_VERSION")))
        .clock(clock);
    if let Some(pem) = &settings.ca_pem {
        client = client.ca_pem(pem.clone());
    }
    client.build().map_err(|e| e.map_kind(|_| ErrorKind::Config))
}
