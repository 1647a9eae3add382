//! The server speaks TLS, and nothing else then.

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sre_alerts::inbound::Tls;
use sre_core::http::{Auth, Client};
use sre_core::{RetryPolicy, Secret};
use tokio::io::AsyncWriteExt;

use super::door::{Door, TOKEN, bearer, short};

/// An authority's certificate, and a chain and key for `localhost`, in PEM.
fn certificate() -> (String, String, String) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::<String>::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let names = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let chain = names.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    (authority, chain.pem(), key.serialize_pem())
}

#[tokio::test]
async fn webhooks_over_tls() {
    let (authority, chain, key) = certificate();
    let tls = Tls::from_pem(chain.as_bytes(), &Secret::new(key)).unwrap();
    let door = Door::open_with(|builder| builder.alertmanager(bearer()).limits(short()).tls(tls));
    let client = Client::builder()
        .ca_pem(authority.into_bytes())
        .auth(Auth::Bearer(Secret::new(TOKEN)))
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let url = format!("https://localhost:{}/webhook/alertmanager", door.addr.port());
    let answer = client.post(&url).json(&serde_json::json!({ "version": "4", "alerts": [] })).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text());
    // Plain HTTP, and a handshake that never comes, get nothing.
    let mut plain = tokio::net::TcpStream::connect(door.addr).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut plain, &mut bytes);
    let _ = tokio::time::timeout(Duration::from_secs(10), read).await.unwrap();
    assert!(!bytes.starts_with(b"HTTP"), "{bytes:?}");
    door.close().await;
}

#[test]
fn certificates_that_are_none() {
    let (_, chain, key) = certificate();
    let (_, other, _) = certificate();
    for (chain, key) in [("", key.as_str()), ("nonsense", &key), (&chain, "nonsense"), (&other, &key), (&key, &chain)] {
        let error = Tls::from_pem(chain.as_bytes(), &Secret::new(key)).unwrap_err().to_string();
        assert!(error.starts_with("TLS: ") && !error.contains("PRIVATE"), "{error}");
    }
}
