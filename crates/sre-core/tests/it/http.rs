//! The HTTP client against a raw server that answers from a script.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sre_core::http::{Client, ClientBuilder, ErrorKind};
use sre_core::{Classify, Delivery, ErrorClass, RetryPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// What the server does with connection number n (the first is 0).
#[derive(Clone)]
enum Act {
    Say(&'static str),
    Hang,
    ResetAfter(&'static str),
}

struct Server {
    url: String,
    arrivals: Arc<Mutex<Vec<(String, Instant)>>>,
}

impl Server {
    async fn start(script: impl Fn(usize) -> Act + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let log = arrivals.clone();
        tokio::spawn(async move {
            for n in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, script(n), log.clone()));
            }
        });
        Self { url, arrivals }
    }

    fn count(&self) -> usize {
        self.arrivals.lock().unwrap().len()
    }
}

async fn serve(mut stream: TcpStream, act: Act, log: Arc<Mutex<Vec<(String, Instant)>>>) {
    let mut head = vec![0; 8192];
    let n = stream.read(&mut head).await.unwrap();
    log.lock().unwrap().push((String::from_utf8_lossy(&head[..n]).into_owned(), Instant::now()));
    match act {
        Act::Say(text) => stream.write_all(text.as_bytes()).await.unwrap(),
        Act::Hang => tokio::time::sleep(Duration::from_secs(60)).await,
        Act::ResetAfter(text) => {
            stream.write_all(text.as_bytes()).await.unwrap();
            stream.set_zero_linger().unwrap();
        }
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
const BUSY: &str = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const LATER: &str = "HTTP/1.1 429 Slow\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";

fn quick() -> ClientBuilder {
    let retry = RetryPolicy::builder().base(Duration::from_millis(5)).cap(Duration::from_secs(2)).build().unwrap();
    Client::builder().retry(retry).read_timeout(Duration::from_millis(300)).deadline(Duration::from_secs(5))
}

#[tokio::test]
async fn get_is_tried_again_until_it_works() {
    let server = Server::start(|n| Act::Say(if n < 2 { BUSY } else { OK })).await;
    let answer = quick().build().unwrap().get(&server.url).send().await.unwrap();
    assert_eq!((answer.status(), answer.attempts(), server.count()), (200, 3, 3));
    assert_eq!(answer.text(), "ok");
}

#[tokio::test]
async fn a_reset_in_mid_body_is_tried_again() {
    let server = Server::start(|n| if n == 0 { Act::ResetAfter(HALF) } else { Act::Say(OK) }).await;
    let answer = quick().build().unwrap().get(&server.url).send().await.unwrap();
    assert_eq!((answer.status(), answer.attempts()), (200, 2));
}

#[tokio::test]
async fn post_is_sent_once_unless_declared_idempotent() {
    let server = Server::start(|_| Act::Say(BUSY)).await;
    let client = quick().build().unwrap();
    let answer = client.post(&server.url).body("x").send().await.unwrap();
    assert_eq!((answer.status(), answer.attempts()), (503, 1));
    let answer = client.post(&server.url).body("x").idempotent(true).send().await.unwrap();
    assert_eq!((answer.status(), answer.attempts(), server.count()), (503, 3, 4));
    let error = answer.error_for_status().unwrap_err();
    assert_eq!((error.kind(), error.status(), error.attempts()), (ErrorKind::Server, Some(503), 3));
}

#[tokio::test]
async fn retry_after_is_waited_out() {
    let server = Server::start(|n| Act::Say(if n == 0 { LATER } else { OK })).await;
    let answer = quick().build().unwrap().get(&server.url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.elapsed() >= Duration::from_millis(950), "{:?}", answer.elapsed());
}

#[tokio::test]
async fn a_peer_that_hangs_costs_no_more_than_the_deadline() {
    let server = Server::start(|_| Act::Hang).await;
    let client = quick().deadline(Duration::from_millis(700)).build().unwrap();
    let error = client.get(&server.url).send().await.unwrap_err();
    assert_eq!((error.kind(), error.class()), (ErrorKind::Timeout, ErrorClass::Connection));
    assert!(error.elapsed().unwrap() < Duration::from_millis(1000));
    assert_eq!(error.delivery(), Delivery::MaybeSent);
}

#[tokio::test]
async fn refused_means_not_sent() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error =
        quick().build().unwrap().get(format!("http://127.0.0.1:{port}/x?token=s3cret")).send().await.unwrap_err();
    assert_eq!((error.kind(), error.delivery(), error.attempts()), (ErrorKind::Connect, Delivery::NotSent, 3));
    let text = format!("{error} {error:?} {}", sre_core::chain::ErrorChain(&error));
    assert!(!text.contains("s3cret") && text.contains("refused"), "{text}");
}

#[tokio::test]
async fn names_that_do_not_resolve_are_told_apart() {
    let error = quick().build().unwrap().get("http://no-such-host.invalid/").send().await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Dns, Delivery::NotSent));
}

