//! Certificates made for one server: a CA, a server certificate for this host, a client certificate.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// What a server shows and what its clients need.
pub(crate) struct Identity {
    pub(crate) ca_pem: String,
    pub(crate) server_pem: String,
    pub(crate) server_key_pem: String,
    pub(super) client_pem: String,
    pub(super) server: Arc<ServerConfig>,
}

// === impl Identity ===

impl Identity {
    /// Makes fresh keys; `mutual` also demands the client certificate.
    pub(crate) fn generate(mutual: bool) -> Self {
        let ca_key = KeyPair::generate().expect("make a key");
        let mut ca = named("sre-testkit CA", &[]);
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_cert = ca.self_signed(&ca_key).expect("sign the CA");
        let issuer = Issuer::new(ca, ca_key);

        let server_key = KeyPair::generate().expect("make a key");
        let mut server = named("sre-testkit server", &["127.0.0.1", "localhost"]);
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server_cert = server.signed_by(&server_key, &issuer).expect("sign the server's certificate");

        let client_key = KeyPair::generate().expect("make a key");
        let mut client = named("sre-testkit client", &["client.test"]);
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client_cert = client.signed_by(&client_key, &issuer).expect("sign the client's certificate");

        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3");
        let builder = if mutual {
            let mut roots = RootCertStore::empty();
            roots.add(ca_cert.der().clone()).expect("trust the CA");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier with one root"))
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
        let server = builder.with_single_cert(vec![server_cert.der().clone()], key).expect("key and certificate fit");
        Self {
            ca_pem: ca_cert.pem(),
            server_pem: server_cert.pem(),
            server_key_pem: server_key.serialize_pem(),
            client_pem: client_cert.pem() + &client_key.serialize_pem(),
            server: Arc::new(server),
        }
    }
}

fn named(common_name: &str, alt_names: &[&str]) -> CertificateParams {
    let names: Vec<String> = alt_names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("names that fit a certificate");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}
