//! Slow and endless callers are cut off; polite ones are let finish.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::door::{Door, TOKEN, answer, bearer, head, short};

fn authorized() -> String {
    let token = format!("Bearer {TOKEN}");
    let headers = [("content-type", "application/json"), ("authorization", token.as_str())];
    head("POST", "/webhook/alertmanager", &headers).replace("\r\n\r\n", "\r\n")
}

#[expect(clippy::disallowed_methods, reason = "sockets live by the wall clock")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut_off() {
    let door = Door::open();
    for start in ["", "POST /webhook/alert HTTP/1.1\r\nhost: x\r\nx-a:"] {
        let begun = now();
        let mut stream = TcpStream::connect(door.addr).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let (mut read, mut write) = stream.into_split();
        // A byte every now and then does not keep it open.
        let trickle = tokio::spawn(async move {
            while !start.is_empty() && write.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            write
        });
        let mut rest = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut rest).await;
        trickle.abort();
        assert!((200..5000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_body_that_trickles_in_is_cut_off() {
    let door = Door::open();
    let mut stream = TcpStream::connect(door.addr).await.unwrap();
    stream.write_all(format!("{}content-length: 1000\r\n\r\n", authorized()).as_bytes()).await.unwrap();
    stream.write_all(b"{").await.unwrap();
    let answer = answer(&mut stream).await;
    assert_eq!(answer.status, 408, "{}", answer.text);
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let door = Door::open();
    let begun = format!("{}transfer-encoding: chunked\r\n\r\n", authorized());
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    let answer = door.send(&begun, chunk.repeat(100).as_bytes()).await;
    assert_eq!(answer.status, 413, "{}", answer.text);
    // One that only says how large it will be is not even begun.
    let answer = door.send(&format!("{}content-length: 99999999999\r\n\r\n", authorized()), b"").await;
    assert_eq!(answer.status, 413, "{}", answer.text);
    // Heads have an end too.
    let long = format!("{}x-long: {}\r\n\r\n", authorized(), "x".repeat(1_000_000));
    assert_eq!(door.send(&long, b"").await.status, 431);
}

#[tokio::test]
async fn a_smuggled_length_is_refused() {
    let door = Door::open();
    for lengths in ["content-length: 2\r\ncontent-length: 3\r\n", "content-length: -1\r\n", "content-length: 1e3\r\n"] {
        let answer = door.send(&format!("{}{lengths}\r\n", authorized()), b"{}").await;
        assert_eq!(answer.status, 400, "{lengths}: {}", answer.text);
    }
}

#[tokio::test]
async fn others_get_in_once_the_idle_ones_are_cut_off() {
    let door = Door::open_with(|builder| {
        let mut limits = short();
        limits.max_connections = 4;
        builder.alertmanager(bearer()).limits(limits)
    });
    let mut idle = Vec::new();
    for _ in 0..8 {
        idle.push(TcpStream::connect(door.addr).await.unwrap());
    }
    assert_eq!(door.post("/webhook/alertmanager", &[], b"").await.status, 415);
}

#[tokio::test]
async fn a_request_under_way_is_finished_when_the_server_stops() {
    let door = Door::open_with(|builder| {
        let mut limits = short();
        limits.head = Duration::from_secs(60);
        limits.body = Duration::from_secs(60);
        builder.alertmanager(bearer()).limits(limits)
    });
    let body = br#"{"version":"4","alerts":[]}"#;
    let mut idle = TcpStream::connect(door.addr).await.unwrap();
    let mut busy = TcpStream::connect(door.addr).await.unwrap();
    let begun = format!("{}expect: 100-continue\r\ncontent-length: {}\r\n\r\n", authorized(), body.len());
    busy.write_all(begun.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut busy, &mut interim).await.unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100 Continue"));
    let addr = door.addr;
    let (drained, (finished, idled)) = tokio::join!(door.close(), async {
        let idled = answer(&mut idle).await;
        assert!(TcpStream::connect(addr).await.is_err(), "nobody else is let in");
        busy.write_all(body).await.unwrap();
        (answer(&mut busy).await, idled)
    });
    assert_eq!((drained.cut_off, finished.status, idled.status), (0, 200, 0), "{}", finished.text);
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_the_server() {
    let door = Door::open_with(|builder| {
        let mut limits = short();
        limits.body = Duration::from_secs(60);
        limits.drain = Duration::from_millis(100);
        builder.alertmanager(bearer()).limits(limits)
    });
    let mut stuck = TcpStream::connect(door.addr).await.unwrap();
    stuck
        .write_all(format!("{}expect: 100-continue\r\ncontent-length: 9\r\n\r\n", authorized()).as_bytes())
        .await
        .unwrap();
    let mut interim = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut stuck, &mut interim).await.unwrap();
    assert_eq!(door.close().await.cut_off, 1);
}