#[tokio::test]
async fn a_body_over_the_cap_is_an_error_and_not_memory() {
    let server = Server::start(|_| Act::Say(OK)).await;
    let error = quick().max_body(1).build().unwrap().get(&server.url).send().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::TooLarge, 1));
}

#[tokio::test]
async fn says_who_we_are() {
    let server = Server::start(|_| Act::Say(OK)).await;
    let client = quick().user_agent("morning-check/9").build().unwrap();
    client.get(&server.url).query(&[("q", "a b")]).header("x-a", "1").send().await.unwrap();
    let head = server.arrivals.lock().unwrap()[0].0.to_ascii_lowercase();
    for part in ["get /?q=a+b http/1.1", "user-agent: morning-check/9", "x-a: 1", "accept-encoding: gzip"] {
        assert!(head.contains(part), "{part} in {head}");
    }
}

/// 40 clients that fail at the same moment must come back spread out, not in step: neither after a plain refusal nor
/// when all were told the same `Retry-After`.
#[tokio::test]
async fn clients_that_failed_together_do_not_return_together() {
    for refusal in [BUSY, LATER] {
        let server = Server::start(move |n| Act::Say(if n < 40 { refusal } else { OK })).await;
        let retry = RetryPolicy::builder().base(Duration::from_secs(1)).build().unwrap();
        let client = quick().retry(retry).build().unwrap();
        let requests = (0..40).map(|_| tokio::spawn(client.get(&server.url).send()));
        for request in requests.collect::<Vec<_>>() {
            assert_eq!(request.await.unwrap().unwrap().status(), 200);
        }
        let arrivals = server.arrivals.lock().unwrap();
        let first = arrivals[39].1;
        let mut buckets = BTreeMap::<u128, usize>::new();
        for (_, at) in &arrivals[40..] {
            *buckets.entry((*at - first).as_millis() / 100).or_default() += 1;
        }
        // Uniform over a second: ten buckets of four on average. In lockstep one bucket would hold all 40.
        let fullest = buckets.values().max().unwrap();
        assert!(buckets.len() >= 6 && *fullest <= 15, "{refusal}: second attempts by 100 ms: {buckets:?}");
    }
}

#[tokio::test]
async fn a_redirect_tells_nobody_where_we_come_from() {
    let stranger = Server::start(|_| Act::Say(OK)).await;
    let to = Box::leak(
        format!("HTTP/1.1 302 Found\r\nlocation: {}/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", stranger.url)
            .into_boxed_str(),
    );
    let server = Server::start(|_| Act::Say(to)).await;
    let client = quick().build().unwrap();
    assert_eq!(client.get(format!("{}/services/T0/SECRET", server.url)).send().await.unwrap().status(), 200);
    let seen = stranger.arrivals.lock().unwrap()[0].0.to_ascii_lowercase();
    assert!(!seen.contains("secret") && !seen.contains("referer"), "{seen}");
    let strict = quick().redirects(0).build().unwrap();
    let error = strict.get(&server.url).send().await.map(|r| r.status());
    assert!(!matches!(error, Ok(200)), "{error:?}");
    assert_eq!(stranger.count(), 1);
}
