//! Credentials, asked for once and kept: an SSO login or a `credential_process` is not run for each region and service.

use std::time::{Duration, SystemTime};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_ec2::config::Region;
use sre_core::SharedClock;
use tokio::sync::Mutex;

use super::settings::AwsSettings;

/// The instance metadata service answers within milliseconds where there is one. A laptop without credentials waits
/// for it no longer than this; the SDK's default is up to 30 s.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);

/// Temporary credentials are renewed this long before they end; a survey does not take longer.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// A provider that remembers and that has a time limit.
#[derive(Debug)]
pub(super) struct Remembered {
    inner: SharedCredentialsProvider,
    kept: Mutex<Option<Credentials>>,
    timeout: Duration,
    clock: SharedClock,
}

/// The provider that the settings ask for: fixed keys, one profile, or the whole chain.
pub(super) async fn provider(
    settings: &AwsSettings,
    config: ProviderConfig,
    region: Region,
) -> SharedCredentialsProvider {
    if let Some(fixed) = &settings.credentials {
        let token = fixed.session_token.as_ref().map(|t| t.expose().to_owned());
        let secret = fixed.secret_access_key.expose();
        return SharedCredentialsProvider::new(Credentials::new(&fixed.access_key_id, secret, token, None, "settings"));
    }
    if let Some(profile) = &settings.profile {
        let profile = ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&config).build();
        return SharedCredentialsProvider::new(profile);
    }
    let metadata = imds::Client::builder()
        .max_attempts(2)
        .connect_timeout(METADATA_TIMEOUT / 2)
        .read_timeout(METADATA_TIMEOUT / 2)
        .operation_timeout(METADATA_TIMEOUT)
        .build();
    let chain = DefaultCredentialsChain::builder().imds_client(metadata).region(region).configure(config);
    SharedCredentialsProvider::new(chain.build().await)
}

// === impl Remembered ===

impl Remembered {
    pub(super) fn new(inner: SharedCredentialsProvider, timeout: Duration, clock: SharedClock) -> Self {
        Self { inner, kept: Mutex::new(None), timeout, clock }
    }

    async fn get(&self) -> Result<Credentials, CredentialsError> {
        let mut kept = self.kept.lock().await;
        if let Some(credentials) = kept.as_ref().filter(|c| self.is_fresh(c)) {
            return Ok(credentials.clone());
        }
        let asked = tokio::time::timeout(self.timeout, self.inner.provide_credentials()).await;
        let credentials = asked.map_err(|_| CredentialsError::provider_timed_out(self.timeout))??;
        *kept = Some(credentials.clone());
        Ok(credentials)
    }

    fn is_fresh(&self, credentials: &Credentials) -> bool {
        let now = SystemTime::from(self.clock.now());
        credentials.expiry().is_none_or(|end| end > now + RENEW_BEFORE)
    }
}

impl ProvideCredentials for Remembered {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.get())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use sre_core::SystemClock;

    use super::*;

    #[derive(Debug, Clone, Default)]
    struct Counting {
        asked: Arc<AtomicU32>,
        hangs: bool,
    }

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let hangs = self.hangs;
            future::ProvideCredentials::new(async move {
                if hangs {
                    std::future::pending::<()>().await;
                }
                Ok(Credentials::new("AKIATEST", "secret", None, None, "test"))
            })
        }
    }

    fn remembered(inner: &Counting) -> Remembered {
        let inner = SharedCredentialsProvider::new(inner.clone());
        Remembered::new(inner, Duration::from_secs(10), SystemClock::shared())
    }

    #[tokio::test]
    async fn a_slow_login_runs_once_for_all_regions() {
        let login = Counting::default();
        let provider = remembered(&login);
        let all = futures_util::future::join_all((0..17).map(|_| provider.provide_credentials())).await;
        assert!(all.iter().all(Result::is_ok));
        assert_eq!(login.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_login_ends() {
        let error =
            remembered(&Counting { hangs: true, ..Counting::default() }).provide_credentials().await.unwrap_err();
        assert!(matches!(error, CredentialsError::ProviderTimedOut(_)), "{error:?}");
    }
}
