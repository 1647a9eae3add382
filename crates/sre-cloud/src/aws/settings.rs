//! How we reach AWS: whose credentials, which regions, how long we wait.
//!
//! What is not set here is found the way the SDK and the AWS CLI find it: `AWS_*` variables, `~/.aws/config`, SSO,
//! web identity, container and instance roles, `AWS_ENDPOINT_URL`. That is this workspace's one exception to "a
//! library does not read the environment": a second reading of that chain would differ from the SDK's sooner or later.
//!
//! ```
//! use std::time::Duration;
//! use sre_cloud::aws::AwsSettings;
//!
//! let settings = AwsSettings::default()
//!     .profile("prod-readonly")
//!     .regions(["us-east-1", "eu-west-1"])
//!     .operation_timeout(Duration::from_secs(20));
//! assert_eq!(settings.regions.len(), 2);
//! ```

use std::time::Duration;

use sre_core::http::Proxy;
use sre_core::{Delivery, RetryPolicy, Secret, Target};

use crate::{Error, ErrorKind};

/// Settings of an [`AwsSession`](super::AwsSession).
///
/// Defaults: the SDK's credential chain, all enabled regions, connect timeout 5 s, read timeout 10 s, 15 s an attempt,
/// 30 s an operation (a page with its retries), 10 s for credentials, the default [`RetryPolicy`], answers up to
/// 64 MiB (a page of 1,000 instances is near 6 MB), proxies from the environment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AwsSettings {
    /// A profile of `~/.aws/config`. Named here, it wins over `AWS_ACCESS_KEY_ID`, as `aws --profile` does.
    pub profile: Option<String>,
    /// Asked instead of each service's own address.
    pub endpoint_url: Option<String>,
    /// The regions to look at; empty means every one that is enabled for the account.
    pub regions: Vec<String>,
    /// Where to ask who we are and which regions exist, when neither `AWS_REGION` nor the profile says it.
    /// Without it that is the first of [`regions`](Self::regions), else `us-east-1`.
    pub home_region: Option<String>,
    /// Time for DNS, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Time until the answer begins.
    pub read_timeout: Duration,
    /// Time for one attempt, the body included.
    pub attempt_timeout: Duration,
    /// Time for one operation: all its attempts and the sleeps between.
    pub operation_timeout: Duration,
    /// Time for the credential chain (SSO, `credential_process`, instance roles).
    pub credentials_timeout: Duration,
    /// How failed attempts are repeated; the SDK's own retry is off.
    pub retry: RetryPolicy,
    /// Largest answer accepted, in bytes.
    pub max_body: usize,
    /// Which proxy to use.
    pub proxy: Proxy,
    /// Certificates (PEM) to trust besides the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Fixed credentials instead of the chain.
    pub credentials: Option<StaticCredentials>,
}

/// An access key that is handed in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StaticCredentials {
    /// `AKIA…` or `ASIA…`.
    pub access_key_id: String,
    /// Its secret half.
    pub secret_access_key: Secret,
    /// With temporary credentials.
    pub session_token: Option<Secret>,
}

// === impl AwsSettings ===

impl Default for AwsSettings {
    fn default() -> Self {
        Self {
            profile: None,
            endpoint_url: None,
            regions: Vec::new(),
            home_region: None,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(15),
            operation_timeout: Duration::from_secs(30),
            credentials_timeout: Duration::from_secs(10),
            retry: RetryPolicy::default(),
            max_body: 64 * 1024 * 1024,
            proxy: Proxy::FromEnvironment,
            ca_pem: None,
            credentials: None,
        }
    }
}

impl AwsSettings {
    /// Uses a profile of `~/.aws/config`.
    #[must_use]
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Asks this address instead of each service's own (moto, LocalStack, a VPC endpoint).
    #[must_use]
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoint_url = Some(url.into());
        self
    }

    /// The regions to look at.
    #[must_use]
    pub fn regions(mut self, regions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.regions = regions.into_iter().map(Into::into).collect();
        self
    }

    /// Where to ask who we are.
    #[must_use]
    pub fn home_region(mut self, region: impl Into<String>) -> Self {
        self.home_region = Some(region.into());
        self
    }

    /// Time for DNS, TCP and TLS together.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Time until the answer begins.
    #[must_use]
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Time for one attempt, the body included.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Time for one operation: all its attempts and the sleeps between.
    #[must_use]
    pub fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout;
        self
    }

    /// Time for the credential chain.
    #[must_use]
    pub fn credentials_timeout(mut self, timeout: Duration) -> Self {
        self.credentials_timeout = timeout;
        self
    }

    /// How failed attempts are repeated.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Largest answer accepted, in bytes.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Which proxy to use.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Certificates (PEM) to trust besides the system's.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// Fixed credentials instead of the chain.
    #[must_use]
    pub fn credentials(mut self, credentials: StaticCredentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// What cannot work is said before anything is asked.
    pub(super) fn check(&self) -> Result<(), Error> {
        for region in self.regions.iter().chain(&self.home_region) {
            check_region(region)?;
        }
        match &self.endpoint_url {
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                Err(unusable(url, "an endpoint is an http:// or https:// URL"))
            }
            _ => Ok(()),
        }
    }
}

/// A region becomes part of a host's name, so nothing else may be in it.
pub(super) fn check_region(region: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match !region.is_empty() && region.chars().all(plain) {
        true => Ok(()),
        false => Err(unusable(region, "not the name of a region, as in us-east-1")),
    }
}

fn unusable(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::Config, Target::new(name)).with_detail(why).with_delivery(Delivery::NotSent)
}

// === impl StaticCredentials ===

impl StaticCredentials {
    /// A key and its secret, without a session token.
    #[must_use]
    pub fn new(access_key_id: impl Into<String>, secret_access_key: Secret) -> Self {
        Self { access_key_id: access_key_id.into(), secret_access_key, session_token: None }
    }

    /// The token of temporary credentials.
    #[must_use]
    pub fn session_token(mut self, token: Secret) -> Self {
        self.session_token = Some(token);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_before_it_is_asked() {
        for settings in [
            AwsSettings::default().regions(["us-east-1 "]),
            AwsSettings::default().regions([""]),
            AwsSettings::default().home_region("us_east_1"),
            AwsSettings::default().endpoint_url("127.0.0.1:5000"),
        ] {
            assert_eq!(settings.check().unwrap_err().kind(), ErrorKind::Config, "{settings:?}");
        }
        assert!(
            AwsSettings::default().regions(["us-gov-west-1"]).endpoint_url("http://127.0.0.1:5000").check().is_ok()
        );
    }

    #[test]
    fn secrets_stay_out_of_debug() {
        let credentials = StaticCredentials::new("AKIATEST", Secret::new("hush")).session_token(Secret::new("hush2"));
        let shown = format!("{:?}", AwsSettings::default().credentials(credentials));
        assert!(shown.contains("AKIATEST") && !shown.contains("hush"), "{shown}");
    }
}
