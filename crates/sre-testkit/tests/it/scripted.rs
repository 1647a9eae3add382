//! Each fault of the scripted server, as a real client sees it.

use std::error::Error;
use std::time::Duration;

use sre_testkit::scripted::{Chunk, Reply, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The I/O error at the bottom of a failure.
fn io_kind(error: &reqwest::Error) -> Option<std::io::ErrorKind> {
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        source = error.source();
    }
    None
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn keeps_alive_and_records() {
    let server = Server::start(|req| Reply::json(201, &req.text()).header("x-nth", req.nth.to_string())).await;
    let client = client();
    for nth in 0..3 {
        let url = format!("{}/a/b?q=x%20y&empty=", server.url());
        let answer = client.post(url).body(format!("body {nth}")).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.headers()["x-nth"], nth.to_string());
        assert_eq!(answer.json::<String>().await.unwrap(), format!("body {nth}"));
    }
    let requests = server.requests();
    assert_eq!((requests.len(), server.connections()), (3, 1));
    assert_eq!((requests[2].method.as_str(), requests[2].path.as_str()), ("POST", "/a/b"));
    assert_eq!(requests[0].query(), [("q".to_owned(), "x y".to_owned()), ("empty".to_owned(), String::new())]);
}

#[tokio::test]
async fn takes_chunked_bodies() {
    let server = Server::start(|req| Reply::text(200, req.text())).await;
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    let request = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\nin \r\n6;x=1\r\npieces\r\n0\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\nin pieces"), "{answer}");
}

#[tokio::test]
async fn gzip_endless_and_delayed_bodies_arrive_whole() {
    let server = Server::start(|req| match req.path.as_str() {
        "/gzip" => Reply::text(200, "again ".repeat(1000)).gzip(),
        "/bomb" => Reply::endless(5_000_000).gzip(),
        "/sized" => Reply::endless(200_000).header("content-length", "200000"),
        _ => Reply::endless(200_001).delay(Duration::from_millis(30)),
    })
    .await;
    let client = client();
    for (path, length) in [("/gzip", 6_000), ("/bomb", 5_000_000), ("/sized", 200_000), ("/", 200_001)] {
        let answer = client.get(server.url() + path).send().await.unwrap();
        assert_eq!(answer.bytes().await.unwrap().len(), length, "{path}");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn breaks_as_told() {
    let server = Server::start(|req| match req.path.as_str() {
        "/reset" => Reply::reset_after(200, "0123456789", 4),
        "/truncated" => Reply::truncated(200, "0123456789", 4),
        "/close" => Reply::close(),
        _ => Reply::hang(),
    })
    .await;
    let client = client();
    let body = async |path: &str| client.get(server.url() + path).send().await.unwrap().bytes().await.unwrap_err();
    assert_eq!(io_kind(&body("/reset").await), Some(std::io::ErrorKind::ConnectionReset));
    let truncated = body("/truncated").await;
    assert!(io_kind(&truncated) != Some(std::io::ErrorKind::ConnectionReset), "{truncated:?}");
    assert!(client.get(server.url() + "/close").send().await.is_err());
    let hang = client.get(server.url() + "/hang").timeout(Duration::from_millis(100)).send().await.unwrap_err();
    assert!(hang.is_timeout());
}

#[tokio::test]
async fn streams_until_told_to_break() {
    let (sender, reply) = Reply::channel();
    let slot = std::sync::Mutex::new(Some(reply));
    let server = Server::start(move |_| slot.lock().unwrap().take().unwrap_or_else(Reply::close)).await;
    let mut answer = client().get(server.url()).send().await.unwrap();
    for line in ["one\n", "two\n"] {
        sender.send(line.into()).unwrap();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), line);
    }
    sender.send(Chunk::Reset).unwrap();
    assert_eq!(io_kind(&answer.chunk().await.unwrap_err()), Some(std::io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn tls_needs_trust_and_mtls_the_client_certificate() {
    let server = Server::start_mtls(|_| Reply::text(200, "ok")).await;
    let ca = reqwest::Certificate::from_pem(server.ca_pem().as_bytes()).unwrap();
    let identity = reqwest::Identity::from_pem(server.client_identity_pem().as_bytes()).unwrap();
    let trusting = || reqwest::Client::builder().no_proxy().tls_certs_only([ca.clone()]);
    let named = server.url().replace("127.0.0.1", "localhost");
    for url in [server.url(), named] {
        let client = trusting().identity(identity.clone()).build().unwrap();
        assert_eq!(client.get(url).send().await.unwrap().text().await.unwrap(), "ok");
    }
    assert!(trusting().build().unwrap().get(server.url()).send().await.is_err());
    let stranger = client().get(server.url()).send().await.unwrap_err();
    assert!(stranger.is_connect(), "{stranger:?}");
    assert_eq!(server.count(), 2);
}
