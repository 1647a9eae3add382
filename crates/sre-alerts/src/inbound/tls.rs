//! TLS for the server: rustls with aws-lc-rs, TLS 1.2 and 1.3, HTTP/1.1.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sre_core::Secret;
use tokio_rustls::TlsAcceptor;

use super::setup::SetupError;

/// A certificate with its key.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

// === impl Tls ===

impl Tls {
    /// Takes a PEM chain, the server's own certificate first, and its key in PEM (PKCS #8, PKCS #1 or SEC 1).
    ///
    /// # Errors
    /// [`SetupError::Tls`] when one of them cannot be read, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &Secret) -> Result<Self, SetupError> {
        let fail = |what: &str, error: &dyn fmt::Display| SetupError::Tls(format!("{what}: {error}"));
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|e| fail("certificate", &e))?;
        if chain.is_empty() {
            return Err(SetupError::Tls("no certificate in the PEM text".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|e| fail("key", &e))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| fail("versions", &e))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|e| fail("certificate and key", &e))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
