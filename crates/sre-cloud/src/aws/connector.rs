//! One connection pool for every service and region, with a cap on the size of answers.
//!
//! The SDK's default client has no proxy support and no limit on a body, and loads the trust store for each client anew.

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sre_core::Target;
use sre_core::http::Proxy;

use super::settings::AwsSettings;
use crate::{Error, ErrorKind};

/// A client that all services of a session share.
pub(super) fn shared(settings: &AwsSettings) -> Result<SharedHttpClient, Error> {
    let unusable = |what: &str, why: &dyn std::error::Error| {
        Error::new(ErrorKind::Config, Target::new("aws")).with_detail(format!("unusable {what}: {why}"))
    };
    let mut trust = TrustStore::default();
    if let Some(pem) = &settings.ca_pem {
        check_pem(pem).map_err(|e| unusable("certificate", &*e))?;
        trust.add_pem_certificate(pem.clone());
    }
    let tls = TlsContext::builder().with_trust_store(trust).build().map_err(|e| unusable("certificate", &e))?;
    let proxy = match &settings.proxy {
        Proxy::FromEnvironment => ProxyConfig::from_env(),
        Proxy::Url(url) => ProxyConfig::all(url).map_err(|e| unusable("proxy", &e))?,
        _ => ProxyConfig::disabled(),
    };
    let timeouts = HttpConnectorSettings::builder()
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.read_timeout)
        .build();
    let inner = Connector::builder()
        .proxy_config(proxy)
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls)
        .connector_settings(timeouts)
        .build();
    let connector = SharedHttpConnector::new(Capped { inner, max_body: settings.max_body });
    Ok(http_client_fn(move |_, _| connector.clone()))
}

/// A connector whose answers end with an error where they would pass the cap.
#[derive(Debug)]
struct Capped {
    inner: Connector,
    max_body: usize,
}

/// The SDK's connector panics on certificates that it cannot read.
fn check_pem(pem: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate?)?;
    }
    match roots.is_empty() {
        true => Err("no certificate in it".into()),
        false => Ok(()),
    }
}

// === impl Capped ===

impl HttpConnector for Capped {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.inner.call(request);
        let max_body = self.max_body;
        HttpConnectorFuture::new(async move {
            Ok(answer.await?.map(|body| SdkBody::from_body_1_x(Limited::new(body, max_body))))
        })
    }
}
